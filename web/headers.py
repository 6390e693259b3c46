"""Headers of every answer: what browsers are to do with it, who may read it, and the request's id.

A view that says otherwise is left alone: the page's files have a policy of their own.
"""

from collections.abc import MutableMapping
from typing import Final

from aiohttp import web
from aiohttp.typedefs import LooseHeaders

from paas_stream import request_ids
from paas_stream.web_settings import EdgeSettings
from web import forwarded

SERVER: Final = "paas-stream"  # no version, neither ours nor the library's
DEFAULTS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
HSTS: Final = "max-age=31536000"  # seconds: a year
EXPOSED: Final = "Location, Retry-After, X-Request-Id"
ALLOWED: Final = (
    "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, "
    "X-Auth-Token, X-Request-Id"
)
PREFLIGHT_S: Final = "600"  # a browser need not ask again for this long


def complete(headers: MutableMapping[str, str], *, is_https: bool) -> None:
    """Add what every answer has."""
    for name, value in DEFAULTS.items():
        headers.setdefault(name, value)
    if is_https:
        headers.setdefault("Strict-Transport-Security", HSTS)
    headers["Server"] = SERVER
    headers[request_ids.HEADER] = request_ids.taken(request_ids.current.get())


def share(headers: MutableMapping[str, str], origin: str | None, settings: EdgeSettings) -> bool:
    """Let a page of this origin read the answer, if it may (CORS). Returns whether it may."""
    if not settings.cors_origins:
        return False
    vary = headers.get("Vary", "")
    if "origin" not in vary.lower():
        headers["Vary"] = f"{vary}, Origin".removeprefix(", ")
    if origin is None or not ({origin, "*"} & set(settings.cors_origins)):
        return False
    headers["Access-Control-Allow-Origin"] = origin
    headers["Access-Control-Expose-Headers"] = EXPOSED
    if settings.cors_credentials:
        headers["Access-Control-Allow-Credentials"] = "true"
    return True


def preflight(request: web.Request, settings: EdgeSettings) -> LooseHeaders | None:
    """The answer to a browser that asks what a page may do here; None: it asks nothing of the kind,
    or may not.

    What the preflight is about does not matter: rights are checked when the request itself comes.
    """
    refusal = request.match_info.http_exception
    if not (
        request.method == "OPTIONS"
        and "Access-Control-Request-Method" in request.headers
        and isinstance(refusal, web.HTTPMethodNotAllowed)
    ):
        return None
    if not share({}, request.headers.get("Origin"), settings):
        return None
    return {
        "Access-Control-Allow-Methods": ", ".join(sorted(refusal.allowed_methods)),
        "Access-Control-Allow-Headers": ALLOWED,
        "Access-Control-Max-Age": PREFLIGHT_S,
    }


async def on_prepare(
    request: web.Request, response: web.StreamResponse, settings: EdgeSettings
) -> None:
    """Called before the headers of an answer are sent, be it a stream or an error."""
    complete(response.headers, is_https=forwarded.of(request).scheme == "https")
    share(response.headers, request.headers.get("Origin"), settings)
