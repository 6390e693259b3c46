"""Access tokens of OpenID providers: JWTs, checked here with the issuer's keys.

1. The token's `iss` must be a trusted issuer; nothing else of the token is believed yet.
2. The issuer's keys come from its discovery document. They are kept, and read again after a time or
   when a token names an unknown key, but not more often than `retry_s`: made-up key ids cost nothing.
3. Signature, times, audience and subject are checked.
4. The groups are taken from the claims.

An issuer that cannot be reached is no reason to refuse a token: TemporaryError, unless its keys are
known.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey

from paas_stream.access import Caller
from paas_stream.auth_settings import Issuer, OidcSettings
from paas_stream.clients.tokens import RefusedTokenError
from paas_stream.errors import TemporaryError

log = logging.getLogger(__name__)

Clock = Callable[[], float]

_MOST_BYTES = 512 * 1024  # of a discovery document or a key set
_SHORTEST_RSA = 2048  # bits


class _Registry(jws.JWSRegistry):
    """The library's own limits, with room for tokens of members of very many groups."""

    max_header_length = 4096
    max_payload_length = 64 * 1024


class OidcClient:
    """All trusted issuers."""

    def __init__(
        self,
        settings: OidcSettings,
        session: Callable[[], aiohttp.ClientSession],
        now: Clock = time.time,
        clock: Clock = time.monotonic,
    ) -> None:
        """`now`: seconds since the epoch, for tokens; `clock`: for how long keys are known."""
        self._settings = settings
        self._now = now
        self._issuers = {
            issuer.url: (issuer, IssuerKeys(issuer.url, settings, session, clock))
            for issuer in settings.issuers
        }

    async def caller(self, token: str) -> Caller:
        """Who the token stands for.

        Raises RefusedTokenError, and TemporaryError when the issuer's keys cannot be had.
        """
        claimed = _claimed(token, self._settings.algorithms)
        known = self._issuers.get(claimed.issuer)
        if known is None:
            raise RefusedTokenError("The token's issuer is not trusted")
        issuer, keys = known
        key = await keys.key(claimed.key_id, claimed.key_type)
        claims = verified(token, key, issuer, self._settings, self._now())
        return caller_of(claims, issuer)


@dataclass(frozen=True)
class _Claimed:
    """What a token says of itself, unproven."""

    issuer: str
    key_id: str | None
    key_type: str


def _claimed(token: str, algorithms: Collection[str]) -> _Claimed:
    try:
        parts = jws.extract_compact(token.encode(), registry=_Registry())
        header, claims = parts.headers(), json.loads(parts.payload)
    except (JoseError, ValueError, TypeError, RecursionError) as exc:
        raise RefusedTokenError("The token is not a signed JWT") from exc
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise RefusedTokenError("The token's signature algorithm is not accepted")
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    if not isinstance(issuer, str):
        raise RefusedTokenError("The token names no issuer")
    return _Claimed(issuer, kid if isinstance(kid, str) else None, _key_type(algorithm))


def _key_type(algorithm: str) -> str:
    return {"R": "RSA", "P": "RSA"}.get(algorithm[0], "EC" if algorithm[:2] == "ES" else "OKP")


def verified(
    token: str, key: Key, issuer: Issuer, settings: OidcSettings, now: float
) -> dict[str, Any]:
    """The claims of a token with a good signature, in time and for us. Raises RefusedTokenError."""
    registry = _Registry(algorithms=settings.algorithms, strict_check_header=False)
    try:
        claims = jwt.decode(token, key, registry=registry).claims
    except (JoseError, ValueError, TypeError) as exc:
        raise RefusedTokenError("The token's signature is not valid") from exc
    rules = jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=settings.skew_s,
        iss={"essential": True, "value": issuer.url},
        sub={"essential": True},
        exp={"essential": True},
        aud={"essential": True, "values": list(issuer.audience)},
    )
    try:
        rules.validate(claims)
    except ExpiredTokenError as exc:
        raise RefusedTokenError("The token has expired", is_guess=False) from exc
    except JoseError as exc:
        raise RefusedTokenError(f"The token is not accepted: {exc.description}") from exc
    return claims


def caller_of(claims: Mapping[str, Any], issuer: Issuer) -> Caller:
    """The user whom verified claims are about."""
    groups = user_groups(claims, issuer.group_claims)
    name = claims.get("preferred_username") or claims.get("name")
    return Caller(
        issuer=issuer.url,
        subject=str(claims["sub"]),
        username=name if isinstance(name, str) else None,
        groups=groups,
        is_admin=not set(issuer.admin_groups).isdisjoint(groups),
    )


