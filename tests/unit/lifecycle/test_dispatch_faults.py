"""What temporary faults, lost answers, repeats and lost workers do to a dispatch."""

from dataclasses import replace
from typing import Any

import pytest
from support.lifecycle import (
    POLICY,
    T0,
    UUID,
    Dispatcher,
    answer,
    at,
    command,
    ranked,
    steps,
    tick,
    validated,
)

from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import LOOKS, Attempt, Effect, EffectKind, Outcome, Phase
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.records import DeploymentResult

LEASE_S = POLICY.call_s + POLICY.margin_s


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher()


class TestATemporaryFault:
    def test_is_tried_again_after_a_wait_that_the_row_remembers(self, it: Dispatcher) -> None:
        waits = []
        effect = it.start(1)
        for tries in range(1, 9):
            it.reply(effect, Outcome.FAULT, message="connection refused")
            assert it.effects == []
            assert it.attempt().tries == tries
            waits.append((it.attempt().due or 0.0) - it.now)
            it.tick()
            effect = it.only(EffectKind.CREATE)
        for tries, wait in enumerate(waits, 1):
            full = min(POLICY.backoff.most_s, 2.0 ** (tries - 1))
            assert full / 2 <= wait <= full

    def test_is_told_with_the_wait(self, it: Dispatcher) -> None:
        it.reply(it.start(1), Outcome.FAULT, message="connection refused")
        (told,) = [one for one in steps(it.said) if one.status == "failed"]
        assert told.message.startswith("connection refused; tried again in ")

    def test_waits_at_least_as_long_as_the_server_wants(self, it: Dispatcher) -> None:
        it.reply(it.start(1), Outcome.FAULT, retry_after_s=44.0)
        assert it.armed() == it.now + 44.0

    def test_does_not_consume_a_provider(self, it: Dispatcher) -> None:
        effect = it.start(2, max_providers=1)
        for _ in range(5):
            it.reply(effect, Outcome.FAULT)
            it.tick()
            effect = it.only()
        it.succeed(effect)
        assert it.final().success is True
        assert len(it.phases()) == 1

    def test_ends_with_the_time_of_the_provider_and_is_named_then(self, it: Dispatcher) -> None:
        it.start(1, provider_min=1)
        while it.finals() == []:
            for effect in it.effects:
                outcome = Outcome.CLEAN if effect.kind is EffectKind.CLEAN else Outcome.FAULT
                it.reply(effect, outcome, message="connection refused")
            if it.finals() == []:
                it.tick()
        assert "last: connection refused" in (it.final().reason or "")
        assert it.now < T0 + 120.0

    def test_of_polls_is_told_once_and_forgotten_at_the_next_answer(self, it: Dispatcher) -> None:
        poll = it.created(it.start(1))
        for _ in range(3):
            it.reply(poll, Outcome.FAULT, message="down")
        assert len([one for one in steps(it.said) if one.status == "failed"]) == 1
        assert it.polls()[0].known_fault
        it.state(poll, "running")
        assert not it.polls()[0].known_fault

    def test_of_a_look_at_what_is_deleted_is_told_once(self, it: Dispatcher) -> None:
        it.refuse(it.start(1))
        said = len(steps(it.said))
        for _ in range(4):
            it.tick()
            it.reply(it.only(EffectKind.RECHECK), Outcome.FAULT, message="down")
        assert len(steps(it.said)) == said + 1


class TestAPausedProvider:
    def test_is_left_for_the_next_one(self, it: Dispatcher) -> None:
        it.reply(it.start(2), Outcome.PAUSED, message="left alone", retry_after_s=100.0)
        it.clean()
        assert it.only(EffectKind.CREATE).candidate == 1
        assert it.attempt(1).failure == "provider_paused"

    def test_is_waited_for_when_there_is_no_other(self, it: Dispatcher) -> None:
        it.reply(it.start(1), Outcome.PAUSED, message="left alone", retry_after_s=100.0)
        assert it.attempt().active
        assert it.armed() == it.now + 100.0
        it.tick()
        it.succeed(it.only(EffectKind.CREATE))
        assert it.final().success is True


