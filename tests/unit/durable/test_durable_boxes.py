"""What a box of this worker says about itself."""

import pytest
from prometheus_client import CollectorRegistry

from paas_stream.durable import boxes as module
from paas_stream.durable import metrics
from paas_stream.durable.boxes import Box, BoxCollector, Boxes


class Clock:
    """Stands for the module `time`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


def test_a_box_is_made_once() -> None:
    boxes = Boxes()
    assert boxes.box("a") is boxes.box("a")
    assert [box.component for box in boxes] == ["a"]


def test_it_counts_what_it_has_done_and_says_when(clock: Clock) -> None:
    box = Box("unit-box")
    assert (box.events, box.last_event_at, box.working) == (0, None, None)
    with box.work("one thing"):
        clock.now = 1003.0
        assert box.working == ("one thing", 1000.0)
    assert (box.events, box.errors, box.last_event_at, box.working) == (1, 0, 1003.0, None)


def test_of_many_things_it_names_the_oldest(clock: Clock) -> None:
    box = Box("unit-box")
    first = box.begin("first")
    clock.now = 1001.0
    second = box.begin("second")
    box.begin("third")
    assert box.working == ("first", 1000.0)
    box.end(second)
    assert box.working == ("first", 1000.0)
    box.end(first)
    assert box.working == ("third", 1001.0)


def test_an_exception_passes_and_counts_as_an_error() -> None:
    box = Box("unit-box")
    with pytest.raises(RuntimeError, match="broken"), box.work("it"):
        raise RuntimeError("broken")
    assert (box.events, box.errors, box.working) == (1, 1, None)


def test_the_duration_of_its_work_is_a_histogram(clock: Clock) -> None:
    box = Box("timed-box")
    with box.work("it"):
        clock.now += 0.2
    found = metrics.REGISTRY.get_sample_value(
        "paas_stream_event_duration_seconds_sum", {"component": "timed-box"}
    )
    assert found == pytest.approx(0.2)


def test_a_clock_that_is_set_back_does_no_harm(clock: Clock) -> None:
    box = Box("unit-box")
    with box.work("it"):
        clock.now = 0.0
    assert box.events == 1


def test_counts_are_read_when_they_are_asked_for(clock: Clock) -> None:
    boxes = Boxes()
    registry = CollectorRegistry()
    registry.register(BoxCollector(boxes))
    box = boxes.box("a")
    box.begin("it")
    box.errors += 2
    box.events += 3
    clock.now += 5
    labels = {"component": "a"}
    assert registry.get_sample_value("paas_stream_events_total", labels) == 3
    assert registry.get_sample_value("paas_stream_event_errors_total", labels) == 2
    assert registry.get_sample_value("paas_stream_busy_seconds", labels) == 5


class TestGauges:
    def test_of_several_parts_are_told_together(self) -> None:
        gauge = metrics.LiveGauge("paas_stream_unit_gauge", "A gauge of a test.", "part")
        gauge.add(lambda: {("a",): 1})
        gauge.add(lambda: {("b",): 2.5})
        for part, number in (("a", 1), ("b", 2.5)):
            found = metrics.REGISTRY.get_sample_value("paas_stream_unit_gauge", {"part": part})
            assert found == number

    def test_of_steps_have_few_names_whatever_others_send(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(metrics, "_steps", set())
        monkeypatch.setattr(metrics, "_STEPS_MOST", 2)
        for number in range(5):
            metrics.observe_step("unit", f"s{number}", "end", 1.0)
        count = "paas_stream_step_duration_seconds_count"
        found = {
            sample.labels["step"]
            for family in metrics.REGISTRY.collect()
            for sample in family.samples
            if sample.name == count and sample.labels["component"] in ("unit", "other")
        }
        assert found == {"s0", "s1", "other"}
