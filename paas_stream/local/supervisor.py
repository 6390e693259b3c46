"""Keeps the local services and the workers of this machine running: what `paas-stream up` does.

A program that ends is started again after a delay that doubles each time, from 1 s to 30 s; one that
has run for a minute starts again at once with the shortest delay. A worker that refuses its topics
is not started again: a person must act.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from paas_stream.errors import PaasError
from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.local.processes import BackgroundProcess, Launch
from paas_stream.settings import Settings

FIRST_DELAY_S = 1.0
MOST_DELAY_S = 30.0
STEADY_S = 60.0  # after this long a program counts as running well
STOP_TIMEOUT_S = 60.0  # a worker lets its running effects end
_LOOK_S = 0.3
_REFUSED = "(REFUSED)"  # in the log of a worker that must not be started again

Say = Callable[[str], None]


def worker_settings(settings: Settings, number: int) -> dict[str, str]:
    """What sets one worker apart from the others, as environment variables."""
    port = settings.web.port + number
    return {"PAAS_WEB_WORKER": f"worker-{number}", "PAAS_WEB_PORT": str(port)}


class Worker:
    """One worker as a background process of this machine."""

    def __init__(self, settings: Settings, number: int) -> None:
        self.name = f"worker-{number}"
        self.port = settings.web.port + number
        self._settings = settings
        self._number = number
        self.process = BackgroundProcess(self.name, settings.state.dir / "workers" / self.name)

    def start(self) -> None:
        """Start it; it becomes ready later."""
        self.process.start(self._launch, lambda: True, FIRST_DELAY_S)

    def _launch(self) -> Launch:
        environment = dict(os.environ)
        environment |= worker_settings(self._settings, self._number)
        environment["PAAS_STATE_DIR"] = str(self._settings.state.dir.absolute())
        return Launch(
            command=[sys.executable, "-m", "paas_stream.cli.main", "worker"],
            directory=Path.cwd(),
            environment=environment,
            ports={self.port: "PAAS_WEB_PORT"},
        )

    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.process.pid() is not None

    def refused(self) -> str | None:
        """Why it will never start; None: it may."""
        return next((line for line in reversed(self.process.tail(5)) if _REFUSED in line), None)

    def stop(self) -> None:
        """End it and wait for that."""
        self.process.stop(STOP_TIMEOUT_S)


@dataclass
class Kept:
    """One program that is kept running."""

    name: str
    start: Callable[[], object]
    is_running: Callable[[], bool]
    stop: Callable[[], object]
    refused: Callable[[], str | None] = lambda: None
    delay_s: float = field(default=FIRST_DELAY_S, init=False)
    started_at: float = field(default=0.0, init=False)
    start_at: float = field(default=0.0, init=False)

    def look(self, now: float, say: Say) -> None:
        """Start it when it is not running and its delay has passed."""
        if self.is_running():
            if now - self.started_at >= STEADY_S:
                self.delay_s = FIRST_DELAY_S
            return
        # before the first start its log tells of an earlier run
        if self.started_at and (why := self.refused()) is not None:
            raise PaasError(f"{self.name} refuses to start: {why}")
        if self.started_at and not self.start_at:
            say(f"{self.name} has ended; it is started again in {self.delay_s:.0f} s")
            self.start_at = now + self.delay_s
            self.delay_s = min(MOST_DELAY_S, self.delay_s * 2)
        if now >= self.start_at:
            self.started_at, self.start_at = now, 0.0
            try:
                self.start()
            except PaasError as exc:
                say(f"{self.name} was not started: {exc.message}")


def programs(settings: Settings, workers: int) -> list[Kept]:
    """All programs, in the order in which they start."""
    kept: list[Kept] = []
    if settings.kafka.url is None:
        kafka = EmbeddedKafka(settings)
        kept.append(Kept("Kafka", kafka.start, kafka.is_running, kafka.stop))
    if settings.im.url is None:
        im = EmbeddedIm(settings)
        kept.append(Kept("IM", im.start, im.is_running, im.stop))
    for number in range(workers):
        one = Worker(settings, number)
        kept.append(Kept(one.name, one.start, one.is_running, one.stop, one.refused))
    return kept


def supervise(settings: Settings, workers: int, say: Say) -> None:
    """Keep everything running until SIGTERM or Ctrl-C, then stop all of it, workers first."""
    kept = programs(settings, workers)
    with _until_signal() as stopping:
        try:
            for one in kept:
                if stopping():
                    break
                say(f"{one.name} is being started")
                one.look(time.monotonic(), say)
            while not stopping():
                for one in kept:
                    one.look(time.monotonic(), say)
                time.sleep(_LOOK_S)
        finally:
            for one in reversed(kept):
                say(f"{one.name} is being stopped")
                _stop(one, say)


def _stop(one: Kept, say: Say) -> None:
    """Stop it; when that fails the others are stopped all the same."""
    try:
        one.stop()
    except PaasError as exc:
        say(exc.message)


@contextmanager
def _until_signal() -> Iterator[Callable[[], bool]]:
    """A function that says whether SIGTERM or SIGINT has come; a second one changes nothing."""
    came: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        came.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield lambda: bool(came)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
