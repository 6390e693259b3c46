"""Credentials of a cloud: named in the provider files, kept in the environment or in files.

What is read here goes into the Infrastructure Manager's authorization header and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from paas_stream.errors import ConfigurationError
from paas_stream.selection.provider_schema import CredentialsEntry


@dataclass(frozen=True)
class Credentials:
    """One set of credentials, resolved; secrets do not show in its representation."""

    method: Literal["password", "application_credential", "token"]
    username: str | None = None  # or the identifier of an application credential
    password: str | None = field(default=None, repr=False)  # or its secret
    token: str | None = field(default=None, repr=False)
    tenant: str | None = None  # OpenStack project by name, when the project's id does not do
    domain: str | None = None  # OpenStack user domain by name
    tenant_domain: str | None = None  # OpenStack project domain by identifier


def resolve(
    name: str, entry: CredentialsEntry, folder: Path, env: Mapping[str, str]
) -> Credentials:
    """Read the values that `entry` names, file names being relative to `folder`.

    Raises ConfigurationError, which names the variable or file that is missing, never a value.
    """
    values = {
        what: _value(name, variable, file, folder, env)
        for what, variable, file in (
            ("username", entry.username_env, entry.username_file),
            ("password", entry.password_env, entry.password_file),
            ("token", entry.token_env, entry.token_file),
        )
    }
    return Credentials(
        method=entry.method,
        tenant=entry.tenant,
        domain=None if entry.domain == "default" else entry.domain,  # an identifier, no name
        tenant_domain=entry.tenant_domain,
        **values,
    )


def _value(
    name: str, variable: str | None, file: Path | None, folder: Path, env: Mapping[str, str]
) -> str | None:
    if variable:
        value = env.get(variable, "")
        where = f"the environment variable {variable}"
    elif file:
        where = f"the file {folder / file}"
        value = _text(name, folder / file)
    else:
        return None
    if not value:
        raise _missing(name, f"{where} is not set or empty")
    return value


def _text(name: str, file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "not UTF-8 text"
        raise _missing(name, f"the file {file} cannot be read ({reason})") from exc


def _missing(name: str, sentence: str) -> ConfigurationError:
    return ConfigurationError(f"credentials {name!r}: {sentence}", code="credentials_missing")
