"""Reads what a project of an OpenStack cloud offers, with the cloud's own SDK.

The SDK blocks, so each reading runs in a thread. A call that fails costs its part only.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from keystoneauth1 import exceptions as auth_errors
from keystoneauth1 import session
from keystoneauth1.identity import v3
from openstack import exceptions as sdk_errors
from openstack.connection import Connection

from paas_stream.clients.site_calls import Call, Calls, Rows
from paas_stream.errors import ConfigurationError, TemporaryError
from paas_stream.selection import openstack_parts as parts
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_schema import RegionProps
from paas_stream.selection.readings import Reading, Site

_LONGEST_REASON = 300
_USER_AGENT = ("paas-stream", "feeder")


def read(site: Site, credentials: Credentials | None, timeout_s: float, calls: Calls) -> Reading:
    """Read the project that the site names; blocks for some calls.

    Raises TemporaryError when the login fails, ConfigurationError for one that cannot be.
    """
    if credentials is None:
        raise ConfigurationError("an OpenStack project is read with credentials, and it has none")
    auth = plugin(site, credentials)
    login = session.Session(auth=auth, timeout=timeout_s, verify=True, app_name=_USER_AGENT[0])
    try:
        calls.project_name = auth.get_access(login).project_name
        project = site.project.id if credentials.tenant is None else login.get_project_id()
    except auth_errors.ClientException as exc:
        raise TemporaryError(f"the login failed: {_said(exc)}", code="provider_login") from exc
    # every service answers in time, or not at all
    with Connection(session=login, region_name=site.region.name, api_timeout=timeout_s) as cloud:
        refusals = (sdk_errors.SDKException, auth_errors.ClientException)
        return calls.make(questions(site, cloud, str(project)), refusals, _said)


def plugin(site: Site, credentials: Credentials) -> v3.base.BaseAuth:
    """How to log in: a password, an application credential, or a token of an OpenID provider."""
    url = site.provider.auth_url.rstrip("/")
    url = url if url.endswith("/v3") else f"{url}/v3"
    secret = credentials.password or ""  # the schema has seen to it that there is one
    if credentials.method == "application_credential":
        return v3.ApplicationCredential(
            url,
            application_credential_id=credentials.username,
            application_credential_secret=secret,
        )
    scope: dict[str, Any] = {"project_id": site.project.id}
    if credentials.tenant is not None:
        scope = {
            "project_name": credentials.tenant,
            "project_domain_id": credentials.tenant_domain or "default",
        }
    if credentials.method == "token":
        idp = next(
            (
                one
                for one in site.provider.identity_providers
                if one.endpoint == site.agreement.issuer
            ),
            None,
        )
        if idp is None or idp.protocol is None:
            raise ConfigurationError(
                "a token needs the issuer's `protocol` in the provider's identity_providers"
            )
        return v3.OidcAccessToken(
            url,
            identity_provider=idp.name,
            protocol=idp.protocol,
            access_token=credentials.token,
            **scope,
        )
    return v3.Password(
        url,
        username=credentials.username,
        password=secret,
        user_domain_id="default" if credentials.domain is None else None,
        user_domain_name=credentials.domain,  # by name, since the IM takes no identifier
        **scope,
    )


def questions(site: Site, cloud: Connection, project: str) -> tuple[Call, ...]:
    """What is asked for each part."""
    here = next(
        (one for one in site.project.per_region_props if one.region_name == site.region.name), None
    )
    provider = site.provider
    asked: dict[str, Callable[[], Rows]] = {
        "flavors": lambda: parts.flavors(_dicts(cloud.compute.flavors(get_extra_specs=True))),
        "images": lambda: parts.images(_dicts(cloud.image.images()), provider.image_tags),
        "networks": lambda: parts.networks(
            _dicts(cloud.network.networks()), provider.network_tags, **_defaults(site, here)
        ),
        "quotas/compute": lambda: parts.compute_quotas(
            cloud.compute.get_quota_set(project, usage=True).to_dict()
        ),
        "quotas/block-storage": lambda: parts.storage_quotas(
            cloud.block_storage.get_quota_set(project, usage=True).to_dict()
        ),
        "quotas/networking": lambda: parts.networking_quotas(
            cloud.network.get_quota(project, details=True).to_dict()
        ),
    }
    return tuple(Call((part,), partial(_of, part, ask)) for part, ask in asked.items())


def _of(part: str, ask: Callable[[], Rows]) -> dict[str, Rows]:
    return {part: ask()}


def _defaults(site: Site, here: RegionProps | None) -> dict[str, Any]:
    """The names of the default networks, and the way to private ones; the region's go before."""

    def first(name: str) -> Any:
        return (getattr(here, name) if here else None) or getattr(site.project, name)

    return {
        "public": first("default_public_net"),
        "private": first("default_private_net"),
        "proxy": first("private_net_proxy"),
    }


def _dicts(listed: Iterable[Any]) -> list[dict[str, Any]]:
    return [one.to_dict() for one in listed]


def _said(exc: Exception) -> str:
    """One line, of bounded length."""
    status = getattr(exc, "status_code", None) or getattr(exc, "http_status", None)
    text = " ".join(str(getattr(exc, "details", None) or exc).split())[:_LONGEST_REASON]
    return f"{status}: {text}" if status else text
