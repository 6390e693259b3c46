"""The timeline: what happened, in order, once, and not without end."""

from itertools import permutations
from typing import Any

import pytest
from support.lifecycle import T0, UUID, at, command, ranked, template, validated

from paas_stream.lifecycle.timeline import Timeline, TimelineEvent, entry, name
from paas_stream.records import (
    DeploymentResult,
    ErrorRecord,
    Message,
    ProcedureStatus,
    TrackerEvent,
)

PLACE: dict[str, Any] = {"attempt": 2, "provider_name": "p2", "region_name": "r"}


def event(number: int, status: str = "begin", moment: float | None = None) -> TimelineEvent:
    where = T0 + number if moment is None else moment
    return TimelineEvent(f"topic/0/{number}", where, "box", "step", status, f"event {number}")


def names(timeline: Timeline) -> list[int]:
    return [int(one.id.rpartition("/")[2]) for one in timeline.ordered]


def timeline(*events: TimelineEvent, most: int = 100) -> Timeline:
    made = Timeline()
    for one in events:
        made = made.with_event(one, most)
    return made


class TestEntries:
    def test_are_ordered_by_time_however_they_come(self) -> None:
        for order in permutations([event(1), event(2), event(3, "end"), event(4)]):
            assert names(timeline(*order)) == [1, 2, 3, 4]

    def test_of_the_same_moment_stay_in_the_order_of_their_coming(self) -> None:
        assert names(timeline(*(event(n, moment=T0) for n in (3, 1, 2)))) == [3, 1, 2]

    def test_come_in_once(self) -> None:
        once = timeline(event(1), event(2))
        assert timeline(event(1), event(2), event(1), event(2)) == once

    def test_of_a_request_that_its_client_repeated_come_in_once(self) -> None:
        made = Timeline()
        for seconds in (0, 3):
            message = template().model_copy(update={"timestamp": at(T0 + seconds)})
            told = entry(name("template", message), message)
            assert told is not None
            made = made.with_event(told, 100)
        assert [one.at for one in made.events] == [T0]

    @pytest.mark.parametrize("most", [1, 2, 3, 5])
    def test_are_never_more_than_the_bound(self, most: int) -> None:
        made = Timeline()
        for number in range(40):
            made = made.with_event(event(number, ["begin", "end", "failed"][number % 3]), most)
            assert len(made.events) <= most
        assert len(made.events) + made.dropped == 40

    def test_that_begin_something_give_way_when_it_is_full(self) -> None:
        full = timeline(*(event(n) for n in range(3)), most=3)
        assert names(full.with_event(event(9), 3)) == [0, 1, 2]
        assert full.with_event(event(9), 3).dropped == 1

    @pytest.mark.parametrize("status", ["end", "failed"])
    def test_that_end_something_come_in_though_it_is_full(self, status: str) -> None:
        full = timeline(*(event(n) for n in range(3)), most=3)
        made = full.with_event(event(9, status), 3)
        assert names(made) == [0, 2, 9]
        assert made.dropped == 1

    def test_stay_within_a_bound_that_was_lowered(self) -> None:
        long = timeline(*(event(n) for n in range(10)), most=10)
        assert len(long.with_event(event(99, "end"), 4).events) == 4


def result(kind: str, **fields: Any) -> DeploymentResult:
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(T0), "kind": kind, **PLACE, **fields}
    )


@pytest.mark.parametrize(
    ("message", "component", "step", "status", "text"),
    [
        (template(), "rest-api", "request", "end", "the request was accepted"),
        (command("delete", T0), "rest-api", "delete", "begin", "delete was asked for"),
        (
            command("cancel", T0, reason="too late"),
            "deployment-tracker",
            "cancel",
            "begin",
            "cancel was asked for: too late",
        ),
        (
            ProcedureStatus(uuid=UUID, component="ai-ranker", step="rank", status="end"),
            "ai-ranker",
            "rank",
            "end",
            "",
        ),
        (
            ErrorRecord(uuid=UUID, component="rally", step="read", code="x", message="no file"),
            "rally",
            "read",
            "failed",
            "no file",
        ),
        (
            result("accepted", infrastructure_id="inf"),
            "im-dispatcher",
            "accepted",
            "end",
            "the IM has created inf at p2 (r)",
        ),
        (
            result("attempt", success=True),
            "im-dispatcher",
            "attempt",
            "end",
            "attempt 2: p2 (r) succeeded",
        ),
        (
            result("attempt", success=False, reason="no quota"),
            "im-dispatcher",
            "attempt",
            "failed",
            "attempt 2: p2 (r) failed: no quota",
        ),
        (result("final", success=True), "im-dispatcher", "create", "end", "complete at p2 (r)"),
        (
            result("final", success=False, reason="all failed"),
            "im-dispatcher",
            "create",
            "failed",
            "all failed",
        ),
        (
            result("final", operation="delete", success=True),
            "im-dispatcher",
            "delete",
            "end",
            "deleted",
        ),
        (
            result("final", operation="delete", success=False, reason="something is left"),
            "im-dispatcher",
            "delete",
            "failed",
            "something is left",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_every_message_of_interest_has_its_words(
    message: Message, component: str, step: str, status: str, text: str
) -> None:
    made = entry("topic/1/2", message)
    assert made is not None
    assert (made.component, made.step, made.status, made.message) == (component, step, status, text)
    assert made.id == "topic/1/2"


@pytest.mark.parametrize(
    "message",
    [
        validated(),
        ranked(),
        command("forget", T0),
        TrackerEvent(uuid=UUID, event="tick"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_what_is_of_no_interest_has_no_entry(message: Message) -> None:
    assert entry("id", message) is None


def test_a_result_has_its_place_and_its_duration() -> None:
    message = result("final", success=True, started_at=at(T0), ended_at=at(T0 + 12.5))
    made = entry("id", message)
    assert made is not None
    assert (made.attempt, made.provider_name, made.region_name) == (2, "p2", "r")
    assert made.duration_s == 12.5
