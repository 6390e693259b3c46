"""What an update does to a deployment's status."""

from itertools import permutations
from typing import Any

import pytest
from support import lifecycle as make
from support.lifecycle import T0, TRACKER_POLICY, UUID, at, command

from paas_stream.lifecycle import deployment
from paas_stream.lifecycle.deployment import DeploymentRow, Status
from paas_stream.records import DeploymentResult, Operation

CREATED = DeploymentResult(
    uuid=UUID, timestamp=at(T0 + 2), kind="final", success=True, attempt=1, outputs="old"
)


def ended(revision: int, success: bool, reason: str | None = None) -> DeploymentResult:
    return DeploymentResult(
        uuid=UUID,
        timestamp=at(T0 + 10 * revision + 5),
        kind="final",
        operation=Operation.UPDATE,
        revision=revision,
        success=success,
        reason=reason,
        outputs="new" if success else None,
    )


def update(revision: int, seconds: float = 3600.0) -> Any:
    return make.update(revision, 2, T0 + 10 * revision, (), seconds)


def after(*events: Any, now: float = T0 + 100) -> DeploymentRow:
    row = DeploymentRow(UUID, T0, T0)
    for event in (make.template(), CREATED, *events):
        stepped = deployment.step(row, event, now, TRACKER_POLICY).row
        assert stepped is not None
        row = stepped
    return row


class TestAnUpdate:
    def test_is_in_progress_until_it_ends(self) -> None:
        row = after(update(2).request_message)
        assert (row.status, row.status_reason) == (Status.UPDATE_IN_PROGRESS, None)
        assert after(update(2).request_message, ended(2, True)).status is Status.UPDATE_COMPLETE

    def test_that_fails_says_why_and_the_deployment_stays(self) -> None:
        row = after(update(2).request_message, ended(2, False, "no quota"))
        assert (row.status, row.status_reason) == (Status.UPDATE_FAILED, "no quota")
        assert row.outputs == "old"

    def test_replaces_parameters_and_outputs(self) -> None:
        asked = update(2).request_message.model_copy(update={"template_inputs": {"cpus": 8}})
        row = after(asked, ended(2, True))
        assert (row.parameters, row.outputs) == ({"cpus": 8}, "new")

    def test_that_nobody_can_host_has_failed(self) -> None:
        two = update(2)
        row = after(two.request_message, two.refused)
        assert (row.status, row.status_reason) == (Status.UPDATE_FAILED, "no room for it")
        assert row.create_end is not None
        assert row.create_end.success

    def test_that_is_not_reported_ends_some_time_after_its_own_time(self) -> None:
        asked = update(2).request_message
        late = T0 + 20 + 3600 + TRACKER_POLICY.delete_timeout_s + 1
        assert late - 1 in deployment.moments(after(asked), TRACKER_POLICY)
        assert after(asked, make.tracker_tick(late), now=late).status is Status.UPDATE_FAILED

    @pytest.mark.parametrize("success", [True, False])
    def test_ends_those_that_were_merged_into_it(self, success: bool) -> None:
        both = (update(2).request_message, update(3).request_message)
        assert after(*both, ended(2, success)).status is Status.UPDATE_IN_PROGRESS
        row = after(*both, ended(3, success))
        assert row.status is (Status.UPDATE_COMPLETE if success else Status.UPDATE_FAILED)

    def test_is_known_in_whichever_order_its_events_come(self) -> None:
        events = (
            update(2).request_message,
            update(3).request_message,
            ended(2, False),
            ended(3, True),
        )
        found = {after(*order).status for order in permutations(events)}
        assert found == {Status.UPDATE_COMPLETE}


class TestADelete:
    def test_comes_before_any_update(self) -> None:
        row = after(update(2).request_message, command("delete", T0 + 50), ended(2, True))
        assert row.status is Status.DELETE_IN_PROGRESS

    def test_can_be_given_up(self) -> None:
        row = after(command("delete", T0 + 50), command("reset", T0 + 60))
        assert (row.status, row.status_reason) == (
            Status.DELETE_FAILED,
            "The delete was given up on request",
        )
        again = after(
            command("delete", T0 + 50), command("reset", T0 + 60), command("delete", T0 + 70)
        )
        assert again.status is Status.DELETE_IN_PROGRESS

    def test_that_is_not_under_way_cannot_be_given_up(self) -> None:
        assert after(command("reset", T0 + 60)).status is Status.CREATE_COMPLETE
