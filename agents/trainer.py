"""AI-ranker training: begins `paas-stream train` when a new model may be due.

On the worker that holds the partition of `training`. Whether there is enough that is new follows from
the topic's end and from the newest model's card, so that a restart forgets nothing; the program itself
looks at the rows, and decides.
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from paas_stream import topics
from paas_stream.app import app
from paas_stream.clients.training import COMMAND, LOGGED, RunNotLoggedError, TrainingProgram
from paas_stream.durable.agents import deliver_error, error_record
from paas_stream.ranking import schedule
from paas_stream.told import Told
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
    told: Told = field(default_factory=Told)  # of trainings that have failed
    told_of_log: Told = field(default_factory=Told)  # of MLflow: only a model's run takes it back
    running: asyncio.Task[None] | None = None

    def is_due(self, end: int, now: float) -> bool:
        """Whether to look, with `end` after the last record of `training`."""
        if not schedule.is_time(now, self.tried_at, self.interval_s):
            return False
        newest = models.newest()  # reads all cards, which is why it comes second
        if newest is not None:
            made_at = newest.created_at.timestamp()
            if not schedule.is_time(now, made_at, self.interval_s):
                return False
        self.tried_at = now  # also when there is nothing new: once in an interval is enough
        read_to = None if newest is None else newest.read_to
        return schedule.is_worth_a_look(end, read_to, self.new_rows)


_settings = app.settings.trainer
_command = LOGGED if _settings.mlflow else COMMAND
runs = Runs(
    TrainingProgram(_settings.timeout_s, _command), _settings.interval_s, _settings.new_rows
)


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
        log.info("training: %s", said.text)
        runs.told.forget()
        if said.is_trained:
            runs.told_of_log.forget()
    except RunNotLoggedError as exc:
        log.info("training: %s", exc.said)
        runs.told.forget()
        if runs.told_of_log.is_news(exc):
            await deliver_error(app, error_record(COMPONENT, "train", exc, None, None, None))
    except Exception as exc:
        if runs.told.is_news(exc):
            log.exception("the training has failed")
            await deliver_error(app, error_record(COMPONENT, "train", exc, None, None, None))


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """A run that is cancelled takes its processes with it."""
    if runs.running is not None:
        runs.running.cancel()
        await asyncio.wait({runs.running}, timeout=_STOP_S)
