"""Deployment tracker: every topic of a deployment -> its row, its timeline and its ranking."""

from datetime import timedelta
from typing import Any

import pytest
from support import lifecycle as make
from support.bench import Acknowledged, Bench, Clock, Sent, Stored, content
from support.lifecycle import T0, UUID

from agents import deployment_tracker as module
from agents.deployment_tracker import deployment_tracker
from paas_stream.lifecycle.deployment import Status
from paas_stream.records import (
    Command,
    DeploymentResult,
    ErrorRecord,
    Message,
    Operation,
    ProcedureStatus,
    TrackerEvent,
)
from tables import deployments as tables

OTHER = "0a1b2c3d-4e5f-4c55-9d7e-6f0d4c9e3b1a"
TABLES = ("deployments", "timelines", "ranked_providers", "template_texts")


@pytest.fixture
def tracker(bench: Bench, clock: Clock) -> Bench:
    """A bench at T0."""
    return bench


def error(component: str = "provider-selector", **fields: Any) -> ErrorRecord:
    return ErrorRecord(
        uuid=UUID,
        timestamp=make.at(T0 + 2),
        component=component,
        step="handle",
        code="no_provider",
        message="nobody can host it",
        **fields,
    )


def final(operation: Operation = Operation.CREATE, after_s: float = 60.0) -> DeploymentResult:
    return DeploymentResult(
        uuid=UUID,
        timestamp=make.at(T0 + after_s),
        kind="final",
        operation=operation,
        success=True,
        provider_name="p1",
        region_name="default",
        infrastructure_id="inf-1",
        outputs="sealed",
    )


def status() -> Status:
    return tables.index[UUID].status


def told() -> list[tuple[str, str, str]]:
    """The timeline in short."""
    timeline = tables.timelines.get(UUID)
    return [(one.component, one.step, one.status) for one in timeline.ordered] if timeline else []


async def give_all(bench: Bench, *messages: Message) -> None:
    for message in messages:
        await bench.give(deployment_tracker, message)


# -- rows


async def test_a_request_becomes_a_row_an_entry_for_lists_and_the_timelines_first_event(
    tracker: Bench,
) -> None:
    await tracker.give(deployment_tracker, make.template())
    row = tables.deployments.get(UUID)
    assert row is not None
    assert (row.status, row.user_group, row.created) == (Status.CREATE_IN_PROGRESS, "physics", T0)
    assert tables.index[UUID] == row
    assert told() == [("rest-api", "request", "end")]
    assert isinstance(tracker.journal[-1], Acknowledged)


async def test_the_ranking_is_kept_as_it_was_sent(tracker: Bench) -> None:
    await give_all(tracker, make.template(), make.ranked(2))
    kept = tracker.rows("ranked_providers")[UUID]
    assert [one["provider_name"] for one in kept["ranked_providers"]] == ["p1", "p2"]


async def test_a_deployment_is_followed_to_its_end(tracker: Bench) -> None:
    await give_all(tracker, make.template(), make.validated(), make.ranked(), final())
    assert status() is Status.CREATE_COMPLETE
    assert tables.index[UUID].physical_id == "inf-1"
    await give_all(tracker, make.command("delete", T0 + 70))
    assert status() is Status.DELETE_IN_PROGRESS
    await give_all(tracker, final(Operation.DELETE, 80))
    assert status() is Status.DELETE_COMPLETE
    assert told() == [
        ("rest-api", "request", "end"),
        ("im-dispatcher", "create", "end"),
        ("rest-api", "delete", "begin"),
        ("im-dispatcher", "delete", "end"),
    ]


async def test_topics_may_overtake_each_other(tracker: Bench) -> None:
    await give_all(tracker, make.ranked(), make.validated())
    assert tables.index[UUID].created is None, "lists do not show it yet"
    await give_all(tracker, make.template())
    assert tables.index[UUID].created == T0


