"""Heartbeats: what each box of this worker is doing -> `component-status`."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import Any, Literal

from paas_stream import __version__
from paas_stream.app import app
from paas_stream.durable.boxes import Box
from paas_stream.durable.lag import lags
from paas_stream.records import ComponentStatus

log = logging.getLogger(__name__)

_settings = app.settings.heartbeat
_LAST_S = 3.0  # a stopping worker waits for the confirmation of its last heartbeats this long


def _at(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _statuses(status: Literal["alive", "stopped"]) -> list[ComponentStatus]:
    waiting = lags(app)
    return [_status(box, status, waiting.get(box.component)) for box in app.boxes]


def _status(box: Box, status: Literal["alive", "stopped"], lag: int | None) -> ComponentStatus:
    doing, since = box.working or (None, None)
    return ComponentStatus(
        component=box.component,
        instance=app.settings.web.worker,
        status=status,
        version=__version__,
        started_at=_at(app.boxes.started_at),
        interval_s=_settings.interval_s,
        events=box.events,
        errors=box.errors,
        last_event_at=_at(box.last_event_at),
        doing=doing,
        doing_since=_at(since),
        lag=lag,
    )


@app.task
async def first() -> None:
    """A timer's first turn comes after a whole interval."""
    await tell()


@app.timer(interval=_settings.interval_s)
async def heartbeat() -> None:
    """One heartbeat of each box."""
    await tell()


async def tell() -> None:
    """Tell of all boxes. Never raises: an error in a timer ends the worker."""
    if app.readiness.broker is not None:
        return
    try:
        async with asyncio.timeout(_settings.interval_s):
            await app.emit(*_statuses("alive"))
    except Exception:
        log.exception("no heartbeats were sent; the next ones come in an interval")


@app.on_before_shutdown.connect(weak=False)
async def stopped(*_: Any, **__: Any) -> None:
    """Tell that this worker stops because it was asked to."""
    if app.readiness.broker is not None:
        return
    try:
        async with asyncio.timeout(_LAST_S):
            await app.emit(*_statuses("stopped"))
    except Exception:
        log.exception("the last heartbeats were not sent: the boxes will be shown as late")
