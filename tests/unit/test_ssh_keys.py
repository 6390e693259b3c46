"""SSH public keys: what is taken, and in which form."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from paas_stream import ssh_keys
from paas_stream.errors import PermanentError

ED25519 = ed25519.Ed25519PrivateKey.generate()


def line(private: object) -> str:
    public = private.public_key()  # type: ignore[attr-defined]
    return str(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())


PUBLIC = line(ED25519)


def _number(_: object) -> str:
    """Names without keys, which are others in each process."""
    return ""


class TestAKeyIsTaken:
    @pytest.mark.parametrize(
        "private",
        [
            ED25519,
            ec.generate_private_key(ec.SECP256R1()),
            ec.generate_private_key(ec.SECP384R1()),
            ec.generate_private_key(ec.SECP521R1()),
            rsa.generate_private_key(65537, 2048),
        ],
    )
    def test_of_every_common_type(self, private: object) -> None:
        assert ssh_keys.read(line(private)).line == line(private)

    @pytest.mark.parametrize(
        "text",
        [
            f"{PUBLIC} alice@laptop",
            f"\n  {PUBLIC}   alice@laptop  \r\n\n",
            f"{PUBLIC}\talice@laptop",
        ],
        ids=["one blank", "many", "a tab"],
    )
    def test_in_one_form_whatever_blanks_are_around_it(self, text: str) -> None:
        assert ssh_keys.read(text).line == f"{PUBLIC} alice@laptop"

    def test_with_a_comment_of_several_words_or_none(self) -> None:
        assert ssh_keys.read(f"{PUBLIC} my  old key").comment == "my old key"
        assert ssh_keys.read(PUBLIC).comment == ""

    def test_with_the_fingerprint_that_ssh_keygen_shows(self) -> None:
        body = "AAAAC3NzaC1lZDI1NTE5AAAAIHEcchYcBqYG5RhHIn3fdRNWeKWRgSJdsOMNe2XXfUum"
        key = ssh_keys.read(f"ssh-ed25519 {body}")
        assert key.fingerprint == "SHA256:C8Ts+X1AjDrrl7aGu/5fHJWYxkyXEh49k/6ptfm10nA"


def private_texts() -> list[str]:
    formats = (PrivateFormat.OpenSSH, PrivateFormat.PKCS8)
    pem = [ED25519.private_bytes(Encoding.PEM, one, NoEncryption()).decode() for one in formats]
    rsa_pem = rsa.generate_private_key(65537, 2048).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    return [*pem, rsa_pem.decode(), "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n"]


class TestAKeyIsRefused:
    @pytest.mark.parametrize("text", private_texts(), ids=_number)
    def test_that_is_private_and_is_not_repeated(self, text: str) -> None:
        with pytest.raises(PermanentError, match="private key") as refused:
            ssh_keys.read(text)
        assert text.splitlines()[1] not in refused.value.message

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "one SSH public key is expected"),
            (f"{PUBLIC}\n{PUBLIC}", "one SSH public key is expected"),
            (PUBLIC.split()[1], "must be of one of the types"),
            (f'command="rm -rf /" {PUBLIC}', "must be of one of the types"),
            ("ssh-dss AAAAB3NzaC1kc3MAAACBAP", "must be of one of the types"),
            ("ssh-ed25519-cert-v01@openssh.com AAAA", "must be of one of the types"),
            ("ssh-ed25519", "cannot be read"),
            ("ssh-ed25519 AAAA", "cannot be read"),
            ("ssh-ed25519 no*base64", "cannot be read"),
            (PUBLIC.replace("ssh-ed25519", "ssh-rsa", 1), "cannot be read"),
            (line(rsa.generate_private_key(65537, 1024)), "2048 bits or more.* has 1024"),
            (f"{PUBLIC} {'x' * 201}", "comment"),
            (f"{PUBLIC} a\x1b[2Jb", "comment"),
            (f"{PUBLIC} {'x ' * 9000}", "at most 16384 characters"),
        ],
        ids=_number,
    )
    def test_that_is_none_or_too_weak_or_more_than_one(self, text: str, reason: str) -> None:
        with pytest.raises(PermanentError, match=reason):
            ssh_keys.read(text)
