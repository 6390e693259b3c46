"""The authorization header of the Infrastructure Manager.

IM takes its line format or one JSON list. Ours is the JSON list: in the line format a `;`, a quote or
a line break in a value adds fields or lines, and a value `file(...)` makes the IM read a file of its
own. IM splits the header at the two characters `\\n` before it reads the JSON, so no JSON escape
here contains them.
"""

import json
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from paas_stream.errors import PermanentError
from paas_stream.records import Target

OPENSTACK = "ost"  # what the line of an OpenStack cloud is called in the header
DEFAULT_DOMAIN = "Default"  # the name that Keystone gives to the domain `default`; case may count

_ESCAPE = re.compile(r'\\(["\\/bfnrt])')
_UNICODE = {
    '"': "\\u0022",
    "\\": "\\u005c",
    "/": "\\u002f",
    "b": "\\u0008",
    "f": "\\u000c",
    "n": "\\u000a",
    "r": "\\u000d",
    "t": "\\u0009",
}


@dataclass(frozen=True)
class ImUser:
    """Who the IM takes us for: it lists only this user's infrastructures."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class CloudLogin:
    """What opens the cloud: a token, or a user name with its password."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    application_credential: bool = False  # username and password are its id and secret
    tenant: str | None = None  # project by name
    domain: str | None = None  # the user's, by name
    tenant_domain: str | None = None  # the project's, by its identifier


def attempt_user(uuid: str, attempt: int) -> str:
    """The IM user name of one attempt."""
    return f"{uuid}.{attempt}"


def header(user: ImUser, target: Target, region: str, login: CloudLogin | None) -> str:
    """The header for one attempt at one provider.

    Raises PermanentError when the login lacks what this kind of provider needs.
    """
    return _encode(_im(user), cloud(target, region, login))


def user_header(user: ImUser) -> str:
    """The header for calls that reach no cloud."""
    return _encode(_im(user))


def _im(user: ImUser) -> dict[str, str]:
    return {"type": "InfrastructureManager", "username": user.username, "password": user.password}


def _encode(*lines: dict[str, str]) -> str:
    text = json.dumps(lines, separators=(",", ":"))
    return _ESCAPE.sub(lambda match: _UNICODE[match[1]], text)


def cloud(target: Target, region: str, login: CloudLogin | None) -> dict[str, str]:
    """The part of the header that names the cloud (field names as the IM's documentation has them)."""
    match target.type:
        case "dummy":
            return {"id": "dummy", "type": "Dummy"}
        case "openstack":
            return _openstack(target, region, login)
        case "kubernetes":
            return _kubernetes(target, login)
    raise PermanentError(f"providers of type {target.type!r} are unknown", code="provider_type")


def _openstack(target: Target, region: str, login: CloudLogin | None) -> dict[str, str]:
    line = {"id": OPENSTACK, "type": "OpenStack", "host": _host(target.endpoint)}
    if region not in ("", "default"):
        line["service_region"] = region
    if login is None:
        raise _no_login(target)
    if login.token is not None:
        return line | {
            "username": target.issuer or "",
            "tenant": target.protocol or "openid",
            "password": login.token,
            "domain": target.project,
            "auth_version": "3.x_oidc_access_token",
        }
    if login.username is None or login.password is None:
        raise _no_login(target)
    line |= {"username": login.username, "password": login.password}
    # the IM knows a project by its name; that is in the target when the cloud was read
    tenant = login.tenant or target.project_name or target.project
    if login.application_credential:
        return line | {"tenant": tenant or "any", "auth_version": "3.x_appcred"}
    return line | {
        "tenant": tenant,
        "domain": login.domain or DEFAULT_DOMAIN,
        "tenant_domain_id": login.tenant_domain or "default",
        "auth_version": "3.x_password",
    }


def _host(endpoint: str) -> str:
    """The address of Keystone as IM has it: IM adds the version itself, after whatever path is there.

    IM compares host names as they are written, and those of image URIs are in lower case.
    """
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/').removesuffix('/v3')}"


def _kubernetes(target: Target, login: CloudLogin | None) -> dict[str, str]:
    if login is None or login.token is None:
        raise _no_login(target)
    line = {"id": "k8s", "type": "Kubernetes", "host": target.endpoint, "token": login.token}
    names = {"namespace": target.project, "apps_dns": target.apps_dns}
    return line | {name: value for name, value in names.items() if value}


def _no_login(target: Target) -> PermanentError:
    text = (
        f"there are no credentials for the {target.type} provider: send a token, or configure them"
    )
    return PermanentError(text, code="credentials_missing")
