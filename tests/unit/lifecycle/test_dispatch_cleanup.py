"""What becomes of failed attempts: deleted, kept on request, or reported."""

import pytest
from support.lifecycle import POLICY, T0, Dispatcher, command, steps, tick

from paas_stream.lifecycle.attempt import LOOKS, RESURRECTIONS, EffectKind, Outcome, Phase


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher()


def fail(it: Dispatcher, infrastructure: str = "inf-1") -> None:
    """The attempt whose CREATE was just issued fails with an infrastructure."""
    it.state(it.created(it.only(EffectKind.CREATE), infrastructure), "failed", message="no IP")


class TestBeforeTheNextAttempt:
    def test_the_failed_one_is_deleted_first(self, it: Dispatcher) -> None:
        it.start(2)
        fail(it)
        assert it.only(EffectKind.CLEAN).attempt == 1
        assert len(it.phases()) == 1

    def test_a_clean_up_that_hangs_holds_it_up_for_a_bounded_time(self, it: Dispatcher) -> None:
        it.start(2)
        fail(it)
        begun = it.now
        while len(it.phases()) == 1:
            assert it.now < begun + POLICY.cleanup_beside_s
            it.tick()
        assert it.now == begun + POLICY.cleanup_beside_s
        assert it.phases() == [Phase.CLEANING, Phase.CREATING]

    def test_faults_of_the_clean_up_hold_it_up_no_longer(self, it: Dispatcher) -> None:
        it.start(2)
        fail(it)
        begun = it.now
        while len(it.phases()) == 1:
            for effect in it.effects:
                it.reply(effect, Outcome.FAULT, message="400 unreachable")
            it.tick()
        assert it.now == pytest.approx(begun + POLICY.cleanup_beside_s)

    def test_the_clean_up_goes_on_beside_the_next_attempt(self, it: Dispatcher) -> None:
        it.start(2)
        fail(it)
        it.tick_until(it.now + POLICY.cleanup_beside_s)
        it.state(it.created(it.only(EffectKind.CREATE), "inf-2"), "running")
        it.tick()
        assert it.only(EffectKind.CLEAN).attempt == 1
        it.clean()
        assert it.phases() == [Phase.RECHECKING, Phase.POLLING]


