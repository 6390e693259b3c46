"""AI-ranker training: begins `paas-stream train` when a new model may be due.

On the worker that holds the partition of `training`. Whether there is enough that is new follows from
the topic's end and from the newest model's card, so that a restart forgets nothing; the program itself
looks at the rows, and decides.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from faust.types import TP

from paas_stream import topics
from paas_stream.app import app
from paas_stream.clients.training import TrainingProgram
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.errors import PaasError
from paas_stream.ranking import schedule
from tables import models

COMPONENT = "ai-ranker-training"
_STOP_S = 5.0  # a program that is killed is gone long before

log = logging.getLogger(__name__)

_box = app.boxes.box(COMPONENT)


@dataclass
class Runs:
    """What this worker has tried."""

    program: TrainingProgram
    interval_s: float
    new_rows: int
    tried_at: float = 0.0  # epoch seconds
    told: str | None = None  # the fault that was told last
    running: asyncio.Task[None] | None = None

    def is_due(self, end: int, now: float) -> bool:
        """Whether to look, with `end` after the last record of `training`."""
        if now - self.tried_at < self.interval_s:
            return False
        newest = models.newest()
        if newest is not None and now - newest.created_at.timestamp() < self.interval_s:
            return False
        self.tried_at = now  # also when there is nothing new: cards are read once in an interval
        read_to = None if newest is None else newest.read_to
        return schedule.is_worth_a_look(end, read_to, self.new_rows)


_settings = app.settings.trainer
runs = Runs(TrainingProgram(_settings.timeout_s), _settings.interval_s, _settings.new_rows)


@app.timer(interval=1.0)
async def trainer() -> None:
    """Begin a run. Never raises: an error in a timer ends the worker."""
    if not runs.interval_s or runs.running is not None or not app.readiness.tables_ready:
        return
    topic = TP(topics.TOPICS[topics.TRAINING].broker_name(app.settings), 0)
    if topic not in app.consumer.assignment():
        return
    try:
        end = _end(topic)
        if end and runs.is_due(end, time.time()):
            runs.running = asyncio.create_task(_run(runs.program))
            runs.running.add_done_callback(_ended)
    except Exception:
        log.exception("whether a model is due was not found out; it is looked at again")


def _end(topic: TP) -> int:
    """The offset after the topic's last record, as far as this worker was told."""
    try:
        return app.consumer.highwater(topic) or 0
    except (AssertionError, KeyError):
        return 0  # it was revoked a moment ago, in the consumer's thread


def _ended(_: asyncio.Task[None]) -> None:
    runs.running = None


async def _run(program: TrainingProgram) -> None:
    """One run. Never raises; a fault is told once, for as long as it is the same one."""
    try:
        with _box.work("train"):
            said = await program.run()
        log.info("training: %s", said)
        runs.told = None
    except Exception as exc:
        text = exc.message if isinstance(exc, PaasError) else repr(exc)
        if runs.told == text:
            return
        runs.told = text
        log.exception("the training has failed")
        await deliver_error(app, error_record(COMPONENT, "train", exc, None, None, None))


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """A run that is cancelled takes its processes with it."""
    if runs.running is not None:
        runs.running.cancel()
        await asyncio.wait({runs.running}, timeout=_STOP_S)
