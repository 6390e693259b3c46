"""A delete: from any state, at any time, in any order, until nothing is left or it is reported."""

import pytest
from support.lifecycle import POLICY, T0, UUID, Dispatcher, command, ranked, steps, tick, validated

from paas_stream.lifecycle.attempt import EffectKind, Outcome, Phase
from paas_stream.lifecycle.dispatch_row import Final
from paas_stream.records import Operation


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher()


def delete_finals(it: Dispatcher) -> list[bool | None]:
    return [one.success for one in it.finals() if one.operation is Operation.DELETE]


def refuse_deletes(it: Dispatcher) -> None:
    """No delete works, until nothing is armed any more."""
    while True:
        for effect in it.effects:
            it.reply(effect, Outcome.FAULT, message="400 the cloud is unreachable")
        if it.armed() is None:
            return
        it.tick()


class TestBeforeAnythingElse:
    def test_is_done_at_once_and_nothing_begins_afterwards(self, it: Dispatcher) -> None:
        it.feed(command("delete", T0 + 0.2))
        assert delete_finals(it) == [True]
        for event in (validated(), ranked(), tick()):
            it.feed(event, 1.0)
            assert it.effects == []
        assert it.phases() == []

    @pytest.mark.parametrize("first", [validated(), ranked()], ids=["template", "ranking"])
    def test_works_with_half_of_the_join(self, it: Dispatcher, first: object) -> None:
        it.feed(first)
        it.feed(command("delete", T0 + 0.2))
        it.feed(ranked() if first == validated() else validated())
        assert delete_finals(it) == [True]
        assert it.phases() == []


class TestOfWhatIsUnderWay:
    def test_waits_for_the_create_in_flight_and_deletes_what_it_made(self, it: Dispatcher) -> None:
        create = it.start(3)
        it.feed(command("delete", T0 + 5))
        assert it.effects == []
        it.reply(create, Outcome.CREATED, infrastructures=("inf-1",))
        it.reply(it.only(EffectKind.CLEAN), Outcome.CLEAN, infrastructures=("inf-1",))
        assert delete_finals(it) == [True]
        assert it.phases() == [Phase.RECHECKING]

    def test_does_not_wait_for_a_create_whose_answer_is_lost_beyond_its_lease(
        self, it: Dispatcher
    ) -> None:
        it.start(3)
        begun = it.now
        it.feed(command("delete", T0 + 5))
        it.tick()
        assert it.now == begun + POLICY.call_s + POLICY.margin_s
        assert it.only(EffectKind.CLEAN)

    def test_stops_polling(self, it: Dispatcher) -> None:
        it.state(it.created(it.start(3)), "running")
        it.feed(command("delete", T0 + 5))
        assert it.polls() == []
        assert it.only(EffectKind.CLEAN)

    def test_tries_no_other_provider(self, it: Dispatcher) -> None:
        it.reply(it.start(3), Outcome.REFUSED, message="no quota")
        it.feed(command("delete", T0 + 5))
        it.tick()
        it.clean()
        assert len(it.phases()) == 1
        assert delete_finals(it) == [True]

    def test_tells_no_final_of_the_create(self, it: Dispatcher) -> None:
        it.start(1)
        it.feed(command("delete", T0 + 5))
        it.tick()
        it.clean()
        assert {one.operation for one in it.finals()} == {Operation.DELETE}


class TestOfWhatHasEnded:
    def test_deletes_the_success(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100), 50.0)
        it.reply(it.only(EffectKind.CLEAN), Outcome.CLEAN, infrastructures=("inf-1",))
        assert delete_finals(it) == [True]

    def test_deletes_what_was_kept(self, it: Dispatcher) -> None:
        it.start(1, keep_last=True)
        it.state(it.created(it.only()), "failed")
        it.feed(command("delete", T0 + 100))
        it.clean()
        assert delete_finals(it) == [True]

    def test_tries_once_more_what_was_given_up(self, it: Dispatcher) -> None:
        it.start(1)
        it.state(it.created(it.only()), "failed")
        refuse_deletes(it)
        assert it.phases() == [Phase.ORPHANED]
        it.feed(command("delete", it.now))
        it.clean()
        assert delete_finals(it) == [True]

    def test_of_all_attempts_must_have_ended_before_it_is_told(self, it: Dispatcher) -> None:
        it.start(2)
        it.state(it.created(it.only()), "failed")
        it.tick_until(it.now + POLICY.cleanup_beside_s)
        create = next(one for one in it.effects if one.kind is EffectKind.CREATE)
        it.succeed(create, "inf-2")
        it.feed(command("delete", it.now))
        clean = {one.attempt: one for one in it.effects if one.kind is EffectKind.CLEAN}
        it.reply(clean[2], Outcome.CLEAN)
        assert delete_finals(it) == []
        it.reply(it.run_to(EffectKind.CLEAN), Outcome.CLEAN)
        assert delete_finals(it) == [True]


