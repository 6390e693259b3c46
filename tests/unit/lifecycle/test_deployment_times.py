"""A deployment ends by itself, whoever stays silent; and its row ends after its retention."""

import pytest
from support.lifecycle import (
    OVERALL_S,
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
from paas_stream.lifecycle.deployment import DeploymentRow, Status
from paas_stream.records import Command, DeploymentResult, Message, TrackerEvent

DELETE_S = TRACKER_POLICY.delete_timeout_s
RETENTION_S = TRACKER_POLICY.retention_s
DEADLINE = T0 + OVERALL_S


class Tracker:
    """Steps through the tracker's machine as the agent does."""

    def __init__(self) -> None:
        self.row: DeploymentRow | None = None
        self.now = T0
        self.said: list[Message] = []

    def feed(self, event: Message, now: float | None = None) -> list[Message]:
        """One event, a tick of this moment; what the step says."""
        self.now = self.now if now is None else now
        return self.step(tracker_tick(self.now) if isinstance(event, TrackerEvent) else event)

    def step(self, event: Message) -> list[Message]:
        """The same with the tick as it is."""
        row = self.row or DeploymentRow(UUID, first_seen=self.now, updated=self.now)
        transition = deployment.step(row, event, self.now, TRACKER_POLICY)
        self.row = transition.row
        self.said += transition.messages
        return list(transition.messages)

    def armed(self) -> float | None:
        """The moment of the next tick."""
        assert self.row is not None
        moments = deployment.moments(self.row, TRACKER_POLICY, self.now)
        return min((one for one in moments if one > self.now), default=None)

    def tick(self) -> list[Message]:
        """Let time pass to the next armed moment, and tick."""
        due = self.armed()
        assert due is not None, "nothing is armed"
        return self.feed(tracker_tick(), due)

    def tick_if_armed(self) -> None:
        """Let time pass to the next armed moment, if there is one."""
        if self.armed() is not None:
            self.tick()

    @property
    def status(self) -> Status:
        assert self.row is not None
        return self.row.status

    def commands(self) -> list[tuple[str, bool]]:
        """What was said: commands with their force."""
        return [(one.command, one.force) for one in self.said if isinstance(one, Command)]


@pytest.fixture
def it() -> Tracker:
    return Tracker()


def final(moment: float, operation: str = "create", **fields: object) -> DeploymentResult:
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(moment), "kind": "final", "operation": operation, **fields}
    )


