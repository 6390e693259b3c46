"""What the user sees of a deployment, whatever the order of the events."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from support.lifecycle import (
    T0,
    TRACKER_POLICY,
    UUID,
    at,
    command,
    ranked,
    template,
    tracker_tick,
    validated,
)

from paas_stream.lifecycle import deployment
from paas_stream.lifecycle.deployment import DeploymentRow, Status, Task
from paas_stream.records import (
    Command,
    DeploymentResult,
    ErrorRecord,
    Message,
    ProcedureStatus,
)


def result(kind: str, moment: float, **fields: Any) -> DeploymentResult:
    """The message for `deployment-results`."""
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(moment), "kind": kind, **fields}
    )


def place(number: int) -> dict[str, Any]:
    """Where an attempt was."""
    return {
        "attempt": number,
        "provider_name": f"p{number}",
        "region_name": "default",
        "provider_type": "openstack",
        "provider_endpoint": f"https://p{number}:5000/v3",
        "infrastructure_id": f"inf-{number}",
    }


ACCEPTED = result("accepted", T0 + 10, **place(1))
ACCEPTED_2 = result("accepted", T0 + 20, **place(2))
ATTEMPT_FAILED = result("attempt", T0 + 15, success=False, reason="no quota", **place(1))
REFUSED = "Attempt 1 at p1 (default) has failed: no quota"
CREATED = result("final", T0 + 30, success=True, outputs="sealed", **place(2))
FAILED = result("final", T0 + 30, success=False, reason="no provider was good enough")
KEPT = result("final", T0 + 30, success=False, reason="failed", kept=True, **place(2))
DELETE = command("delete", T0 + 40)
DELETED = result("final", T0 + 50, operation="delete", success=True, started_at=at(T0 + 40))
NOT_DELETED = result(
    "final",
    T0 + 50,
    operation="delete",
    success=False,
    reason="the cloud is unreachable",
    started_at=at(T0 + 40),
)


def error(component: str, moment: float = T0 + 5, *, retriable: bool = False) -> ErrorRecord:
    """The message for `errors`."""
    return ErrorRecord(
        uuid=UUID,
        timestamp=at(moment),
        component=component,
        step="handle",
        code="some",
        message=f"the {component} failed",
        retriable=retriable,
    )


def play(events: Sequence[Message], now: float = T0 + 60) -> tuple[DeploymentRow, list[Message]]:
    """The row after these events, and all that was said."""
    row, said = DeploymentRow(UUID, first_seen=T0, updated=T0), []
    for event in events:
        transition = deployment.step(row, event, now, TRACKER_POLICY)
        assert transition.row is not None
        row = transition.row
        said += transition.messages
    return row, said


HAPPY = [template(), validated(), ranked(), ACCEPTED, ACCEPTED_2, CREATED]


class TestTheStatus:
    @pytest.mark.parametrize(
        ("events", "status", "task"),
        [
            ([template()], Status.CREATE_IN_PROGRESS, Task.BROKERING),
            ([template(), validated()], Status.CREATE_IN_PROGRESS, Task.BROKERING),
            ([template(), validated(), ranked()], Status.CREATE_IN_PROGRESS, Task.DEPLOYER),
            ([template(), ranked(), ACCEPTED], Status.CREATE_IN_PROGRESS, Task.DEPLOYER),
            (HAPPY, Status.CREATE_COMPLETE, Task.NONE),
            ([template(), FAILED], Status.CREATE_FAILED, Task.NONE),
            ([template(), KEPT], Status.CREATE_FAILED, Task.NONE),
            ([template(), DELETE], Status.DELETE_IN_PROGRESS, Task.DEPLOYER),
            ([*HAPPY, DELETE], Status.DELETE_IN_PROGRESS, Task.DEPLOYER),
            ([*HAPPY, DELETE, DELETED], Status.DELETE_COMPLETE, Task.NONE),
            ([*HAPPY, DELETE, NOT_DELETED], Status.DELETE_FAILED, Task.NONE),
            ([template(), error("ai-ranker")], Status.CREATE_FAILED, Task.NONE),
        ],
    )
    def test_follows_from_the_events(
        self, events: list[Message], status: Status, task: Task
    ) -> None:
        row, _ = play(events)
        assert (row.status, row.task) == (status, task)

    @pytest.mark.parametrize(
        ("events", "reason"),
        [
            (HAPPY, None),
            ([template(), ACCEPTED, ATTEMPT_FAILED], REFUSED),
            ([template(), ACCEPTED, ATTEMPT_FAILED, ACCEPTED_2], REFUSED),
            ([template(), ACCEPTED_2, ATTEMPT_FAILED, ATTEMPT_FAILED], REFUSED),
            ([*HAPPY, ATTEMPT_FAILED], None),
            ([template(), ATTEMPT_FAILED, *HAPPY], None),
            ([template(), ATTEMPT_FAILED, FAILED], "no provider was good enough"),
            ([template(), ATTEMPT_FAILED, DELETE], None),
            ([template(), FAILED], "no provider was good enough"),
            ([template(), FAILED, DELETE], None),
            ([template(), FAILED, DELETE, DELETED], None),
            ([template(), DELETE, NOT_DELETED], "the cloud is unreachable"),
            ([template(), DELETE, NOT_DELETED, command("delete", T0 + 55)], None),
            ([template(), error("template-parser")], "the template-parser failed"),
        ],
    )
    def test_has_the_reason_of_what_it_says(
        self, events: list[Message], reason: str | None
    ) -> None:
        assert play(events)[0].status_reason == reason

    def test_knows_what_the_request_said(self) -> None:
        row, _ = play([template()])
        assert (row.issuer, row.subject) == ("https://issuer", "alice")
        assert (row.user_group, row.callback) == ("physics", "https://client/hook")
        assert (row.template_name, row.parameters) == ("one machine", {"cpus": 2})
        assert row.created == T0

    def test_shows_where_it_is(self) -> None:
        row, _ = play(HAPPY)
        assert (row.physical_id, row.provider_name) == ("inf-2", "p2")
        assert (row.provider_endpoint, row.provider_type) == ("https://p2:5000/v3", "openstack")
        assert row.outputs == "sealed"

    def test_shows_no_place_once_it_has_failed(self) -> None:
        row, _ = play([template(), ACCEPTED, FAILED])
        assert (row.physical_id, row.provider_name, row.provider_endpoint) == (None, None, None)

    def test_shows_the_place_of_an_attempt_that_was_kept(self) -> None:
        row, _ = play([template(), ACCEPTED, KEPT])
        assert (row.physical_id, row.provider_name) == ("inf-2", "p2")


class TestAnyOrder:
    @pytest.mark.parametrize(
        "events",
        [
            HAPPY,
            [template(), validated(), ranked(), ACCEPTED, ACCEPTED_2, FAILED],
            [template(), ranked(), ACCEPTED_2, CREATED, DELETE, DELETED],
            [template(), ranked(), CREATED, DELETE, NOT_DELETED],
            [template(), error("provider-selector"), DELETE, DELETED],
            [template(), DELETE, NOT_DELETED, command("delete", T0 + 55)],
            [
                template(),
                DELETE,
                command("delete", T0 + 55),
                NOT_DELETED,
                DELETED.model_copy(update={"started_at": at(T0 + 55), "timestamp": at(T0 + 58)}),
            ],
            [
                template(),
                DELETE,
                NOT_DELETED,
                command("delete", T0 + 55),
                NOT_DELETED.model_copy(
                    update={"started_at": at(T0 + 55), "timestamp": at(T0 + 58)}
                ),
            ],
        ],
        ids=lambda events: " ".join(type(one).__name__ for one in events),
    )
    def test_leads_to_the_same_row(self, events: list[Message]) -> None:
        expected, _ = play(events)
        for order in permutations(events):
            row, _ = play(order)
            assert row == expected, [type(one).__name__ for one in order]

    def test_and_every_event_twice(self) -> None:
        expected, _ = play([*HAPPY, DELETE, DELETED])
        doubled = [one for event in [*HAPPY, DELETE, DELETED] for one in (event, event)]
        assert play(doubled)[0] == expected
        assert play([*HAPPY, DELETE, DELETED] * 2)[0] == expected


class TestAFinalState:
    @pytest.mark.parametrize(
        "late",
        [
            template(),
            validated(),
            ranked(),
            ACCEPTED,
            CREATED.model_copy(update={"infrastructure_id": "other"}),
            FAILED,
            KEPT,
            error("ai-ranker", T0 + 70),
            error("im-dispatcher", T0 + 70),
            command("cancel", T0 + 70),
            tracker_tick(T0 + 60),
        ],
        ids=lambda event: f"{type(event).__name__} {getattr(event, 'component', '')}",
    )
    @pytest.mark.parametrize(
        "before",
        [
            HAPPY,
            [template(), FAILED],
            [template(), error("template-parser")],
            [*HAPPY, DELETE, DELETED],
            [*HAPPY, DELETE, NOT_DELETED],
        ],
        ids=["created", "failed", "ended by an error", "deleted", "not deleted"],
    )
    def test_is_not_changed_by_a_late_message(self, before: list[Message], late: Message) -> None:
        row, _ = play(before)
        after, said = play([*before, late])
        assert (after.status, after.status_reason) == (row.status, row.status_reason)
        assert (after.physical_id, after.outputs) == (row.physical_id, row.outputs)
        asked = {one.command for one in said if isinstance(one, Command)}
        assert asked <= {"cancel"}

    def test_of_a_failed_create_makes_a_late_success_be_deleted(self) -> None:
        for before in ([template(), FAILED], [template(), error("ai-ranker")]):
            _, said = play([*before, CREATED])
            cancel = said[-1]
            assert isinstance(cancel, Command)
            assert (cancel.command, cancel.force) == ("cancel", True)

    def test_of_a_create_is_the_first_that_was_told(self) -> None:
        assert play([template(), CREATED, FAILED])[0].status is Status.CREATE_COMPLETE
        assert play([template(), FAILED, CREATED])[0].status is Status.CREATE_FAILED

    @pytest.mark.parametrize("repeated", [DELETE, command("delete", T0 + 39)])
    def test_of_a_failed_delete_is_not_left_by_an_old_command(self, repeated: Command) -> None:
        row, _ = play([*HAPPY, DELETE, NOT_DELETED, repeated])
        assert row.status is Status.DELETE_FAILED

    def test_of_a_failed_delete_is_left_by_a_new_command(self) -> None:
        row, _ = play([*HAPPY, DELETE, NOT_DELETED, command("delete", T0 + 55)])
        assert row.status is Status.DELETE_IN_PROGRESS

    def test_of_a_finished_delete_is_never_left(self) -> None:
        row, _ = play([*HAPPY, DELETE, DELETED, command("delete", T0 + 55)])
        assert row.status is Status.DELETE_COMPLETE

    def test_of_a_delete_is_not_told_by_a_result_of_an_older_one(self) -> None:
        row, _ = play([*HAPPY, DELETE, command("delete", T0 + 55), NOT_DELETED])
        assert row.status is Status.DELETE_IN_PROGRESS

    def test_of_a_create_that_ends_during_a_delete_is_remembered(self) -> None:
        row, _ = play([template(), DELETE, CREATED])
        assert row.status is Status.DELETE_IN_PROGRESS
        assert row.create_end is not None


class TestErrors:
    @pytest.mark.parametrize("component", ["template-parser", "provider-selector", "ai-ranker"])
    def test_of_what_makes_the_ranking_end_the_create_and_revoke_it(self, component: str) -> None:
        row, said = play([template(), error(component)])
        assert row.status is Status.CREATE_FAILED
        (cancel,) = said
        assert isinstance(cancel, Command)
        assert (cancel.command, cancel.force) == ("cancel", True)
        assert cancel.reason == f"the {component} failed"

    @pytest.mark.parametrize(
        "harmless",
        [
            error("template-parser", retriable=True),
            error("ai-ranker", retriable=True),
            error("im-dispatcher"),
            error("training-data"),
            error("feeder"),
            error("rally"),
            error("deployment-tracker"),
            error("something-else"),
        ],
        ids=lambda one: f"{one.component} {one.retriable}",
    )
    def test_of_others_and_temporary_ones_end_nothing(self, harmless: ErrorRecord) -> None:
        row, said = play([template(), harmless])
        assert row.status is Status.CREATE_IN_PROGRESS
        assert said == []

    def test_are_acted_upon_once(self) -> None:
        _, said = play([template(), error("ai-ranker"), error("ai-ranker"), error("ai-ranker")])
        assert len(said) == 1

    def test_after_the_success_do_not_revoke_it(self) -> None:
        _, said = play([*HAPPY, error("ai-ranker", T0 + 70)])
        assert said == []


class TestAnAttemptThatFails:
    def test_leaves_the_create_in_progress(self) -> None:
        row, said = play([template(), ACCEPTED, ATTEMPT_FAILED])
        assert (row.status, said) == (Status.CREATE_IN_PROGRESS, [])
        assert (row.failed_attempt, row.updated) == (1, T0 + 15)

    def test_does_not_hide_a_newer_one(self) -> None:
        newer = result("attempt", T0 + 25, success=False, reason="timed out", **place(2))
        row, _ = play([template(), newer, ATTEMPT_FAILED])
        assert row.status_reason == "Attempt 2 at p2 (default) has failed: timed out"


@pytest.mark.parametrize("success", [True, False])
def test_an_action_changes_nothing_of_the_deployment(success: bool) -> None:
    before, _ = play(HAPPY)
    ended = result(
        "final", T0 + 50, operation="action", success=success, reason="why", machine="0", **place(2)
    )
    after, said = play([*HAPPY, ended])
    assert (after, said) == (before, [])
    assert (after.status, after.status_reason) == (Status.CREATE_COMPLETE, None)


@pytest.mark.parametrize(
    ("uuid", "found"),
    [
        (UUID, UUID),
        (None, None),
        ("", None),
        ("no-uuid", None),
        (UUID.upper(), None),
        (UUID.replace("-", ""), None),
        ("{" + UUID + "}", None),
        (f" {UUID}", None),
    ],
)
def test_only_a_real_uuid_makes_a_row(uuid: str | None, found: str | None) -> None:
    record = error("ai-ranker").model_copy(update={"uuid": uuid})
    assert deployment.concerned(record) == found


def test_a_message_without_uuid_concerns_none() -> None:
    assert deployment.concerned(Message()) is None


@pytest.mark.parametrize(
    ("message", "makes_row"),
    [
        (template(), True),
        (ranked(), True),
        (command("delete", T0), True),
        (command("forget", T0), False),
        (command("inspect", T0), False),
        (tracker_tick(), False),
    ],
)
def test_what_is_about_a_row_that_is_gone_makes_none(message: Message, *, makes_row: bool) -> None:
    assert deployment.makes_row(message) is makes_row


def test_steps_change_nothing_but_the_timeline() -> None:
    status = ProcedureStatus(uuid=UUID, component="x", step="y", status="failed")
    assert play([template(), status])[0] == play([template()])[0]


def test_the_row_of_the_answer_to_a_post_is_that_of_the_tracker() -> None:
    fresh = DeploymentRow(UUID, first_seen=T0, updated=T0)
    answered = deployment.step(fresh, template(), T0, TRACKER_POLICY).row
    assert answered == replace(play([template()])[0], first_seen=T0)