def failed_over(it: Dispatcher) -> tuple[int, int]:
    """A first attempt that failed and was cleaned, a second one that succeeded; their numbers."""
    it.refuse(it.start(2))
    it.succeed(it.only(EffectKind.CREATE), "inf-2")
    it.look()
    assert it.phases() == [Phase.CLEAN, Phase.SUCCEEDED]
    return 1, 2


class TestAResurrectedInfrastructure:
    def test_is_deleted_again_after_the_result(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        it.clean()
        it.tick()
        it.reply(it.only(EffectKind.RECHECK), Outcome.LEFT, infrastructures=("inf-1",))
        it.clean()
        it.look()
        assert it.phases() == [Phase.CLEAN]
        assert delete_finals(it) == [True]

    def test_of_an_attempt_before_is_deleted_before_the_result(self, it: Dispatcher) -> None:
        """It came back after its last look, and nobody has seen it."""
        first, second = failed_over(it)
        it.feed(command("delete", it.now + 100))
        cleans = {one.attempt: one for one in it.effects if one.kind is EffectKind.CLEAN}
        assert set(cleans) == {first, second}
        it.reply(cleans[second], Outcome.CLEAN, infrastructures=("inf-2",))
        assert delete_finals(it) == []
        it.reply(cleans[first], Outcome.LEFT, infrastructures=("inf-1",))
        it.reply(it.run_to(EffectKind.CLEAN), Outcome.CLEAN, infrastructures=("inf-1",))
        assert delete_finals(it) == [True]
        cleaned = [one for one in steps(it.said) if (one.step, one.status) == ("clean", "end")]
        assert [one.attempt for one in cleaned] == [first, second, first]

    def test_is_looked_for_at_each_attempt_that_may_have_one_and_not_told(
        self, it: Dispatcher
    ) -> None:
        first, second = failed_over(it)
        it.feed(command("delete", it.now + 100))
        for one in [one for one in it.effects if one.kind is EffectKind.CLEAN]:
            it.reply(one, Outcome.CLEAN)
        cleaned = [one for one in steps(it.said) if (one.step, one.status) == ("clean", "end")]
        assert [one.attempt for one in cleaned] == [first, second]

    def test_that_stays_is_reported_and_the_result_does_not_change(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        it.clean()
        it.tick()
        it.reply(it.only(EffectKind.RECHECK), Outcome.LEFT, infrastructures=("inf-1",))
        refuse_deletes(it)
        assert it.phases() == [Phase.ORPHANED]
        assert "inf-1" in it.orphans()[-1].message
        assert delete_finals(it) == [True]


class TestForce:
    def test_is_used_after_the_first_delete_that_fails(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100, force=True))
        assert not it.only(EffectKind.CLEAN).force
        it.reply(it.only(), Outcome.FAULT, message="400 the cloud is unreachable")
        it.tick()
        assert it.only(EffectKind.CLEAN).force

    def test_that_comes_during_a_delete_acts_at_once(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        for _ in range(8):
            clean = it.run_to(EffectKind.CLEAN)
            it.reply(clean, Outcome.FAULT, message="400 the cloud is unreachable")
        it.feed(command("delete", it.now, force=True))
        assert it.only(EffectKind.CLEAN).force

    def test_waits_for_the_effect_in_flight(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        clean = it.only(EffectKind.CLEAN)
        it.feed(command("delete", T0 + 101, force=True))
        assert it.effects == []
        it.reply(clean, Outcome.FAULT)
        it.tick()
        assert it.only(EffectKind.CLEAN).force

    def test_is_given_for_one_delete_only(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100, force=True))
        refuse_deletes(it)
        it.feed(command("delete", it.now))
        it.reply(it.only(EffectKind.CLEAN), Outcome.FAULT)
        it.tick()
        assert not it.only(EffectKind.CLEAN).force


class TestADeleteThatFails:
    def test_is_told_with_the_places_and_reported(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        begun = it.now
        refuse_deletes(it)
        final = it.finals()[-1]
        assert final.success is False
        assert final.reason == "not deleted in time, something may be left at p1 (default)"
        assert it.row is not None
        assert it.row.final is Final.DELETE_FAILED
        assert it.orphans() != []
        assert it.now <= begun + POLICY.delete_timeout_s + POLICY.last_s + 1.0

    def test_is_told_without_any_further_event(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        while it.armed() is not None:
            it.tick()
        assert delete_finals(it) == [False]

    def test_gives_a_clean_up_that_had_begun_before_the_whole_time(self, it: Dispatcher) -> None:
        it.start(1)
        it.state(it.created(it.only()), "failed")
        it.tick_until(it.now + POLICY.delete_timeout_s - 10.0)
        asked = it.now
        it.feed(command("delete", asked))
        while delete_finals(it) == []:
            it.tick()
        assert it.now >= asked + POLICY.delete_timeout_s

    def test_can_be_asked_for_again(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        refuse_deletes(it)
        it.feed(command("delete", it.now))
        it.clean()
        assert delete_finals(it) == [False, True]

    def test_is_not_begun_again_by_a_repeated_command(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        it.feed(command("delete", T0 + 101))
        refuse_deletes(it)
        row = it.row
        for repeated in (T0 + 100, T0 + 101):
            it.feed(command("delete", repeated))
            assert it.row == row
        assert delete_finals(it) == [False]


class TestTheResult:
    def test_names_the_newest_command_that_it_answers(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        clean = it.only(EffectKind.CLEAN)
        it.feed(command("delete", T0 + 102))
        it.feed(command("delete", T0 + 101))
        it.reply(clean, Outcome.CLEAN)
        started = it.finals()[-1].started_at
        assert started is not None
        assert started.timestamp() == T0 + 102

    def test_is_told_again_for_a_newer_command(self, it: Dispatcher) -> None:
        it.feed(command("delete", T0 + 100))
        it.feed(command("delete", T0 + 200))
        told = [one.started_at.timestamp() for one in it.finals() if one.started_at]
        assert told == [T0 + 100, T0 + 200]


class TestForget:
    def test_drops_the_row_when_all_is_clean(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        it.clean()
        it.tick()
        it.reply(it.only(), Outcome.CLEAN)
        it.feed(command("forget", T0 + 9999))
        assert it.row is None

    def test_waits_for_the_last_look(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        it.feed(command("delete", T0 + 100))
        it.clean()
        it.feed(command("forget", T0 + 9999))
        assert it.row is not None
        it.tick()
        it.reply(it.only(), Outcome.CLEAN)
        assert it.row is None

    def test_drops_a_row_of_which_nothing_is_known(self, it: Dispatcher) -> None:
        it.feed(ranked())
        it.feed(command("forget", T0 + 9999))
        assert it.row is None

    def test_drops_nothing_that_was_not_deleted(self, it: Dispatcher) -> None:
        it.succeed(it.start(1))
        row = it.row
        it.feed(command("forget", T0 + 9999))
        assert it.row == row

    def test_of_an_unknown_deployment_leaves_no_row(self, it: Dispatcher) -> None:
        it.feed(command("forget", T0))
        assert it.row is None
        assert it.said == []


def test_a_cancel_during_a_delete_changes_nothing(it: Dispatcher) -> None:
    it.succeed(it.start(1))
    it.feed(command("delete", T0 + 100))
    row = it.row
    it.feed(command("cancel", T0 + 101, force=True))
    assert it.row == row
    assert it.row is not None
    assert it.row.uuid == UUID
