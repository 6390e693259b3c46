"""The access log: a JSON object for each request that was answered, one a line.

| field | meaning |
|---|---|
| `time` | when the answer was complete, UTC |
| `requestId` | as in the answer's `X-Request-Id` and in the other lines of the log |
| `method`, `route`, `path` | the route is a template; the query is left out, it may hold tokens |
| `status`, `bytes`, `durationMs` | of the answer; the bytes include its headers |
| `subject`, `issuer` | the caller, where there was a valid login |
| `address`, `userAgent` | whence; behind a trusted proxy, the address that the proxy names |
| `worker`, `hop` | who answered; the worker that forwarded the request |
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from paas_stream import request_ids
from paas_stream.access import Caller
from paas_stream.app import app
from paas_stream.redaction import redacted
from web import forwarded, hops

CALLER: Final = web.RequestKey("caller", Caller)
_TEXT_MAX = 500  # characters of what the caller has chosen

log = logging.getLogger("paas_stream.access")


class AccessLogger(AbstractAccessLogger):
    """Called by the server when an answer is complete, or its reader has gone."""

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """`time`: seconds that it took."""
        self.logger.info(orjson.dumps(entry(request, response, time)).decode())

    @property
    def enabled(self) -> bool:
        """Whether anybody wants to know."""
        return self.logger.isEnabledFor(logging.INFO)


def entry(request: web.BaseRequest, response: web.StreamResponse, took_s: float) -> dict[str, Any]:
    """One line; what is not known is left out."""
    caller = request.get(CALLER)
    origin = request.get(forwarded.ORIGIN)
    fields = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "requestId": response.headers.get(request_ids.HEADER),
        "method": _text(request.method),
        "route": _route(request),
        "path": _text(request.path),
        "status": response.status,
        "bytes": response.body_length,
        "durationMs": round(took_s * 1000, 1),
        "subject": caller.subject if caller else None,
        "issuer": caller.issuer if caller else None,
        "address": origin.address if origin else request.remote,
        "userAgent": _text(request.headers.get("User-Agent")),
        "worker": app.settings.web.worker,
        "hop": _text(request.headers.get(hops.HOP)),
    }
    return {name: value for name, value in fields.items() if value is not None}


def to_standard_output() -> None:
    """Lines as they are, beside the log of the worker."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.handlers = [handler]
    log.setLevel(logging.INFO)
    log.propagate = False


def _route(request: web.BaseRequest) -> str | None:
    found = getattr(request, "_match_info", None)  # None: it was answered before it was routed
    return None if found is None or found.route.resource is None else found.route.resource.canonical


def _text(given: str | None) -> str | None:
    """Without secrets, and with an end; a lone surrogate is no text that JSON could hold."""
    if given is None:
        return None
    text = given[:_TEXT_MAX].encode("utf-8", "backslashreplace").decode()
    return redacted(text)