class TestAnAnswerThatIsLost:
    @pytest.mark.parametrize("kind", [EffectKind.CREATE, EffectKind.CONFIRM, EffectKind.CLEAN])
    def test_is_asked_for_again_after_the_lease_and_not_before(
        self, it: Dispatcher, kind: EffectKind
    ) -> None:
        effect = it.start(1)
        if kind is EffectKind.CONFIRM:
            it.state(it.created(effect), "configured")
        elif kind is EffectKind.CLEAN:
            it.reply(effect, Outcome.REFUSED)
        issued = it.only(kind)
        lease = it.now + LEASE_S
        assert it.armed() == lease
        it.feed(tick(), LEASE_S - 0.01)
        assert it.effects == []
        it.feed(tick(), 0.02)
        again = it.only(kind)
        assert again.issue == issued.issue + 1

    def test_is_asked_for_again_by_a_new_tick_only(self, it: Dispatcher) -> None:
        """Of anything else it is not known whether it comes before the answer in the topic."""
        issue = it.start(1).issue
        it.feed(validated(), LEASE_S + 1.0)
        assert it.effects == []
        assert it.armed() == pytest.approx(it.now, abs=0.01)
        old = tick().model_copy(update={"timestamp": at(it.now - 2.0)})
        it.row = dispatch.step(it.row or DispatchRow(UUID), old, it.now, POLICY).row
        assert it.attempt().issue == issue
        it.tick()
        assert it.only(EffectKind.CREATE).issue == issue + 1

    def test_does_not_count_when_it_comes_late_after_all(self, it: Dispatcher) -> None:
        first = it.start(2)
        it.tick()
        second = it.only()
        row = it.row
        it.reply(first, Outcome.REFUSED, message="too late")
        assert it.row == row
        it.succeed(second)
        assert it.final().success is True

    def test_lets_nobody_begin_the_clean_up_beside_a_create(self, it: Dispatcher) -> None:
        issue = it.start(1).issue
        it.feed(command("cancel", T0 + 5))
        assert it.effects == []
        it.tick()
        assert it.now >= T0 + LEASE_S
        assert it.only(EffectKind.CLEAN).issue == issue + 1


