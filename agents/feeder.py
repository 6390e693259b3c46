"""Feeder: provider files -> `feeder`, on the worker that holds the topic's partition."""

import logging
import time
from datetime import UTC, datetime

from faust.types import TP

from agents.provider_configuration import federation
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.errors import PaasError
from paas_stream.records import Feeder
from tables import providers

COMPONENT = "feeder"

log = logging.getLogger(__name__)

_sent: dict[str, tuple[bytes, float]] = {}  # what was sent last, and when (monotonic seconds)

if federation.static_feeders(datetime.now(UTC)):
    app.readiness.catalog = "no provider has been read yet"


@app.timer(interval=1.0)
async def feeder() -> None:
    """Send what is new or due for a heartbeat. Never raises: an error in a timer ends the worker."""
    tp = TP(topics.TOPICS[topics.FEEDER].broker_name(app.settings), 0)
    if not app.readiness.tables_ready:
        return
    if providers.rows():
        app.readiness.catalog = None
    if tp not in app.consumer.assignment():
        return
    try:
        for message in federation.static_feeders(datetime.now(UTC)):
            await _send_if_due(message)
    except Exception as exc:
        log.exception("the Feeder failed")
        if isinstance(exc, PaasError):
            await deliver_error(app, error_record(COMPONENT, "read", exc, None, None, None))


async def _send_if_due(message: Feeder) -> None:
    content = message.model_copy(update={"timestamp": datetime.min.replace(tzinfo=UTC)}).encode()
    last, sent_at = _sent.get(message.key, (b"", 0.0))
    age = time.monotonic() - sent_at
    changed = content != last
    if (changed and (not last or age >= app.settings.feeder.interval_s)) or (
        age >= app.settings.feeder.heartbeat_s
    ):
        await app.emit(message)
        _sent[message.key] = (content, time.monotonic())