async def test_an_event_that_changes_nothing_stores_no_row(tracker: Bench) -> None:
    await give_all(tracker, make.template(), final())
    tracker.journal.clear()
    await tracker.give(deployment_tracker, make.template(), offset=1)
    assert tracker.order() == ["Acknowledged"]


@pytest.mark.parametrize(
    "message",
    [
        TrackerEvent(uuid=OTHER, event="tick"),
        Command(uuid=OTHER, command="forget"),
        ErrorRecord(component="feeder", step="read", code="x", message="x"),
        ErrorRecord(uuid="no uuid", component="feeder", step="read", code="x", message="x"),
    ],
)
async def test_what_concerns_no_deployment_leaves_no_row(tracker: Bench, message: Message) -> None:
    key = getattr(message, "uuid", None) or "feeder"
    await tracker.give(deployment_tracker, message, key=key)
    stored = {one.table for one in tracker.journal if isinstance(one, Stored)}
    assert stored <= {"error_records"}
    assert [one for one in tracker.journal if isinstance(one, Sent)] == []


async def test_an_error_that_cannot_be_read_leads_to_no_other_error(tracker: Bench) -> None:
    await tracker.give(deployment_tracker, b"{}", topic="errors", key="template")
    assert tracker.order() == ["Acknowledged"]


# -- timeline


async def test_a_step_that_is_told_again_stands_once_in_the_timeline(tracker: Bench) -> None:
    step = ProcedureStatus(
        uuid=UUID, component="ai-ranker", step="rank", status="begin", cause="ai-ranker/rank/1"
    )
    later = step.model_copy(update={"timestamp": step.timestamp + timedelta(seconds=9)})
    await give_all(tracker, make.template(), step, later)
    assert told().count(("ai-ranker", "rank", "begin")) == 1


async def test_records_without_a_cause_are_told_apart_by_when_they_were_made(
    tracker: Bench,
) -> None:
    step = ProcedureStatus(uuid=UUID, component="other", step="work", status="begin")
    later = step.model_copy(update={"timestamp": step.timestamp + timedelta(seconds=9)})
    await give_all(tracker, make.template(), step, later)
    assert told().count(("other", "work", "begin")) == 2
    await give_all(tracker, make.template(), later)
    assert told().count(("other", "work", "begin")) == 2, "one that is sent again is the same"


# -- sends and rows


async def test_what_follows_is_sent_before_the_row_is_stored(tracker: Bench) -> None:
    await tracker.give(deployment_tracker, make.template())
    tracker.journal.clear()
    await tracker.give(deployment_tracker, error())
    assert tracker.order() == [
        "error_records",
        "Command",
        "deployments",
        "timelines",
        "Acknowledged",
    ]
    (cancel,) = tracker.sent(Command)
    assert (cancel.command, cancel.force, cancel.reason) == ("cancel", True, "nobody can host it")
    assert status() is Status.CREATE_FAILED


async def test_a_replay_after_a_kill_before_the_row_was_stored_sends_the_same_again(
    tracker: Bench,
) -> None:
    await tracker.give(deployment_tracker, make.template())
    before = tracker.snapshot()
    first = await tracker.give(deployment_tracker, error())
    tracker.restore(before)
    again = await tracker.give(deployment_tracker, error(), offset=tracker.last_offset)
    assert len(first) == 1
    assert [one.model_dump() for one in again] == [one.model_dump() for one in first]
    assert first[0].cause is not None
    assert status() is Status.CREATE_FAILED


async def test_a_replay_after_the_row_was_stored_changes_nothing(tracker: Bench) -> None:
    await give_all(tracker, make.template(), error())
    rows = tracker.snapshot()
    again = await tracker.give(deployment_tracker, error(), offset=tracker.last_offset)
    assert again == []
    assert tracker.snapshot() == rows


