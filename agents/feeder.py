"""Feeder: provider files and sites' APIs -> `feeder`, on the worker that holds the topic's partition."""

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from faust.types import TP

from agents.provider_configuration import federation, refresh
from agents.site_readings import Readings
from paas_stream import topics
from paas_stream.app import app
from paas_stream.clients.sites import SiteReader
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.errors import ConfigurationError, PermanentError
from paas_stream.records import Feeder
from paas_stream.selection.feeding import Sent, is_awaited
from paas_stream.told import Told
from tables import providers

COMPONENT = "feeder"

log = logging.getLogger(__name__)

_NOBODY = "no provider has been read yet"
app.readiness.catalog = _NOBODY
_settings = app.settings.feeder
_box = app.boxes.box(COMPONENT)


@dataclass
class Turns:
    """What this worker remembers from one turn of the timer to the next."""

    sent: Sent = field(default_factory=lambda: Sent(_settings.heartbeat_s, _settings.interval_s))
    retry_at: float = 0.0  # after a failure; monotonic seconds
    refresh_at: float = 0.0  # when the files are looked at again; monotonic seconds
    fault: ConfigurationError | None = None  # of the files as they are now
    told: Told = field(default_factory=Told)  # of such faults


async def _tell(fault: Exception) -> None:
    await deliver_error(app, error_record(COMPONENT, "read", fault, None, None, None))


turns = Turns()
readings = Readings(
    SiteReader(_settings.concurrency, _settings.timeout_s, _settings.call_timeout_s),
    _settings.interval_s,
    _tell,
)


def _utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


@app.timer(interval=1.0)
async def feeder() -> None:
    """Send what is due. Never raises: an error in a timer ends the worker."""
    now = time.monotonic()
    if not app.readiness.tables_ready or now < turns.retry_at:
        return
    try:
        holds = _topic() in app.consumer.assignment()
        if now >= turns.refresh_at:
            turns.refresh_at = now + _settings.interval_s
            turns.fault = await refresh()
        if holds:  # the others have the same files
            await _tell_of_files()
        await _feed(now, holds)
    except Exception as exc:
        log.exception("the Feeder failed; it tries again in an interval")
        turns.retry_at = now + _settings.interval_s
        await _tell(exc)


async def _tell_of_files() -> None:
    if turns.told.is_news(turns.fault) and turns.fault is not None:
        await _tell(turns.fault)


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """Read no more."""
    readings.close()


def _topic() -> TP:
    return TP(topics.TOPICS[topics.FEEDER].broker_name(app.settings), 0)


async def _feed(now: float, holds: bool) -> None:
    catalog = await providers.warm()
    try:
        configured = federation()
    except ConfigurationError:  # no file was ever good, and that has been told
        return
    sites = configured.sites()
    if holds:
        readings.start(sites, configured.credentials, now)
    now_utc = _utc_now()
    read = readings.states.messages(sites, now_utc)
    feeders = (*configured.static_feeders(now_utc), *read)
    is_first_reading_awaited = holds and readings.states.is_first_awaited(sites)
    awaited = is_awaited(catalog, feeders, is_first_reading_awaited=is_first_reading_awaited)
    app.readiness.catalog = _NOBODY if awaited else None
    if not holds:
        turns.sent.clear()  # another worker sends from now on
        return
    for message in turns.sent.due(feeders, catalog, now, now_utc):
        with _box.work(f"send {message.key}"):
            fault = await _send(message)
        if turns.sent.add(message, now, fault) and fault is not None:
            await _tell(fault)


async def _send(message: Feeder) -> PermanentError | None:
    """Send one. Returns why it cannot be: it is too large, and the others are sent all the same."""
    try:
        await app.emit(message.model_copy(update={"msg_version": _settings.version}))
    except PermanentError as exc:
        return PermanentError(f"{message.key}: {exc.message}", code=exc.code)
    return None
