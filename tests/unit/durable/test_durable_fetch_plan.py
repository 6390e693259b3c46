"""Which partitions are fetched from which broker, and when the client's own plan is asked."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition

from paas_stream.durable.fetch_plan import FetchPlan

A0, A1, B0 = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)
STOCK = ([], {1: [A0]}, 0.2, True, [])


@dataclass
class State:
    position: int = 0
    paused: bool = False
    has_valid_position: bool = True


@dataclass
class Records:
    wait_s: float

    def calculate_backoff(self) -> float:
        return self.wait_s


@dataclass
class Fetcher:
    """What the plan asks of the client's fetcher."""

    leaders: dict[TopicPartition, int | None] = field(default_factory=lambda: {A0: 1, A1: 1, B0: 2})
    _records: dict[TopicPartition, Records] = field(default_factory=dict)
    _in_flight: set[int] = field(default_factory=set)
    _fetcher_timeout: float = 0.2
    _max_partition_fetch_bytes: int = 1000
    _fetch_max_wait_ms: int = 200
    _fetch_min_bytes: int = 1
    _fetch_max_bytes: int = 10_000
    _isolation_level: int = 0
    _client_rack: str | None = None

    def __post_init__(self) -> None:
        self._client = SimpleNamespace(
            cluster=SimpleNamespace(leader_for_partition=self.leaders.get)
        )

    def _get_actions_per_node(self, assignment: Any) -> Any:
        return STOCK


class Assignment:
    def __init__(self, **states: State) -> None:
        self.states = {A0: State(), A1: State(), B0: State()}
        self.tps = set(self.states)

    def state_value(self, place: TopicPartition) -> State:
        return self.states[place]


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher()


@pytest.fixture
def assignment() -> Assignment:
    return Assignment()


def named(plan: Any) -> dict[int, dict[TopicPartition, int]]:
    """Offsets by partition by broker."""
    requests, resets, _, invalid, futures = plan
    assert (resets, invalid, futures) == ({}, False, [])
    return {
        node: {TopicPartition(topic, p): at for topic, ones in request.topics for p, at, _ in ones}
        for node, request in requests
    }


def test_each_broker_is_asked_for_its_own_partitions(
    fetcher: Fetcher, assignment: Assignment
) -> None:
    assignment.states[A1].position = 7
    assert named(FetchPlan(fetcher)(assignment)) == {1: {A0: 0, A1: 7}, 2: {B0: 0}}


def test_paused_partitions_and_those_with_records_to_be_taken_are_left_out(
    fetcher: Fetcher, assignment: Assignment
) -> None:
    assignment.states[A0].paused = True
    fetcher._records[B0] = Records(0.0)
    assert named(FetchPlan(fetcher)(assignment)) == {1: {A1: 0}}


def test_a_broker_that_is_being_asked_is_not_asked_again(
    fetcher: Fetcher, assignment: Assignment
) -> None:
    fetcher._in_flight.add(1)
    assert named(FetchPlan(fetcher)(assignment)) == {2: {B0: 0}}


def test_a_broker_rests_while_its_last_records_are_fresh_and_the_plan_says_for_how_long(
    fetcher: Fetcher, assignment: Assignment
) -> None:
    fetcher._records |= {A0: Records(0.004), A1: Records(0.009)}
    plan = FetchPlan(fetcher)(assignment)
    assert named(plan) == {2: {B0: 0}}
    assert plan[2] == 0.009


def test_while_all_brokers_are_busy_the_partitions_are_not_looked_at(
    fetcher: Fetcher, assignment: Assignment, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = FetchPlan(fetcher)
    plan(assignment)
    fetcher._in_flight |= {1, 2}
    monkeypatch.setattr(assignment, "tps", None)
    assert plan(assignment) == ([], {}, 0.2, False, [])


@pytest.mark.parametrize("leader", [None, -1])
def test_a_partition_without_leader_is_the_clients_own_business(
    fetcher: Fetcher, assignment: Assignment, leader: int | None
) -> None:
    fetcher.leaders[A0] = leader
    assert FetchPlan(fetcher)(assignment) == STOCK


def test_so_is_one_without_position(fetcher: Fetcher, assignment: Assignment) -> None:
    assignment.states[B0].has_valid_position = False
    assert FetchPlan(fetcher)(assignment) == STOCK


def test_after_a_resumption_the_plan_is_made_again(fetcher: Fetcher) -> None:
    fetcher._wait_consume_future = "the future that wakes it"
    woken: list[Any] = []
    fetcher._notify = woken.append
    FetchPlan(fetcher).wake()
    assert woken == ["the future that wakes it"]
