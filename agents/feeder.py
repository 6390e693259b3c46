"""Feeder: provider files -> `feeder`, on the worker that holds the topic's partition."""

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from faust.types import TP

from agents.provider_configuration import federation
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.records import Feeder
from tables import providers

COMPONENT = "feeder"

log = logging.getLogger(__name__)

app.readiness.catalog = "no provider has been read yet"


@dataclass
class Sent:
    """What this worker has sent; a restart sends everything once more."""

    last: dict[str, tuple[bytes, float]] = field(default_factory=dict)  # content, monotonic seconds
    retry_at: float = 0.0  # after a failure; monotonic seconds

    def is_due(self, message: Feeder, now: float) -> bool:
        """Whether it is new, has changed for an interval, or needs a heartbeat."""
        settings = app.settings.feeder
        if message.key not in self.last:
            return True
        content, sent_at = self.last[message.key]
        wait = settings.heartbeat_s if content == _content(message) else settings.interval_s
        return now - sent_at >= wait


sent = Sent()


def _content(message: Feeder) -> bytes:
    return message.model_copy(update={"timestamp": datetime.min.replace(tzinfo=UTC)}).encode()


@app.timer(interval=1.0)
async def feeder() -> None:
    """Send what is due. Never raises: an error in a timer ends the worker."""
    now = time.monotonic()
    if not app.readiness.tables_ready or now < sent.retry_at:
        return
    try:
        await _feed(now)
    except Exception as exc:
        log.exception("the Feeder failed; it tries again in an interval")
        sent.retry_at = now + app.settings.feeder.interval_s
        await deliver_error(app, error_record(COMPONENT, "read", exc, None, None, None))


async def _feed(now: float) -> None:
    feeders = federation().static_feeders(datetime.now(UTC))
    known = bool(providers.rows()) or not feeders
    app.readiness.catalog = None if known else "no provider has been read yet"
    topic = TP(topics.TOPICS[topics.FEEDER].broker_name(app.settings), 0)
    if topic not in app.consumer.assignment():
        return
    for message in feeders:
        if sent.is_due(message, now):
            await app.emit(message)
            sent.last[message.key] = (_content(message), now)
