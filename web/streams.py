"""Event streams of this worker: how many may be open, and when one is over.

A stream holds a place and the text of one deployment, nothing else: a reader is woken and looks
where it stands, so nothing queues up behind a slow one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from paas_stream.app import app
from paas_stream.durable.metrics import STREAMS, STREAMS_REFUSED
from web import callers
from web.faults import unavailable

LOOK_S = 1.0  # how often a quiet stream looks whether its reader and its worker are still there
_RETRY_AFTER_S = 5

_settings = app.settings.web
_open = 0


def wanted(request: web.Request) -> bool:
    """Whether the caller asks for a stream and not for a list."""
    return request.method == "GET" and "text/event-stream" in request.headers.get("Accept", "")


async def is_over(request: web.Request) -> bool:
    """Whether the reader has gone, its login is no good any more, or this worker is about to go."""
    if app.should_stop or request.transport is None:
        return True
    return not await callers.is_still_good(request)


@contextmanager
def place() -> Iterator[None]:
    """A place for one stream. Raises ApiError 503 when all are taken."""
    global _open
    if _open >= _settings.streams:
        STREAMS_REFUSED.inc()
        raise unavailable(f"{_open} event streams are open on this worker", _RETRY_AFTER_S)
    _open += 1
    try:
        yield
    finally:
        _open -= 1


STREAMS.add(lambda: {(): _open})
