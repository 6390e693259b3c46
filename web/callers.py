"""The caller of a request, and whether it may have what it asks for."""

from aiohttp import web

from paas_stream.access import NOBODY, Action, Caller, Thing, may
from web.faults import ApiError

_OWNER_ONLY = "Only the owner of the deployment can perform this operation"


async def caller(request: web.Request) -> Caller:
    """Who asks. Raises ApiError 401."""
    return NOBODY


async def require(request: web.Request, action: Action, thing: Thing | None = None) -> Caller:
    """The caller, who may do this. Raises ApiError 401, or 403 with the reason."""
    found = await caller(request)
    if not may(found, action, thing):
        raise ApiError(403, _OWNER_ONLY if thing is not None else "this is for admins only")
    return found
