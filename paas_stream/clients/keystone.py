"""Tokens of Keystone, validated by Keystone with a service account.

| Keystone says | means | we answer |
|---|---|---|
| 200 | the token is good | as the policy says |
| 404 | no such token: made up, expired, revoked | 401 |
| 403 | our service account may not validate tokens | 503, and an error in the log |
| 401, other errors, nothing | our login is wrong, or Keystone is ill | 503 |

Good tokens are remembered for `cache_s` seconds, 60 at most, so a revocation is noticed within that.
The library blocks, so it runs in threads of its own.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from keystoneauth1 import exceptions, token_endpoint
from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from keystoneclient.v3 import client

from paas_stream.access import Caller
from paas_stream.auth_settings import KeystoneSettings
from paas_stream.clients.tokens import RefusedTokenError, TokenCache, Valid
from paas_stream.errors import ConfigurationError, TemporaryError

log = logging.getLogger(__name__)

_MOST_TOKEN = 8192  # characters
_MARGIN_S = 5.0  # beside the time-outs of a validation's requests
_REQUESTS = 4  # of one validation: log in, validate, log in again, groups
_AGAIN_S = 5.0


class KeystoneClient:
    """One Keystone."""

    def __init__(
        self,
        settings: KeystoneSettings,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now`: seconds since the epoch, for tokens; `clock`: for how long they are remembered.

        Raises ConfigurationError without URL and service account.
        """
        if settings.url is None or settings.password is None:
            raise ConfigurationError("Keystone's URL and a service account are needed")
        self._settings = settings
        self._now = now
        self._url = settings.url.rstrip("/").removesuffix("/v3") + "/v3"
        self._service = self._session(
            v3.Password(
                auth_url=self._url,
                username=settings.username,
                password=settings.password.get_secret_value(),
                user_domain_name=settings.user_domain,
                project_name=settings.project,
                project_domain_name=settings.project_domain,
            )
        )
        self._cache = TokenCache(settings.cached, settings.waiting, settings.cache_s, clock)
        self._threads = ThreadPoolExecutor(settings.concurrency, "keystone")

    async def caller(self, token: str) -> Caller:
        """Who the token stands for.

        Raises RefusedTokenError, and TemporaryError when Keystone does not say so.
        """
        if len(token) > _MOST_TOKEN or not (token.isascii() and token.isprintable()):
            raise RefusedTokenError("This is not a token of Keystone")
        return await self._cache.caller(token, self._check)

    def close(self) -> None:
        """Take no more validations; those under way end by their time-outs."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _check(self, token: str) -> Valid:
        loop = asyncio.get_running_loop()
        most_s = _REQUESTS * self._settings.timeout_s + _MARGIN_S
        try:
            async with asyncio.timeout(most_s):
                return await loop.run_in_executor(self._threads, self._validate, token)
        except TimeoutError as exc:
            raise _unavailable("Keystone does not answer in time") from exc
        except exceptions.ClientException as exc:
            log.warning("Keystone does not validate tokens: %r", exc)
            raise _unavailable("Keystone cannot be asked now") from exc

    def _validate(self, token: str) -> Valid:
        """Ask Keystone; blocks."""
        keystone = self._client(self._service)
        try:
            self._service.get_token()  # a 404 of this one says nothing about the caller's token
        except exceptions.HttpError as exc:
            log.error("Keystone refuses the service account %r: %s", self._settings.username, exc)
            raise _unavailable("Keystone refuses the service account") from exc
        try:
            data = keystone.tokens.get_token_data(token, include_catalog=False)["token"]
        except exceptions.NotFound as exc:
            raise RefusedTokenError("Keystone does not know the token") from exc
        except (exceptions.Forbidden, exceptions.Unauthorized) as exc:
            name = self._settings.username
            log.error("the service account %r may not validate tokens: %s", name, exc)
            raise _unavailable("the service account may not validate tokens") from exc
        life_s = datetime.fromisoformat(data["expires_at"]).timestamp() - self._now()
        return Valid(caller_of(data, self._groups(token, data), self._settings), life_s)

    def _groups(self, token: str, data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The user's groups, asked for in its own name: a service account may not see them."""
        session = self._session(token_endpoint.Token(self._url, token))
        try:
            found = self._client(session).groups.list(user=data["user"]["id"])
        except (exceptions.NotFound, exceptions.Forbidden, exceptions.Unauthorized):
            return []  # some tokens, of restricted application credentials, may not ask
        return [group.to_dict() for group in found]

    def _session(self, auth: Any) -> Session:
        return Session(auth=auth, timeout=self._settings.timeout_s, redirect=False)

    def _client(self, session: Session) -> client.Client:
        return client.Client(session=session, endpoint_override=self._url, connect_retries=0)


def caller_of(
    data: Mapping[str, Any], groups: Iterable[Mapping[str, Any]], settings: KeystoneSettings
) -> Caller:
    """The user of a token. Its project and its groups are user groups, where their domain is ours."""
    project = data.get("project")
    places = [(project["name"], project["domain"]["id"])] if project else []
    places += [(group["name"], group["domain_id"]) for group in groups]
    ours = [name for name, domain in places if domain in settings.domains]
    names = tuple(dict.fromkeys(settings.user_groups.get(name, name) for name in ours))
    return Caller(
        issuer=settings.owner_issuer,
        subject=data["user"]["id"],
        username=data["user"]["name"],
        groups=names,
        is_admin=not set(settings.admin_groups).isdisjoint(names),
    )


def _unavailable(message: str) -> TemporaryError:
    return TemporaryError(message, code="keystone", delay_s=_AGAIN_S)