class TestTheFinalResult:
    def test_waits_for_the_last_clean_up(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        assert it.finals() == []
        it.clean()
        assert it.final().success is False
        assert it.orphans() == []

    def test_does_not_wait_for_the_second_look(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        it.clean()
        assert it.phases() == [Phase.RECHECKING]
        assert it.finals() != []

    def test_reports_what_is_still_there_when_it_has_waited_enough(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it, "inf-9")
        begun = it.now
        while it.finals() == []:
            it.tick()
        assert it.now == begun + POLICY.cleanup_beside_s
        (orphan,) = it.orphans()
        assert orphan.code == "orphan"
        assert orphan.retriable is True
        assert "inf-9" in orphan.message
        assert "p1" in orphan.message

    def test_of_a_success_reports_what_an_earlier_attempt_has_left(self, it: Dispatcher) -> None:
        it.start(2)
        fail(it)
        it.tick_until(it.now + POLICY.cleanup_beside_s)
        create = next(one for one in it.effects if one.kind is EffectKind.CREATE)
        it.succeed(create, "inf-2")
        assert it.final().success is True
        assert len(it.orphans()) == 1

    def test_comes_once_though_the_clean_up_ends_later(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        while it.armed() is not None:
            it.tick()
            for effect in it.effects:
                it.reply(effect, Outcome.FAULT, message="400")
        assert len(it.finals()) == 1
        assert it.phases() == [Phase.ORPHANED]


class TestASecondLook:
    def test_finds_nothing_and_that_is_the_end(self, it: Dispatcher) -> None:
        it.refuse(it.start(1))
        assert it.armed() == it.now + POLICY.recheck_s
        it.tick()
        it.reply(it.only(EffectKind.RECHECK), Outcome.CLEAN)
        assert it.phases() == [Phase.CLEAN]
        assert it.armed() is None

    def test_finds_it_resurrected_and_it_is_deleted_again(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        it.clean()
        it.tick()
        it.reply(it.only(EffectKind.RECHECK), Outcome.LEFT, infrastructures=("inf-1",))
        assert it.phases() == [Phase.CLEANING]
        it.clean()
        told = [one.status for one in steps(it.said) if one.step == "clean"]
        assert told == ["end", "begin", "end"]
        assert it.look() == LOOKS, "what came back once may do so again"
        assert it.phases() == [Phase.CLEAN]
        assert it.orphans() == []

    @pytest.mark.parametrize("outcome", [Outcome.LEFT, Outcome.FAULT])
    def test_is_followed_by_others_when_the_im_did_not_delete_at_once(
        self, it: Dispatcher, outcome: Outcome
    ) -> None:
        it.start(1)
        fail(it)
        it.reply(it.only(EffectKind.CLEAN), outcome, infrastructures=("inf-1",))
        it.tick()
        it.clean()
        assert it.look() == LOOKS
        assert it.phases() == [Phase.CLEAN]

    def test_does_not_go_on_for_ever(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        for _ in range(RESURRECTIONS + 1):
            assert it.phases() == [Phase.CLEANING]
            it.clean()
            it.tick()
            it.reply(it.only(EffectKind.RECHECK), Outcome.LEFT, infrastructures=("inf-1",))
        assert it.phases() == [Phase.ORPHANED]
        assert "inf-1" in it.orphans()[-1].message
        assert it.armed() is None

    def test_that_cannot_be_had_is_given_up_and_reported(self, it: Dispatcher) -> None:
        it.refuse(it.start(1))
        begun = it.now
        while it.armed() is not None:
            it.tick()
            it.reply(it.only(EffectKind.RECHECK), Outcome.FAULT, message="down")
        assert it.phases() == [Phase.ORPHANED]
        assert len(it.orphans()) == 1
        assert it.now < begun + POLICY.delete_timeout_s + 2 * POLICY.backoff.most_s


class TestKeepLastAttempt:
    def test_keeps_the_last_one_in_place_and_says_so(self, it: Dispatcher) -> None:
        it.start(1, keep_last=True)
        fail(it, "inf-1")
        assert it.effects == []
        assert it.phases() == [Phase.KEPT]
        final = it.final()
        assert (final.success, final.kept, final.infrastructure_id) == (False, True, "inf-1")

    def test_deletes_those_before_the_last(self, it: Dispatcher) -> None:
        it.start(2, keep_last=True)
        fail(it, "inf-1")
        it.clean()
        fail(it, "inf-2")
        assert it.phases() == [Phase.RECHECKING, Phase.KEPT]
        assert it.final().infrastructure_id == "inf-2"

    def test_counts_the_last_that_may_be_tried_and_not_the_last_of_the_ranking(
        self, it: Dispatcher
    ) -> None:
        it.start(3, keep_last=True, max_providers=1)
        fail(it)
        assert it.phases() == [Phase.KEPT]

    def test_keeps_what_a_time_out_has_ended(self, it: Dispatcher) -> None:
        it.start(1, keep_last=True)
        it.state(it.created(it.only()), "running")
        it.tick_until(T0 + 10 * 3600)
        assert it.phases() == [Phase.KEPT]
        assert it.final().kept is True

    def test_keeps_nothing_where_there_is_nothing(self, it: Dispatcher) -> None:
        it.start(1, keep_last=True)
        it.reply(it.only(), Outcome.REFUSED, message="no quota")
        it.clean()
        assert it.final().kept is False
        assert it.phases() == [Phase.RECHECKING]

    def test_keeps_nothing_that_has_vanished(self, it: Dispatcher) -> None:
        it.start(1, keep_last=True)
        it.reply(it.created(it.only()), Outcome.GONE)
        assert it.phases() == [Phase.CLEANING]

    def test_keeps_nothing_that_the_tracker_has_called_failed(self, it: Dispatcher) -> None:
        it.start(1, keep_last=True)
        it.state(it.created(it.only()), "running")
        it.feed(command("cancel", T0 + 9, force=True))
        assert it.phases() == [Phase.CLEANING]


class TestForce:
    def test_comes_when_the_time_for_the_delete_is_over(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        begun = it.now
        forced_at = None
        while it.armed() is not None and forced_at is None:
            for effect in it.effects:
                if effect.force:
                    forced_at = it.now
                it.reply(effect, Outcome.FAULT, message="400 unreachable")
            it.tick()
        assert forced_at is not None
        assert begun + POLICY.delete_timeout_s <= forced_at
        assert forced_at < begun + POLICY.delete_timeout_s + POLICY.backoff.most_s

    def test_that_works_is_clean_with_a_possible_orphan(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        it.feed(tick(), POLICY.delete_timeout_s)
        it.reply(it.only(EffectKind.CLEAN), Outcome.CLEAN, infrastructures=("inf-1",))
        assert it.phases() == [Phase.RECHECKING]
        assert "by force" in it.orphans()[-1].message

    def test_gets_its_time_though_the_worker_was_away_for_long(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        it.feed(tick(), 100 * POLICY.delete_timeout_s)
        assert it.phases() == [Phase.CLEANING]
        assert it.only(EffectKind.CLEAN).force

    def test_that_does_not_work_either_ends_in_an_orphan(self, it: Dispatcher) -> None:
        it.start(1)
        fail(it)
        begun = it.now
        while it.armed() is not None:
            for effect in it.effects:
                it.reply(effect, Outcome.FAULT, message="400 unreachable")
            if it.armed() is not None:
                it.tick()
        assert it.phases() == [Phase.ORPHANED]
        assert it.orphans()[-1].message.endswith("it could not be deleted")
        assert it.now <= begun + POLICY.delete_timeout_s + POLICY.last_s + 1.0
