"""What each box of this worker is doing, for its heartbeats and for the metrics."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from paas_stream.durable.metrics import EVENT_SECONDS


@dataclass
class Box:
    """One box (agent, timer, web server) on this worker."""

    component: str
    is_agent: bool = False
    events: int = 0  # handled since the start, those that failed included
    errors: int = 0
    last_event_at: float | None = None  # seconds since the epoch
    _working: dict[int, tuple[str, float]] = field(default_factory=dict)  # oldest first
    _serial: int = 0

    def __post_init__(self) -> None:
        self._seconds = EVENT_SECONDS.labels(self.component)

    @property
    def working(self) -> tuple[str, float] | None:
        """What it has been at for longest, and since when (seconds since the epoch)."""
        return next(iter(self._working.values()), None)

    def begin(self, what: str) -> int:
        """It begins with something; the number is for `end`."""
        self._serial += 1
        self._working[self._serial] = (what, time.time())
        return self._serial

    def end(self, number: int) -> None:
        """It has ended that, well or not."""
        self.last_event_at = time.time()
        _, begun = self._working.pop(number)
        self.events += 1
        self._seconds.observe(max(0.0, self.last_event_at - begun))

    @contextmanager
    def work(self, what: str) -> Iterator[None]:
        """`begin` and `end`; an exception counts as an error and passes."""
        number = self.begin(what)
        try:
            yield
        except Exception:
            self.errors += 1
            raise
        finally:
            self.end(number)


class Boxes:
    """All boxes of this worker."""

    def __init__(self) -> None:
        self._boxes: dict[str, Box] = {}
        self.started_at = time.time()

    def __iter__(self) -> Iterator[Box]:
        return iter(self._boxes.values())

    def box(self, component: str, *, is_agent: bool = False) -> Box:
        """The box of this name, made at the first call."""
        found = self._boxes.get(component)
        if found is None:
            found = self._boxes[component] = Box(component, is_agent)
        return found


class BoxCollector(Collector):
    """The boxes' counts, read when they are asked for."""

    def __init__(self, boxes: Boxes) -> None:
        self._boxes = boxes

    def collect(self) -> Iterable[Metric]:
        """Called by the registry."""
        events = CounterMetricFamily(
            "paas_stream_events", "Records and other work handled.", labels=["component"]
        )
        failed = CounterMetricFamily(
            "paas_stream_event_errors", "Of these, those that failed.", labels=["component"]
        )
        busy = GaugeMetricFamily(
            "paas_stream_busy_seconds",
            "For how long a box has been at its oldest work; 0 when it has none.",
            labels=["component"],
        )
        now = time.time()
        for box in self._boxes:
            working = box.working
            events.add_metric([box.component], box.events)
            failed.add_metric([box.component], box.errors)
            busy.add_metric([box.component], max(0.0, now - working[1]) if working else 0.0)
        return [events, failed, busy]
