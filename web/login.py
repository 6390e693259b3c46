"""Logins: which token a request brings, who checks it, and what is answered when it is no good.

`Authorization: Bearer` is a token of an OpenID provider, `X-Auth-Token` one of Keystone. Which of them
are taken is the setting `PAAS_AUTH`.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp
from aiohttp import web

from paas_stream.access import NOBODY, Caller, within
from paas_stream.clients.keystone import KeystoneClient
from paas_stream.clients.oidc import OidcClient
from paas_stream.clients.tokens import RefusedTokenError
from paas_stream.settings import Settings
from web import forwarded, requests
from web.failures import Failures
from web.faults import ApiError

log = logging.getLogger(__name__)

KEYSTONE_HEADER = "X-Auth-Token"
_MOST_GROUPS = 4096  # characters of a caller's groups: it goes to other workers in a header


class Login:
    """All ways to log in that are switched on."""

    def __init__(self, settings: Settings, session: Callable[[], aiohttp.ClientSession]) -> None:
        self._settings = settings
        self._failures = Failures(settings.login)
        self._oidc = OidcClient(settings.oidc, session) if "oidc" in settings.auth else None
        self._keystone = KeystoneClient(settings.keystone) if "keystone" in settings.auth else None

    async def caller(self, request: web.Request) -> Caller:
        """Who asks.

        Raises ApiError 400 for two logins at once, 401, 429 after too many refused ones of an
        address; TemporaryError when a login cannot be checked now.
        """
        if "none" in self._settings.auth:
            return NOBODY
        check, token = self._given(request)
        address = forwarded.network_key(forwarded.of(request).address)
        wait_s = self._failures.wait_s(address)
        if wait_s is not None:
            raise ApiError(429, "too many logins were refused", retry_after_s=wait_s)
        try:
            found = await check(token)
        except RefusedTokenError as exc:
            if exc.is_guess:
                self._failures.add(address)
            log.info("a login from %s was refused: %s", address, exc.message)
            raise unauthorized(self._settings, exc.message) from exc
        return replace(found, groups=within(found.groups or (), _MOST_GROUPS))

    def close(self) -> None:
        """Let go of threads."""
        if self._keystone is not None:
            self._keystone.close()

    def _given(self, request: web.Request) -> tuple[Callable[[str], Awaitable[Caller]], str]:
        bearer = requests.bearer_token(request) if self._oidc is not None else None
        keystone = request.headers.get(KEYSTONE_HEADER) if self._keystone is not None else None
        if bearer and keystone:
            raise ApiError(400, f"Authorization or {KEYSTONE_HEADER}, not both")
        if bearer and self._oidc is not None:
            return self._oidc.caller, bearer
        if keystone and self._keystone is not None:
            return self._keystone.caller, keystone
        raise unauthorized(self._settings, None)


def unauthorized(settings: Settings, reason: str | None) -> ApiError:
    """401 with how to log in; `reason`: why the login was refused, None: there was none."""
    challenges = []
    if "oidc" in settings.auth:
        error = f', error="invalid_token", error_description="{_quoted(reason)}"' if reason else ""
        challenges.append(f'Bearer realm="paas-stream"{error}')
    if "keystone" in settings.auth:
        challenges.append(f'Keystone uri="{settings.keystone.url}"')
    headers = {"WWW-Authenticate": ", ".join(challenges) or 'Bearer realm="paas-stream"'}
    return ApiError(401, reason or "a login is needed", headers=headers)


def _quoted(text: str) -> str:
    """As it may stand in a header between quotation marks."""
    return "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "'" for c in text)
