"""How fast a worker goes through its deployments to compare them with the IM."""

from collections.abc import Iterator

import pytest

from agents.im_inspections import Inspections
from paas_stream.lifecycle.attempt import Attempt, Phase
from paas_stream.lifecycle.dispatch_row import DispatchRow, Final

PAUSE_S = 600.0


def row(number: int, phase: Phase = Phase.SUCCEEDED) -> DispatchRow:
    one = Attempt(1, 0, "a", "r", "openstack", "https://a", 0.0, 1.0, phase=phase)
    return DispatchRow(f"deployment-{number}", attempts=(one,), final=Final.CREATED)


class Walks:
    """Rows that are walked through, and how often one began anew."""

    def __init__(self, *rows: DispatchRow) -> None:
        self.rows = rows
        self.begun = 0

    def __call__(self) -> Iterator[tuple[str, DispatchRow]]:
        self.begun += 1
        return ((one.uuid, one) for one in self.rows)


def ticks(inspections: Inspections, seconds: int, **options: bool) -> list[str]:
    """Which deployments have their turn in so many ticks of a second."""
    found = [inspections.due(float(now), 1.0, **options) for now in range(seconds)]
    return [effect.uuid for effects in found for effect in effects]


@pytest.fixture
def many() -> Walks:
    return Walks(*map(row, range(1000)))


@pytest.mark.parametrize(("per_s", "number"), [(1.0, 20), (0.5, 10), (5.0, 100)])
def test_each_has_its_turn_at_the_pace_that_is_set(many: Walks, per_s: float, number: int) -> None:
    assert ticks(Inspections(many, per_s, PAUSE_S), 20) == [one.uuid for one in many.rows[:number]]


def test_they_give_way_to_effects_that_wait_and_never_stop(many: Walks) -> None:
    assert len(ticks(Inspections(many, 1.0, PAUSE_S), 1000, others_wait=True)) in range(90, 101)


def test_what_was_missed_is_not_made_up_for(many: Walks) -> None:
    inspections = Inspections(many, 2.0, PAUSE_S)
    assert len(inspections.due(0.0, 3600.0)) == 2


def test_those_under_way_cost_nothing_of_the_pace() -> None:
    rows = Walks(*(row(number, Phase.POLLING) for number in range(30)), row(30))
    assert ticks(Inspections(rows, 1.0, PAUSE_S), 1) == ["deployment-30"]


def test_a_walk_is_followed_by_a_pause() -> None:
    rows = Walks(row(1))
    inspections = Inspections(rows, 1.0, PAUSE_S)
    assert len(ticks(inspections, int(PAUSE_S))) == 1
    assert rows.begun == 1
    found = [inspections.due(PAUSE_S + now, 1.0) for now in range(10)]
    assert [len(one) for one in found].count(1) == 1


def test_a_walk_that_a_rebalance_cuts_short_begins_anew(many: Walks) -> None:
    inspections = Inspections(many, 1.0, PAUSE_S)
    assert ticks(inspections, 3) == [one.uuid for one in many.rows[:3]]
    inspections.clear()
    assert ticks(inspections, 2) == [one.uuid for one in many.rows[:2]]


def test_a_store_that_opens_a_partition_in_between_is_walked_anew() -> None:
    def changed() -> Iterator[tuple[str, DispatchRow]]:
        yield "deployment-1", row(1)
        raise RuntimeError("dictionary changed size during iteration")

    assert ticks(Inspections(changed, 1.0, PAUSE_S), 4) == ["deployment-1"] * 2
