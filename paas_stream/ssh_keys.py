"""SSH public keys: what is taken, and the one form in which it is kept."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_public_key,
)

from paas_stream.errors import PermanentError

MOST_CHARACTERS: Final = 16_384  # an RSA key of 16384 bits has 3000
COMMENT_MOST: Final = 200
RSA_LEAST_BITS: Final = 2048
TYPES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
)
_PRIVATE: Final = ("PRIVATE KEY", "PuTTY-User-Key-File")


@dataclass(frozen=True)
class PublicKey:
    """One key."""

    type: str
    body: str  # base64
    comment: str

    @property
    def line(self) -> str:
        """As in authorized_keys."""
        return f"{self.type} {self.body} {self.comment}".strip()

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it."""
        digest = hashlib.sha256(base64.b64decode(self.body)).digest()
        return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def read(text: str) -> PublicKey:
    """The one key in `text`, a line as in a .pub file.

    Raises PermanentError with a sentence for its user for anything else. The sentence never repeats
    the text: it may be a private key.
    """
    if len(text) > MOST_CHARACTERS:
        raise PermanentError(f"an SSH public key has at most {MOST_CHARACTERS} characters")
    if any(mark in text for mark in _PRIVATE):
        raise PermanentError(
            "this is a private key: never hand it to anybody, and take it as known to others from now "
            "on; the public key is in the file whose name ends in .pub"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) != 1:
        raise PermanentError("one SSH public key is expected, in one line: TYPE KEY COMMENT")
    kind, body, comment = (*lines[0].split(maxsplit=2), "", "")[:3]
    if kind not in TYPES:
        raise PermanentError(f"the key must be of one of the types {', '.join(TYPES)}")
    return PublicKey(kind, _checked(kind, body), _comment(comment))


def _checked(kind: str, body: str) -> str:
    """The key's base64 as it is written by all. Raises PermanentError."""
    try:
        key = load_ssh_public_key(f"{kind} {body}".encode())
        line = key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise PermanentError(f"this is no {kind} key: its second part cannot be read") from exc
    if isinstance(key, RSAPublicKey) and key.key_size < RSA_LEAST_BITS:
        raise PermanentError(
            f"an RSA key must have {RSA_LEAST_BITS} bits or more, and this one has {key.key_size}"
        )
    return line.split(" ")[1]


def _comment(text: str) -> str:
    comment = " ".join(text.split())
    if len(comment) > COMMENT_MOST or not comment.isprintable():
        raise PermanentError(
            f"the comment of a key has at most {COMMENT_MOST} characters, all of them printable"
        )
    return comment