async def test_a_send_that_fails_leaves_the_row_as_it_was(tracker: Bench, clock: Clock) -> None:
    await tracker.give(deployment_tracker, make.template(overall_s=100.0))
    rows, row = tracker.snapshot(), tables.index[UUID]
    clock.now = T0 + 100
    tracker.refused = {Command}
    await tracker.give(deployment_tracker, make.tracker_tick(clock.now))
    assert tracker.snapshot() == rows
    assert tables.index[UUID] is row
    assert tracker.error().code == "record_too_large"
    tracker.refused = set()
    assert len(await tracker.give(deployment_tracker, make.tracker_tick(clock.now))) == 1
    assert tables.index[UUID].cancelled_at == clock.now


async def test_an_error_that_may_pass_does_not_end_the_deployment(tracker: Bench) -> None:
    await give_all(tracker, make.template(), error(retriable=True), error("im-dispatcher"))
    assert status() is Status.CREATE_IN_PROGRESS
    assert tracker.sent(Command) == []


# -- time


async def test_a_row_is_armed_for_its_next_moment_and_ticks_when_that_has_come(
    tracker: Bench, clock: Clock
) -> None:
    await tracker.give(deployment_tracker, make.template(overall_s=100.0))
    assert len(module.ticks) == 1
    await module.ticks.run()
    assert tracker.sent(TrackerEvent) == []
    clock.now = T0 + 100
    await module.ticks.run()
    (tick,) = tracker.sent(TrackerEvent)
    (cancel,) = await tracker.give(deployment_tracker, tick)
    assert isinstance(cancel, Command)
    assert (cancel.command, cancel.reason) == ("cancel", "The overall time-out has passed")


async def test_a_deployment_at_rest_is_not_armed(tracker: Bench) -> None:
    silent = make.template().model_copy(update={"callback": None})
    await give_all(tracker, silent, final())
    assert len(module.ticks) == 0


async def test_a_deleted_deployment_is_forgotten_after_its_retention(
    tracker: Bench, clock: Clock
) -> None:
    await give_all(tracker, make.template(), make.ranked(), make.command("delete", T0 + 10))
    await give_all(tracker, final(Operation.DELETE, 20))
    assert all(tracker.rows(name).keys() == {UUID} for name in TABLES)
    clock.now = T0 + 20 + module.policy.retention_s
    tracker.journal.clear()
    (forget,) = await tracker.give(deployment_tracker, make.tracker_tick(clock.now))
    assert isinstance(forget, Command)
    assert forget.command == "forget"
    assert tracker.order() == ["Command", *TABLES, "Acknowledged"], "sent first, then deleted"
    assert [one.value for one in tracker.journal if isinstance(one, Stored)] == [None] * len(TABLES)
    assert all(tracker.rows(name) == {} for name in TABLES)
    assert tables.index == {}
    assert len(module.ticks) == 0
    assert await tracker.give(deployment_tracker, forget) == []
    assert tracker.rows("deployments") == {}


async def test_a_forget_whose_rows_were_not_deleted_is_sent_again(
    tracker: Bench, clock: Clock
) -> None:
    await give_all(tracker, make.template(), make.command("delete", T0 + 10))
    await give_all(tracker, final(Operation.DELETE, 20))
    before = tracker.snapshot()
    clock.now = T0 + 20 + module.policy.retention_s
    first = await tracker.give(deployment_tracker, make.tracker_tick(clock.now))
    tracker.restore(before)
    again = await tracker.give(
        deployment_tracker, make.tracker_tick(clock.now), offset=tracker.last_offset
    )
    assert content(again) == content(first)
    assert tracker.rows("deployments") == {}


# -- another worker's rows


async def test_after_a_rebalance_lists_and_ticks_follow_from_the_rows(tracker: Bench) -> None:
    await tracker.give(deployment_tracker, make.template())
    row = tables.index.pop(UUID)
    tables.index[OTHER] = row
    await module.ticks._clear()
    assert len(module.ticks) == 0
    await tables.rebuild()
    await module.ticks._rebuild()
    assert tables.index == {UUID: row}
    assert len(module.ticks) == 1
