"""Faults and wishes follow from a seed, so that a failure can be played again."""

import pytest
from chaos.schedule import WEIGHTS, Kind, schedule
from chaos.wanted import Story, wanted


def test_the_same_seed_gives_the_same_run() -> None:
    assert schedule(7, 50, 300.0, 3) == schedule(7, 50, 300.0, 3)
    assert wanted(7, 50, 300.0) == wanted(7, 50, 300.0)


def test_another_seed_gives_another_run() -> None:
    assert schedule(7, 50, 300.0, 3) != schedule(8, 50, 300.0, 3)
    assert [one.key for one in wanted(7, 5, 9.0)] != [one.key for one in wanted(8, 5, 9.0)]


@pytest.mark.parametrize("seed", range(20))
def test_every_kind_comes_before_any_comes_often(seed: int) -> None:
    faults = schedule(seed, 100, 600.0, 3)
    assert {one.kind for one in faults[: len(Kind)]} == set(Kind)
    assert all(sum(one.kind is kind for one in faults) >= 2 for kind in Kind)
    assert set(WEIGHTS) == set(Kind)


@pytest.mark.parametrize("seed", range(20))
def test_faults_come_in_order_and_within_the_run(seed: int) -> None:
    faults = schedule(seed, 40, 200.0, 3)
    moments = [one.at for one in faults]
    assert moments == sorted(moments)
    assert moments[0] > 0
    assert moments[-1] < 205.0
    assert {one.worker for one in faults} <= {0, 1, 2}


@pytest.mark.parametrize("seed", range(20))
def test_every_story_is_told(seed: int) -> None:
    assert {one.story for one in wanted(seed, 30, 60.0)} == set(Story)
