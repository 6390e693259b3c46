"""Secrets in messages and tables: JWE for the workers' keys; IM passwords derived, never stored.

ECDH-ES+A256KW with A256GCM. The first key of the set encrypts, every key of it decrypts, so keys are
rotated by putting a new one in front.
"""

import hashlib
import hmac
import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from paas_stream.errors import ConfigurationError, PermanentError
from paas_stream.settings import Settings, get_settings

_HEADER = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}
_CURVE = "P-256"


class _Registry(jwe.JWERegistry):
    """The library opens 64 KiB at most; a secret here is at most as long as a message."""

    max_ciphertext_length = 1024 * 1024


_REGISTRY = _Registry(algorithms=list(_HEADER.values()))


@dataclass(frozen=True)
class Vault:
    """The keys of one application."""

    keys: KeySet = field(repr=False)
    service_key: bytes = field(repr=False)

    def seal(self, text: str) -> str:
        """Compact JWE of `text`."""
        key = self.keys.keys[0]
        header = _HEADER | {"kid": key.kid or key.thumbprint()}
        return jwe.encrypt_compact(header, text.encode(), key, registry=_REGISTRY)

    def open(self, sealed: str) -> str:
        """The text in a JWE. Raises PermanentError when no key of ours opens it."""
        try:
            plain = jwe.decrypt_compact(sealed, self.keys, registry=_REGISTRY).plaintext
        except (JoseError, ValueError) as exc:
            raise PermanentError("a secret was sealed for another key", code="secret") from exc
        return (plain or b"").decode()

    def seal_json(self, value: Any) -> str:
        """Compact JWE of a JSON value."""
        return self.seal(json.dumps(value, separators=(",", ":")))

    def open_json(self, sealed: str) -> Any:
        """The JSON value in a JWE."""
        return json.loads(self.open(sealed))

    def im_password(self, user: str) -> str:
        """The password of an IM user of ours: HMAC-SHA256 of the name, hexadecimal."""
        return hmac.new(self.service_key, user.encode(), hashlib.sha256).hexdigest()


@cache
def vault() -> Vault:
    """The keys of this process, loaded once."""
    return load_vault(get_settings())


def load_vault(settings: Settings) -> Vault:
    """The configured keys; without any, keys made once in the state directory (mode 0600)."""
    folder = settings.state.dir / "keys"
    keys_file = settings.secret.keys_file or _made(folder / "jwe.json", _new_key_set)
    if settings.secret.service_key is not None:
        service_key = settings.secret.service_key.get_secret_value().encode()
    else:
        service_key = _made(folder / "service.key", lambda: os.urandom(32).hex()).read_bytes()
    service_key = service_key.strip()
    if not service_key:
        raise ConfigurationError("the service key is empty: anyone could compute IM passwords")
    return Vault(_key_set(keys_file), service_key)


def _key_set(file: Path) -> KeySet:
    """The keys in a file. Raises ConfigurationError unless each can seal and open."""
    try:
        given = json.loads(file.read_text())
        keys = KeySet.import_key_set(given)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, JoseError) as exc:
        raise ConfigurationError(f"{file} is not a JSON Web Key Set: {exc}") from exc
    usable = [
        isinstance(key, ECKey) and key.is_private and key.curve_name == _CURVE for key in keys
    ]
    if not usable or not all(usable):
        raise ConfigurationError(f"{file}: private EC keys on {_CURVE} are needed, newest first")
    return keys


def _new_key_set() -> str:
    key = ECKey.generate_key(_CURVE, {"use": "enc"}, private=True, auto_kid=True)
    return json.dumps(KeySet([key]).as_dict(private=True))


def _made(path: Path, content: Any) -> Path:
    """`path`, written first if it is not there; of several workers that start at once one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_suffix(f".{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(content())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path