class TestACreateThatNobodyEnds:
    def test_is_cancelled_at_the_overall_time_out(self, it: Tracker) -> None:
        it.feed(template())
        assert it.armed() == DEADLINE
        it.tick()
        assert it.commands() == [("cancel", False)]
        assert it.status is Status.CREATE_IN_PROGRESS

    def test_ends_by_itself_when_the_dispatcher_does_not_report_then(self, it: Tracker) -> None:
        it.feed(template())
        it.tick()
        it.tick()
        assert it.now == DEADLINE + DELETE_S
        assert it.status is Status.CREATE_FAILED
        assert "overall time-out" in (it.row.status_reason or "")  # type: ignore[union-attr]
        assert it.commands() == [("cancel", False), ("cancel", True)]
        assert it.armed() is None

    def test_may_still_be_told_as_a_success_until_then(self, it: Tracker) -> None:
        it.feed(template())
        it.tick()
        it.feed(final(it.now + 5, success=True), it.now + 5)
        assert it.status is Status.CREATE_COMPLETE
        assert it.commands() == [("cancel", False)]
        assert it.armed() is None

    def test_is_cancelled_once_however_many_events_come(self, it: Tracker) -> None:
        it.feed(template())
        for event in (validated(), ranked(), tracker_tick(), validated()):
            it.feed(event, DEADLINE + 1)
        assert it.commands() == [("cancel", False)]

    def test_has_time_to_report_after_an_outage_of_everything(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(tracker_tick(), DEADLINE + 50 * DELETE_S)
        assert it.status is Status.CREATE_IN_PROGRESS
        assert it.armed() == it.now + DELETE_S


class TestAnEventThatComesAgainAfterTheTimeOut:
    """What ended the operation in time may still wait in another topic."""

    EVENTS = (template(), validated(), ranked(), final(T0, "action", success=True))

    @pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
    def test_ends_nothing_and_wants_a_tick_at_once(self, it: Tracker, event: Message) -> None:
        it.feed(template())
        it.feed(event, DEADLINE + 1)
        assert it.said == []
        assert it.armed() == pytest.approx(DEADLINE + 1, abs=0.01)
        it.tick()
        assert it.commands() == [("cancel", False)]

    @pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
    def test_does_not_revoke_a_success_that_waits(self, it: Tracker, event: Message) -> None:
        it.feed(template())
        it.tick()
        it.feed(event, DEADLINE + 10 * DELETE_S)
        it.feed(final(DEADLINE + 5, success=True))
        it.tick_if_armed()
        assert it.status is Status.CREATE_COMPLETE
        assert it.commands() == [("cancel", False)]

    def test_does_what_it_did_if_it_is_a_tick(self, it: Tracker) -> None:
        it.feed(template())
        it.now = DEADLINE + 1
        assert it.step(tracker_tick(DEADLINE - 1)) == []
        assert len(it.step(tracker_tick(DEADLINE))) == 1

    def test_does_not_end_a_deployment_whose_template_waits(self, it: Tracker) -> None:
        it.feed(validated())
        it.feed(ranked(), T0 + 10 * DELETE_S)
        it.feed(template())
        assert it.row is not None
        assert it.said == []


class TestADeleteThatNobodyEnds:
    def test_ends_by_itself_after_twice_the_time(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(command("delete", T0 + 10), T0 + 10)
        while it.status is Status.DELETE_IN_PROGRESS:
            it.tick()
        assert it.now == T0 + 10 + 2 * DELETE_S
        assert it.status is Status.DELETE_FAILED
        assert it.row is not None
        assert it.row.status_reason == "the dispatcher did not report the delete in time"
        assert it.armed() is None

    def test_has_time_to_report_after_an_outage_of_everything(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(command("delete", T0 + 10), T0 + 10)
        it.feed(tracker_tick(), T0 + 50 * DELETE_S)
        assert it.status is Status.DELETE_IN_PROGRESS
        it.feed(final(it.now, "delete", success=True, started_at=at(T0 + 10)))
        assert it.status is Status.DELETE_COMPLETE

    def test_can_be_asked_for_again_and_has_its_whole_time(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(command("delete", T0 + 10), T0 + 10)
        while it.status is Status.DELETE_IN_PROGRESS:
            it.tick()
        again = it.now + 100
        it.feed(command("delete", again), again)
        assert it.status is Status.DELETE_IN_PROGRESS
        while it.status is Status.DELETE_IN_PROGRESS:
            it.tick()
        assert it.now == again + 2 * DELETE_S

    def test_is_not_changed_by_a_report_that_comes_later(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(command("delete", T0 + 10), T0 + 10)
        while it.status is Status.DELETE_IN_PROGRESS:
            it.tick()
        it.feed(final(it.now, "delete", success=True, started_at=at(T0 + 10)))
        assert it.status is Status.DELETE_FAILED


class TestRetention:
    def test_ends_a_deleted_one_with_forget(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(command("delete", T0 + 10), T0 + 10)
        it.feed(final(T0 + 20, "delete", success=True, started_at=at(T0 + 10)), T0 + 20)
        assert it.armed() == T0 + 20 + RETENTION_S
        it.tick()
        assert it.row is None
        assert it.commands() == [("forget", False)]

    @pytest.mark.parametrize("success", [True, False])
    def test_does_not_end_what_was_not_deleted(self, it: Tracker, success: bool) -> None:
        it.feed(template())
        it.feed(final(T0 + 20, success=success), T0 + 20)
        assert it.armed() is None
        it.feed(tracker_tick(), T0 + 1000 * RETENTION_S)
        assert it.row is not None

    def test_does_not_end_a_failed_delete(self, it: Tracker) -> None:
        it.feed(template())
        it.feed(final(T0 + 20, "delete", success=False, started_at=at(T0 + 10)), T0 + 20)
        assert it.armed() is None
        assert it.status is Status.DELETE_FAILED


class TestAnUnknownDeployment:
    @pytest.mark.parametrize(
        "event",
        [validated(), ranked(), command("delete", T0), final(T0, success=True)],
        ids=lambda event: type(event).__name__,
    )
    def test_is_forgotten_when_its_template_never_comes(self, it: Tracker, event: Message) -> None:
        it.feed(event)
        while it.row is not None:
            it.tick()
        assert it.now <= T0 + DELETE_S
        assert it.commands() == [("forget", False)]

    def test_is_kept_when_its_template_comes_in_time(self, it: Tracker) -> None:
        it.feed(validated())
        it.feed(template(), T0 + DELETE_S - 1)
        it.feed(tracker_tick(), T0 + DELETE_S + 1)
        assert it.row is not None
        assert it.status is Status.CREATE_IN_PROGRESS


def test_a_tick_at_every_armed_moment_leads_on() -> None:
    """No moment is armed twice: the tracker never spins."""
    for events in (
        [template()],
        [template(), command("delete", T0 + 1)],
        [validated()],
        [template(), final(T0 + 5, "delete", success=True, started_at=at(T0 + 1))],
    ):
        it = Tracker()
        for event in events:
            it.feed(event)
        ticks = 0
        while it.row is not None and it.armed() is not None:
            before = it.row
            it.tick()
            ticks += 1
            assert it.row != before
        assert ticks <= 3