def user_groups(claims: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    """The groups that all of the named claims agree on, without the slash that WLCG puts in front."""
    lists = [_texts(claims[name]) for name in names if name in claims]
    plain = [[group.removeprefix("/") for group in found] for found in lists]
    if not plain:
        return ()
    return tuple(group for group in plain[0] if all(group in other for other in plain[1:]))


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [one for one in value if isinstance(one, str) and one] if isinstance(value, list) else []


class IssuerKeys:
    """The keys of one issuer."""

    def __init__(
        self,
        url: str,
        settings: OidcSettings,
        session: Callable[[], aiohttp.ClientSession],
        clock: Clock,
    ) -> None:
        self._url = url
        self._settings = settings
        self._session = session
        self._clock = clock
        self._keys: list[Key] = []
        self._read: float | None = None  # when the keys were read
        self._tried: float | None = None  # when that was tried last
        self._failure: str | None = None  # why it failed
        self._lock = asyncio.Lock()

    async def key(self, kid: str | None, key_type: str) -> Key:
        """The key that a token names. Raises RefusedTokenError, and TemporaryError."""
        found = self._fitting(kid, key_type) if self._age() < self._settings.keys_s else None
        if found is None:
            await self._refresh(self._clock())
            found = self._fitting(kid, key_type)
        if found is not None and self._age() < self._settings.keys_stale_s:
            return found
        if self._failure is not None:
            raise TemporaryError(
                f"the keys of {self._url} cannot be read now: {self._failure}",
                code="oidc",
                delay_s=max(1.0, self._settings.retry_s),
            )
        raise RefusedTokenError("The token is signed with a key that its issuer does not have")

    def _age(self) -> float:
        return float("inf") if self._read is None else self._clock() - self._read

    def _fitting(self, kid: str | None, key_type: str) -> Key | None:
        """The key of this id; a token without one can only mean the only key of its type."""
        fitting = [key for key in self._keys if key.key_type == key_type]
        if kid is not None:
            return next((key for key in fitting if key.kid == kid), None)
        return fitting[0] if len(fitting) == 1 else None

    async def _refresh(self, asked: float) -> None:
        """Read the keys, unless that was tried a moment ago; all who ask wait for one reading."""
        async with self._lock:
            if self._tried is not None and asked - self._tried < self._settings.retry_s:
                return
            self._tried = self._clock()
            try:
                self._keys = _usable(await self._fetched())
                self._read, self._failure = self._clock(), None
            except (aiohttp.ClientError, TimeoutError, ValueError, JoseError) as exc:
                self._failure = str(exc) or type(exc).__name__
                log.warning("the keys of %s cannot be read: %s", self._url, self._failure)
            self._tried = self._clock()

    async def _fetched(self) -> dict[str, Any]:
        """Discovery, and the key set that it names. Raises ValueError for what is not as it must be."""
        about = await self._json(f"{self._url.rstrip('/')}/.well-known/openid-configuration")
        if about.get("issuer") != self._url:
            raise ValueError(f"it says that it is {about.get('issuer')!r}")
        where = str(about.get("jwks_uri"))
        if not where.startswith(("https://", self._url.rstrip("/") + "/")):
            raise ValueError(f"its keys are at {where!r}, which is not https")
        return await self._json(where)

    async def _json(self, url: str) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_s)
        async with self._session().get(url, timeout=timeout, allow_redirects=False) as answer:
            if answer.status != 200:
                raise ValueError(f"{url} answers {answer.status}")
            text = bytearray()
            async for chunk in answer.content.iter_chunked(65536):
                text += chunk
                if len(text) > _MOST_BYTES:
                    raise ValueError(f"{url} answers more than {_MOST_BYTES} bytes")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError(f"{url} does not answer a JSON object")
        return found


def _usable(document: dict[str, Any]) -> list[Key]:
    """Keys of a set that may sign. Others, and kinds that are not known, are left out."""
    given = document.get("keys")
    if not isinstance(given, list):
        raise ValueError("the key set has no list of keys")
    found: list[Key] = []
    for one in given:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig":
            continue
        try:
            (key,) = KeySet.import_key_set({"keys": [one]}).keys
        except (JoseError, ValueError, TypeError, KeyError):
            log.info("a key %r is of a kind that is not known", one.get("kid"))
            continue
        if isinstance(key, RSAKey) and key.raw_value.key_size < _SHORTEST_RSA:
            continue
        if isinstance(key, RSAKey | ECKey | OKPKey):
            found.append(key)
    return found