class TestADoubtfulCreate:
    """Its reply was lost: it may finish late, and besides another."""

    def doubtful(self, it: Dispatcher, how: str) -> Effect:
        effect = it.start(1)
        if how == "fault":
            it.reply(effect, Outcome.FAULT, message="the IM did not answer in time")
        it.tick()
        return it.only(EffectKind.CREATE)

    @pytest.mark.parametrize("how", ["fault", "silence"])
    def test_is_looked_after_several_times_when_it_has_succeeded(
        self, it: Dispatcher, how: str
    ) -> None:
        it.succeed(self.doubtful(it, how))
        assert it.final().success is True
        succeeded, looks = it.now, []
        while it.armed() is not None:
            it.tick()
            looks.append(it.now - succeeded)
            it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, after_s=0.0)
        assert looks == [5.0, 25.0, 105.0, 425.0]
        assert len(looks) == LOOKS
        assert it.phases() == [Phase.SUCCEEDED]
        assert len(it.finals()) == 1

    @pytest.mark.parametrize("how", ["fault", "silence"])
    def test_is_looked_after_several_times_when_it_was_cleaned(
        self, it: Dispatcher, how: str
    ) -> None:
        it.refuse(self.doubtful(it, how))
        looks = 0
        while it.armed() is not None:
            it.tick()
            looks += 1
            it.reply(it.only(EffectKind.RECHECK), Outcome.CLEAN)
        assert looks == LOOKS
        assert it.phases() == [Phase.CLEAN]

    def test_that_finishes_after_the_clean_up_is_deleted(self, it: Dispatcher) -> None:
        it.refuse(self.doubtful(it, "fault"))
        it.tick()
        it.reply(it.only(EffectKind.RECHECK), Outcome.CLEAN)
        it.tick()
        it.reply(it.only(EffectKind.RECHECK), Outcome.LEFT, infrastructures=("late",))
        it.reply(it.only(EffectKind.CLEAN), Outcome.CLEAN, infrastructures=("late",))
        assert it.phases() == [Phase.RECHECKING]
        assert len(it.finals()) == 1

    def test_whose_second_one_cannot_be_deleted_is_a_success_and_reported(
        self, it: Dispatcher
    ) -> None:
        it.state(it.created(it.start(1)), "configured")
        it.reply(it.only(), Outcome.CONFIRMED, outputs="sealed", infrastructures=("stray",))
        assert it.final().success is True
        it.read()
        while it.armed() is not None:
            it.tick()
            it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, infrastructures=("stray",))
        (orphan,) = it.orphans()
        assert "stray" in orphan.message
        assert it.now < T0 + POLICY.delete_timeout_s + 120.0

    def test_needs_no_second_look_when_the_first_answer_came(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        assert it.armed() is None


def test_the_same_event_twice_changes_nothing_the_second_time() -> None:
    """At every state of a long story, for every event of it so far."""
    it, story = Dispatcher(), []

    def feed(event: object) -> None:
        story.append(event)
        it.feed(event, 0.1)
        row = it.row
        for known in (event, *story):
            said = it.feed(known)
            assert it.row == row, f"{known} changed the row again"
            assert [one for one in said if one.__class__.__name__ != "ProcedureStatus"] == []
            assert it.effects == []

    def last(outcome: Outcome, **fields: object) -> object:
        return of(it.row.attempts[-1], outcome, **fields)  # type: ignore[union-attr]

    def of(one: Attempt, outcome: Outcome, **fields: object) -> object:
        kind = dispatch.attempts._KIND.get(one.phase, EffectKind.POLL)
        effect = Effect(it.row.uuid, one.number, one.issue, kind, one.candidate)  # type: ignore[union-attr]
        return answer(effect, outcome, **fields)

    feed(validated())
    feed(ranked(2))
    feed(last(Outcome.FAULT, message="down"))
    it.tick()
    feed(last(Outcome.CREATED, infrastructures=("inf-1",)))
    feed(last(Outcome.FAULT))
    feed(last(Outcome.STATE, state="failed", machines=1))
    feed(last(Outcome.LEFT, infrastructures=("inf-1",)))
    it.tick()
    feed(last(Outcome.CLEAN))
    feed(last(Outcome.CREATED, infrastructures=("inf-2",)))
    feed(last(Outcome.STATE, state="configured", machines=1))
    feed(last(Outcome.FAULT))
    it.tick()
    feed(last(Outcome.CONFIRMED, outputs="sealed"))
    feed(command("cancel", T0 + 50))
    feed(command("delete", T0 + 60))
    feed(last(Outcome.CLEAN))
    feed(of(it.row.attempts[0], Outcome.CLEAN))  # type: ignore[union-attr]
    assert [one.success for one in it.finals()] == [True, True]


def test_a_success_that_was_told_is_told_again_however_late_it_is_replayed() -> None:
    """The worker died when it had told; its successor begins hours later, with other topics."""
    it = Dispatcher()
    it.state(it.created(it.start(1, overall_s=600.0)), "configured")
    confirm = it.only(EffectKind.CONFIRM)
    before = it.row
    it.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
    assert it.final().success is True
    replay = Dispatcher()
    replay.row, replay.now = before, it.now + 5 * 3600.0
    old_tick = tick().model_copy(update={"timestamp": at(it.now)})
    for event in (validated(), ranked(1), command("cancel", T0 + 600.0)):
        replay.feed(event)
    replay.row = dispatch.step(replay.row or DispatchRow(UUID), old_tick, replay.now, POLICY).row
    replay.reply(confirm, Outcome.CONFIRMED, outputs="sealed")
    assert replay.final().success is True
    assert replay.final().infrastructure_id == it.final().infrastructure_id


def test_results_of_unknown_attempts_or_kinds_change_nothing() -> None:
    it = Dispatcher()
    effect = it.start(1)
    row = it.row
    strange = [
        replace(effect, attempt=7),
        replace(effect, attempt=0),
        replace(effect, issue=0),
        replace(effect, issue=99),
        replace(effect, kind=EffectKind.POLL),
        replace(effect, kind=EffectKind.CONFIRM),
    ]
    for one in strange:
        for outcome in Outcome:
            it.feed(answer(one, outcome, infrastructures=("x",), state="failed"))
            assert it.row == row


def test_another_worker_finds_what_is_due_in_the_row() -> None:
    it = Dispatcher()
    issue = it.start(1).issue
    assert it.row is not None
    moments = dispatch.moments(it.row, POLICY)
    later = it.now + 10 * LEASE_S
    assert min(moments) <= later
    taken = Dispatcher()
    taken.row, taken.now = it.row, later
    taken.feed(tick())
    assert taken.only(EffectKind.CREATE).issue == issue + 1


def test_another_worker_polls_on_from_the_row() -> None:
    it = Dispatcher()
    it.state(it.created(it.start(1)), "running")
    (poll,) = it.polls()
    taken = Dispatcher()
    taken.row = it.row
    assert taken.polls() == [poll]


def test_a_lost_tick_is_asked_for_again_by_any_later_event() -> None:
    it = Dispatcher()
    it.state(it.created(it.start(2)), "pending", 0)
    it.feed(validated(), POLICY.pending_s * 2)
    assert it.attempt().failure is None  # what came in time may still stand behind this event
    it.tick()
    assert it.attempt().failure == "pending"
    assert it.only(EffectKind.CLEAN)


def test_a_tick_before_anything_is_due_changes_nothing() -> None:
    it = Dispatcher()
    it.start(1)
    row = it.row
    it.feed(tick(), 1.0)
    assert (it.row, it.effects) == (row, [])


def test_a_tick_for_a_row_that_knows_nothing_changes_nothing() -> None:
    it = Dispatcher()
    it.feed(tick())
    assert it.row == DispatchRow(validated().uuid)


@pytest.mark.parametrize("lost", range(5))
def test_a_success_that_was_told_is_told_again_however_late_the_crash_is_repaired(
    lost: int,
) -> None:
    it = Dispatcher()
    rows, events = [it.row], []

    def come(event: Any) -> None:
        it.feed(event)
        rows.append(it.row)
        events.append(event)

    def reply(effect: Effect, outcome: Outcome, **fields: Any) -> None:
        it.now += 0.1
        told = answer(effect, outcome, **fields)
        come(told.model_copy(update={"timestamp": at(it.now)}))

    come(validated(overall_s=300.0))
    come(ranked(2))
    reply(it.only(), Outcome.CREATED, infrastructures=("inf-1",))
    reply(it.polls()[-1], Outcome.STATE, state="configured", machines=1)
    reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
    assert it.final().success is True
    told = it.said
    it.row, it.said, it.now = rows[lost], [], it.now + 1000.0  # the last rows are lost
    for event in events[lost:]:
        it.feed(event)
    assert it.phases() == [Phase.READING]  # what is there, after the success
    assert it.final().success is True
    assert it.final().infrastructure_id == next(
        one.infrastructure_id for one in told if isinstance(one, DeploymentResult) and one.success
    )
