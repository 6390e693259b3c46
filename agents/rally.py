"""Rally monitoring: task reports of a directory -> `rally`, on the worker that holds its partition.

The `provider_health` table is the memory of what has been sent, so that a restart sends nothing
twice; of what is on its way into that table this worker knows itself.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime

from faust.types import TP

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.errors import UnreadableRowError
from paas_stream.records import Rally
from paas_stream.selection.health import refusal
from paas_stream.selection.rally_files import RallyDirectory, Reading
from paas_stream.told import Told
from tables import health

COMPONENT = "rally"
_MOST_ON_THE_WAY = 10_000  # reports; one that is dropped may be sent twice, and counts once

log = logging.getLogger(__name__)


class RallyReader:
    """What this worker has read and sent."""

    def __init__(self) -> None:
        settings = app.settings.rally
        self.directory = (
            RallyDirectory(settings.dir, settings.files_per_turn, settings.max_file_bytes)
            if settings.dir
            else None
        )
        self.on_the_way: dict[tuple[str, str], None] = {}  # in the order in which they were sent
        self.next_at = 0.0  # monotonic seconds
        self.told = Told()  # of the directory

    def is_new(self, report: Rally) -> bool:
        """Whether it has not been sent, as far as this worker can know."""
        try:
            known = health.get(report.provider, report.region_name or "")
        except UnreadableRowError:
            return False  # it could not be counted: it is sent once the row can be read
        name = report.key, report.identity
        if known is not None and known.knows(report):
            self.on_the_way.pop(name, None)
            return False
        return name not in self.on_the_way

    def sent(self, report: Rally) -> None:
        """Remember it until the table has it."""
        self.on_the_way[report.key, report.identity] = None
        if len(self.on_the_way) > _MOST_ON_THE_WAY:
            del self.on_the_way[next(iter(self.on_the_way))]


reader = RallyReader()

_box = app.boxes.box(COMPONENT)


@app.timer(interval=1.0)
async def rally() -> None:
    """Send what is new. Never raises: an error in a timer ends the worker."""
    now = time.monotonic()
    if reader.directory is None or not app.readiness.tables_ready or now < reader.next_at:
        return
    topic = TP(topics.TOPICS[topics.RALLY].broker_name(app.settings), 0)
    if topic not in app.consumer.assignment():
        return
    reader.next_at = now + app.settings.rally.interval_s
    try:
        readings = await asyncio.to_thread(reader.directory.turn)
        reader.told.forget()
        for reading in readings:
            with _box.work(f"send {reading.path.name}"):
                await _send(reading)
        if len(readings) == app.settings.rally.files_per_turn:
            reader.next_at = now  # more may wait
    except Exception as exc:
        if reader.told.is_news(exc):
            log.exception("Rally's reports could not be read; they are tried again")
            await deliver_error(app, error_record(COMPONENT, "read", exc, None, None, None))


async def _send(reading: Reading) -> None:
    if reading.fault is not None:
        log.warning("a report of Rally's is left out: %s", reading.fault)
        await deliver_error(app, error_record(COMPONENT, "read", reading.fault, None, None, None))
    now = datetime.now(UTC)
    for report in reading.reports:
        if reason := refusal(report, now):
            log.info("%s: task %s is not sent: %s", reading.path, report.task_uuid, reason)
        elif reader.is_new(report):
            await app.emit(report)
            reader.sent(report)
