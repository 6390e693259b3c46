"""The caller of a request, and whether it may have what it asks for.

The middleware finds the caller of every request that needs a login, before any view runs: what a
view forgets to ask for is then still closed to those without one.
"""

import time
from typing import Any

from aiohttp import web

from paas_stream.access import OPEN, Action, Caller, Thing, group_fault, may
from paas_stream.app import app
from paas_stream.errors import TemporaryError
from web import hops
from web.access_log import CALLER
from web.faults import ApiError, Handler
from web.login import Login, unauthorized

_OWNER_ONLY = "Only the owner of the deployment can perform this operation"
_NOT_READABLE = "Only the owner of the deployment, its user group and admins can see it"
_REFUSED = web.RequestKey("refused", ApiError)
_CHECKED = web.RequestKey("checked", float)  # when the login was, on the monotonic clock

login = Login(app.settings, lambda: app.http_client)


async def caller(request: web.Request) -> Caller:
    """Who asks. Raises ApiError 401, 429 after too many that were refused, 503."""
    if (refused := request.get(_REFUSED)) is not None:
        raise refused  # a login is checked once, and counted once when it is wrong
    known = request.get(CALLER)
    if known is None:
        try:
            known = request[CALLER] = await _identified(request)
        except ApiError as exc:
            request[_REFUSED] = exc
            raise
        request[_CHECKED] = time.monotonic()
    return known


async def is_still_good(request: web.Request) -> bool:
    """Whether the login of a request that is answered for long is as it was when it came.

    It is checked again every `again_s` seconds: tokens expire, are revoked, and lose groups. Who is
    not as before may come again. What another worker asks is checked there.
    """
    checked = request.get(_CHECKED)
    if checked is None or hops.HOP in request.headers:
        return True
    now = time.monotonic()
    if now - checked < app.settings.login.again_s:
        return True
    request[_CHECKED] = now
    try:
        return await login.caller(request) == request[CALLER]
    except (ApiError, TemporaryError):
        return False


async def require(request: web.Request, action: Action, thing: Thing | None = None) -> Caller:
    """The caller, who may do this. Raises ApiError as `caller`, or 403 with the reason."""
    found = await caller(request)
    if may(found, action, thing):
        return found
    if thing is None:
        raise ApiError(403, "this is for admins only")
    raise ApiError(403, _NOT_READABLE if action is Action.LOOK else _OWNER_ONLY)


def require_group(found: Caller, group: str | None) -> None:
    """Raise ApiError 403 unless the caller may act for this user group."""
    if fault := group_fault(found, group):
        raise ApiError(403, fault)


async def _identified(request: web.Request) -> Caller:
    if hops.HOP not in request.headers:
        return await login.caller(request)
    try:
        return await hops.caller(request)
    except hops.ForgedHopError as exc:
        raise unauthorized(app.settings, str(exc)) from exc


@web.middleware
async def authenticate(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find the caller, unless the path is open or there is nothing."""
    resource = request.match_info.route.resource
    if resource is None or resource.canonical in OPEN:
        return await handler(request)
    before = hops.current.set(await caller(request))
    try:
        return await handler(request)
    finally:
        hops.current.reset(before)


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """Let go of what checks logins."""
    login.close()


def install() -> None:
    """Put the middleware before the views, behind limits and CORS: a preflight has no login."""
    app.web.web_app.middlewares.append(authenticate)
