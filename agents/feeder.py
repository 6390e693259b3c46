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
from paas_stream.errors import ConfigurationError
from paas_stream.records import Feeder
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.last_known import LastKnown, is_news
from paas_stream.selection.rows import ProviderRow
from tables import providers

COMPONENT = "feeder"

log = logging.getLogger(__name__)

app.readiness.catalog = "no provider has been read yet"


@dataclass
class Sent:
    """What this worker has sent since it holds the partition."""

    # by key: content, when it was sent (monotonic seconds), and of when it is
    last: dict[str, tuple[bytes, float, datetime]] = field(default_factory=dict)
    retry_at: float = 0.0  # after a failure; monotonic seconds
    refresh_at: float = 0.0  # when the files are looked at again; monotonic seconds
    fault: ConfigurationError | None = None  # of the files as they are now
    told: str | None = None  # what was told last of such faults

    def is_due(self, message: Feeder, now: float, known: ProviderRow | None) -> bool:
        """Whether it is new, has changed for an interval, or needs a heartbeat.

        `known` is what the catalog has, which another worker may have sent, or this one before it
        started anew. What was sent already is no sign of life: a site that is not read again stays
        silent.
        """
        settings = app.settings.feeder
        if message.key not in self.last and known is not None:
            self._learn(message, now, known)
        if message.key not in self.last:
            return True
        content, sent_at, of = self.last[message.key]
        if message.timestamp <= of:
            return False
        wait = settings.heartbeat_s if content == _content(message) else settings.interval_s
        return now - sent_at >= wait

    def _learn(self, message: Feeder, now: float, known: ProviderRow) -> None:
        """Take a message for sent that tells the catalog nothing new."""
        now_utc = _utc_now()
        before = LastKnown(known.feeder, known.received_at, dict(known.kept))
        if not is_news(before, message, now_utc):
            age_s = max(0.0, (now_utc - known.received_at).total_seconds())
            self.last[message.key] = _content(message), now - age_s, known.feeder.timestamp


async def _tell(fault: Exception) -> None:
    await deliver_error(app, error_record(COMPONENT, "read", fault, None, None, None))


_settings = app.settings.feeder
sent = Sent()
readings = Readings(
    SiteReader(_settings.concurrency, _settings.timeout_s, _settings.call_timeout_s),
    _settings.interval_s,
    _tell,
)

_box = app.boxes.box(COMPONENT)


def _utc_now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _content(message: Feeder) -> bytes:
    return message.model_copy(update={"timestamp": datetime.min.replace(tzinfo=UTC)}).encode()


@app.timer(interval=1.0)
async def feeder() -> None:
    """Send what is due. Never raises: an error in a timer ends the worker."""
    now = time.monotonic()
    if not app.readiness.tables_ready or now < sent.retry_at:
        return
    try:
        holds = _topic() in app.consumer.assignment()
        if now >= sent.refresh_at:
            sent.refresh_at = now + app.settings.feeder.interval_s
            sent.fault = await refresh()
        if holds:  # the others have the same files
            await _tell_of_files()
        await _feed(now, holds)
    except Exception as exc:
        log.exception("the Feeder failed; it tries again in an interval")
        sent.retry_at = now + app.settings.feeder.interval_s
        await _tell(exc)


async def _tell_of_files() -> None:
    """Tell a fault of the files once, for as long as it is the same one."""
    text = None if sent.fault is None else str(sent.fault)
    if text != sent.told:
        sent.told = text
        if sent.fault is not None:
            await _tell(sent.fault)


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
    feeders = (*configured.static_feeders(_utc_now()), *readings.messages(sites))
    awaited = not catalog and (
        any(one.status == "active" for one in feeders)
        or (holds and readings.is_first_awaited(sites))
    )
    app.readiness.catalog = "no provider has been read yet" if awaited else None
    if not holds:
        sent.last.clear()  # another worker sends from now on
        return
    due = [
        one
        for one in feeders
        if sent.is_due(one, now, catalog.get(one.key)) and _concerns(one, catalog)
    ]
    version = {"msg_version": app.settings.feeder.version}
    for message in due:
        with _box.work(f"send {message.key}"):
            await app.emit(message.model_copy(update=version))
        sent.last[message.key] = (_content(message), now, message.timestamp)


def _concerns(message: Feeder, catalog: Catalog) -> bool:
    """Whether the catalog should hear of it: of a provider that is out of service, only once."""
    known = catalog.get(message.key)
    return message.status == "active" or (
        known is not None and known.feeder.status != message.status
    )
