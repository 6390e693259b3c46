"""How much one caller may send, how often, and how slowly."""

import asyncio
import math
import time

from aiohttp import ClientConnectionError, ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from paas_stream.access import NOBODY, Caller
from paas_stream.buckets import TokenBuckets
from paas_stream.durable.metrics import RATE_LIMITED
from paas_stream.web_settings import EdgeSettings
from web import callers, forwarded, hops
from web.contract.operation import UNLIMITED
from web.faults import ApiError, Handler

_CREDENTIALS = ("Authorization", "X-Auth-Token")


class RateLimit:
    """Requests per caller, on this worker.

    A caller is known by issuer and subject, or else by address. Guessing is slowed down where logins
    are checked (`web.failures`), whether there is a limit or not.
    """

    def __init__(self, settings: EdgeSettings) -> None:
        self._buckets: TokenBuckets | None = None
        if settings.rate_per_s:
            self._buckets = TokenBuckets(
                settings.rate_per_s, settings.rate_burst, settings.rate_callers
            )

    async def count(self, request: web.Request) -> None:
        """Count a request. Raises ApiError 429 with Retry-After."""
        caller = await _caller(request)
        if self._buckets is None:
            return
        if caller is not None and caller != NOBODY:
            key = f"caller {caller.issuer} {caller.subject}"
        else:
            key = forwarded.network_key(forwarded.of(request).address)
        wait_s = self._buckets.take(key, time.monotonic())
        if wait_s > 0:
            RATE_LIMITED.inc()
            text = "too many requests; repeat it after the time in Retry-After"
            raise ApiError(429, text, retry_after_s=math.ceil(wait_s))


async def _caller(request: web.Request) -> Caller | None:
    """Who asks; None: nobody that is known, and the view decides what that means."""
    if not any(name in request.headers for name in _CREDENTIALS):
        return None
    try:
        return await callers.caller(request)
    except ApiError:
        return None


async def read_body(request: web.Request, timeout_s: float) -> None:
    """Read the body, which views then find: so its limits hold for every endpoint.

    Raises ApiError 400 for one that is broken, 408 for one that does not come, and the library's 413
    for one that is too large, however it is sent.
    """
    if not request.body_exists:
        return
    try:
        async with asyncio.timeout(timeout_s):
            await request.read()
    except TimeoutError as exc:
        raise ApiError(408, f"the body did not come within {timeout_s:g} s") from exc
    except (HttpProcessingError, ClientPayloadError, web.RequestPayloadError) as exc:
        raise ApiError(400, "the body cannot be read: its encoding is broken") from exc
    except (ClientConnectionError, ConnectionError) as exc:
        raise ApiError(400, "the connection was lost within the body") from exc


def middleware(settings: EdgeSettings) -> Middleware:
    """Around all views."""
    rate = RateLimit(settings)

    @web.middleware
    async def within_limits(request: web.Request, handler: Handler) -> web.StreamResponse:
        if hops.HOP not in request.headers and request.path not in UNLIMITED:
            await rate.count(request)
        await read_body(request, settings.receive_timeout_s)
        return await handler(request)

    return within_limits
