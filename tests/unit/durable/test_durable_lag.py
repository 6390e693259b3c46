"""How many records wait: from what the fetcher knows, without asking the broker."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from paas_stream.durable.boxes import Boxes
from paas_stream.durable.lag import lags, topic_lags
from paas_stream.durable.positions import Positions

ENDS = {TP("a", 0): 10, TP("a", 1): 20, TP("b", 0): 5}


def revoked(tp: TP) -> int:
    raise AssertionError("Partition is not assigned")


@pytest.fixture
def app() -> Any:
    """A worker with one agent on two topics, and a timer."""
    boxes = Boxes()
    boxes.box("agent", is_agent=True)
    boxes.box("timer")
    consumer = SimpleNamespace(
        assignment=lambda: set(ENDS),
        highwater=ENDS.get,
        _committed_offset={TP("a", 0): 4, TP("a", 1): 20, TP("b", 0): 5},
    )
    agent = SimpleNamespace(get_topic_names=lambda: ["a", "b"])
    return SimpleNamespace(
        boxes=boxes,
        positions=Positions(),
        agents={"agent": agent},
        rebalancing=False,
        _consumer=consumer,
    )


def test_it_is_the_end_less_what_was_committed(app: Any) -> None:
    assert topic_lags(app) == {("agent", "a"): 6, ("agent", "b"): 0}
    assert lags(app) == {"agent": 6}


def test_what_was_handled_since_counts(app: Any) -> None:
    app.positions.handled("agent", "a", 0, 8)
    assert lags(app) == {"agent": 1}


def test_what_was_handled_beyond_the_known_end_does_not_count_twice(app: Any) -> None:
    app.positions.handled("agent", "b", 0, 30)
    assert topic_lags(app)["agent", "b"] == 0


@pytest.mark.parametrize("end", [lambda tp: None, revoked])
def test_without_a_known_end_nothing_is_claimed(app: Any, end: Callable[[TP], int | None]) -> None:
    app._consumer.highwater = end
    assert lags(app) == {}


def test_without_a_known_position_nothing_is_claimed(app: Any) -> None:
    app._consumer._committed_offset = {}
    assert lags(app) == {}


@pytest.mark.parametrize("change", [{"_consumer": None}, {"rebalancing": True}])
def test_while_partitions_move_nothing_is_claimed(app: Any, change: dict[str, Any]) -> None:
    vars(app).update(change)
    assert lags(app) == {}
