"""Secrets in messages and tables: JWE for the workers' keys; IM passwords derived, never stored.

ECDH-ES+A256KW with A256GCM. The first key of the set encrypts, every key of it decrypts, so keys are
rotated by putting a new one in front. The service key, from which IM passwords are derived, stays.
"""

import fcntl
import hashlib
import hmac
import json
import logging
import os
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet

from paas_stream.errors import ConfigurationError, PermanentError, TemporaryError
from paas_stream.settings import Settings, get_settings

log = logging.getLogger(__name__)

_LOOK_S = 5.0  # how often the file is looked at when secrets are sealed
_HEADER = {"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}
_CURVE = "P-256"


class _Registry(jwe.JWERegistry):
    """The library opens 64 KiB at most; a secret here is at most as long as a message."""

    max_ciphertext_length = 1024 * 1024


_REGISTRY = _Registry(algorithms=list(_HEADER.values()))


class MissingKeyError(TemporaryError):
    """A secret was sealed for a key that this process does not have, or does not have yet."""

    code = "secret"


class KeyRing:
    """The keys in a file, read again when it has changed: workers take a new key without a restart."""

    def __init__(self, file: Path) -> None:
        """Raises ConfigurationError unless there are usable keys."""
        self._file = file
        self._keys = read_keys(file)
        self._stamp = _stamp(file)
        self._looked = time.monotonic()

    def __repr__(self) -> str:
        return f"KeyRing({self._file})"

    @property
    def sealing(self) -> ECKey:
        """The first key."""
        if time.monotonic() >= self._looked + _LOOK_S:
            self._refresh()
        return _first(self._keys)

    def opening(self, sealed: str) -> KeySet:
        """The keys that may open a JWE. Raises MissingKeyError when the one it names is not here."""
        kid = _kid(sealed)
        if kid is None:
            return self._keys
        if kid not in _ids(self._keys):
            self._refresh()
        if kid not in _ids(self._keys):
            raise MissingKeyError(f"a secret was sealed for the key {kid}, which is not here")
        return self._keys

    def _refresh(self) -> None:
        self._looked = time.monotonic()
        stamp = _stamp(self._file)
        if stamp == self._stamp:
            return
        try:
            self._keys, self._stamp = read_keys(self._file), stamp
        except ConfigurationError as exc:
            log.error("the keys that are in use stay in use: %s", exc.message)


@dataclass(frozen=True)
class Vault:
    """The keys of one application."""

    keys: KeyRing
    service_key: bytes = field(repr=False)

    def seal(self, text: str) -> str:
        """Compact JWE of `text`."""
        key = self.keys.sealing
        header = _HEADER | {"kid": _id(key)}
        return jwe.encrypt_compact(header, text.encode(), key, registry=_REGISTRY)

    def open(self, sealed: str) -> str:
        """The text in a JWE.

        Raises MissingKeyError when its key is not here, PermanentError when it is no JWE of ours.
        """
        try:
            keys = self.keys.opening(sealed)
            plain = jwe.decrypt_compact(sealed, keys, registry=_REGISTRY).plaintext
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

    @property
    def hop_key(self) -> bytes:
        """The key by which workers know each other's requests; no IM user has that name."""
        return hmac.digest(self.service_key, b"requests between workers", "sha256")


@cache
def vault() -> Vault:
    """The keys of this process, loaded once."""
    return load_vault(get_settings())


def load_vault(settings: Settings) -> Vault:
    """The configured keys; without any, keys made once in the state directory (mode 0600)."""
    folder = settings.state.dir / "keys"
    keys_file = key_file(settings)
    if settings.secret.service_key is not None:
        service_key = settings.secret.service_key.get_secret_value().encode()
    else:
        service_key = _made(folder / "service.key", lambda: os.urandom(32).hex()).read_bytes()
    service_key = service_key.strip()
    if not service_key:
        raise ConfigurationError("the service key is empty: anyone could compute IM passwords")
    return Vault(KeyRing(keys_file), service_key)


def key_file(settings: Settings) -> Path:
    """Where the keys are; made there when none are configured."""
    made = settings.state.dir / "keys" / "jwe.json"
    return settings.secret.keys_file or _made(made, lambda: _text([new_key()]))


def rotate(file: Path) -> str:
    """Put a new key in front of those in the file, which all stay. Returns its id.

    Raises ConfigurationError when the file has no usable keys or cannot be written.
    """
    try:
        with file.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            made = new_key()
            draft = file.with_suffix(f".{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(_text([made, *keys_of(read_keys(file))]))
            draft.replace(file)
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be written: {exc.strerror}") from exc
    return _id(made)


def keys_of(keys: KeySet) -> list[ECKey]:
    """The keys, the one that seals first."""
    return [key for key in keys.keys if isinstance(key, ECKey)]


def read_keys(file: Path) -> KeySet:
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


def new_key() -> ECKey:
    """A new private key; `iat` says since when it is there, in seconds since the epoch."""
    about: Any = {"use": "enc", "iat": int(time.time())}
    return ECKey.generate_key(_CURVE, about, private=True, auto_kid=True)


def _text(keys: list[ECKey]) -> str:
    return json.dumps({"keys": [key.as_dict(private=True) for key in keys]})


def _first(keys: KeySet) -> ECKey:
    return keys_of(keys)[0]


def _id(key: ECKey) -> str:
    return str(key.kid or key.thumbprint())


def _ids(keys: KeySet) -> set[str]:
    return {_id(key) for key in keys_of(keys)}


def _kid(sealed: str) -> str | None:
    """The id of the key that a JWE names."""
    try:
        header = json.loads(urlsafe_b64decode(sealed.partition(".")[0].encode() + b"=="))
    except (ValueError, RecursionError):
        return None
    kid = header.get("kid") if isinstance(header, dict) else None
    return kid if isinstance(kid, str) else None


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """Tells whether a file has changed; None: it is not there."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


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
