"""What the dispatcher does with a deployment that exists: one job after the other."""

from typing import Any

import pytest
from support import lifecycle as make
from support.lifecycle import T0, UUID, Dispatcher, at, command, steps

from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome, Phase
from paas_stream.lifecycle.job import ROUNDS, JobKind
from paas_stream.records import (
    Command,
    DeploymentResult,
    Machine,
    Node,
    Operation,
    RankedProviders,
    ValidatedTemplate,
)

MACHINE = "tosca.nodes.indigo.Compute"


def machines(count: int, node: str = "node", first: int = 0) -> list[Machine]:
    return [
        Machine(id=str(number), node=node, state="configured")
        for number in range(first, first + count)
    ]


def update(
    revision: int,
    count: int = 2,
    *,
    removals: tuple[str, ...] = (),
    kind: str = MACHINE,
    node: str = "node",
    content: Any = None,
) -> ValidatedTemplate:
    return make.validated().model_copy(
        update={
            "revision": revision,
            "template": {"revision": revision if content is None else content},
            "nodes": (Node(name=node, types=(kind,), count=count, has_machines=True),),
            "removals": removals,
        }
    )


def ranking(revision: int, provider: str = "p1") -> RankedProviders:
    known = make.ranked(3)
    chosen = tuple(one for one in known.ranked_providers if one.provider_name == provider)
    return known.model_copy(update={"revision": revision, "ranked_providers": chosen})


@pytest.fixture
def it() -> Dispatcher:
    """A deployment of one machine that is there."""
    made = Dispatcher()
    first = update(1, 1)
    made.feed(first)
    made.feed(make.ranked(1))
    made.succeed(made.only())
    return made


def asked(it: Dispatcher, revision: int, count: int = 2, **options: Any) -> Effect:
    """Both halves of an update; its first READ."""
    it.feed(update(revision, count, **options))
    it.feed(ranking(revision))
    return it.only(EffectKind.READ)


def changed(it: Dispatcher) -> None:
    """The CHANGE is done, and the IM says that it has settled."""
    it.reply(it.only(EffectKind.CHANGE), Outcome.CHANGED)
    it.state(it.polls()[-1], "configured")


def results(it: Dispatcher, operation: Operation = Operation.UPDATE) -> list[DeploymentResult]:
    return [one for one in it.finals() if one.operation is operation]


class TestAfterTheCreate:
    def test_what_is_there_is_told(self, it: Dispatcher) -> None:
        (told,) = [one for one in it.said if getattr(one, "kind", None) == "resources"]
        assert [one.id for one in told.machines] == ["0"]
        assert it.phases() == [Phase.SUCCEEDED]

    def test_what_is_under_way_is_watched_and_read_again(self, it: Dispatcher) -> None:
        """The IM may go on when it was asked twice, or after the time of a job is over."""
        it.feed(command("start", it.now).model_copy(update={"machine": "0"}))
        it.reply(it.only(), Outcome.CHANGED)
        it.state(it.polls()[-1], "running")
        there = Machine(id="0", node="node", state="running")
        it.read(there)
        assert [one.success for one in results(it, Operation.ACTION)] == [True]
        it.read(there)
        assert it.phases() == [Phase.SETTLING]
        it.state(it.polls()[-1], "running")
        assert it.effects == []
        it.state(it.polls()[-1], "configured")
        it.read(*machines(1))
        assert it.phases() == [Phase.SUCCEEDED]
        assert it.armed() is None

    def test_nothing_waits_for_such_a_watch_and_it_has_an_end(self, it: Dispatcher) -> None:
        it.feed(command("reconfigure", it.now))
        it.reply(it.only(), Outcome.CHANGED)
        it.tick_until(it.now + make.POLICY.reconfigure_s + 1)
        there = Machine(id="0", node="node", state="running")
        it.read(there)
        assert it.phases() == [Phase.SETTLING]
        it.feed(command("stop", it.now).model_copy(update={"machine": "0"}))
        it.reply(it.only(EffectKind.CHANGE), Outcome.CHANGED)
        it.state(it.polls()[-1], "stopped")
        it.read(*machines(1))
        for _ in range(ROUNDS):
            it.read(there)
            it.state(it.polls()[-1], "configured")
        it.read(there)
        assert it.phases() == [Phase.SUCCEEDED]

    @pytest.fixture
    def unread(self) -> Dispatcher:
        """A deployment whose first look at its machines has failed."""
        it = Dispatcher()
        it.state(it.created(it.start(1)), "configured")
        it.reply(it.only(), Outcome.CONFIRMED, outputs="sealed")
        it.reply(it.only(EffectKind.READ), Outcome.FAULT, message="busy")
        return it

    def test_a_look_that_fails_is_tried_until_the_im_answers_and_told_once(
        self, unread: Dispatcher
    ) -> None:
        for _ in range(20):
            unread.reply(unread.run_to(EffectKind.READ), Outcome.FAULT, message="busy")
        faults = [one for one in steps(unread.said) if one.status == "failed"]
        assert [one.message for one in faults] == ["busy; tried again in 1 s"]
        unread.run_to(EffectKind.READ)
        unread.read(*machines(1))
        assert [one.id for one in unread.row.machines] == ["0"]  # type: ignore[union-attr]
        assert unread.phases() == [Phase.SUCCEEDED]
        assert unread.armed() is None
        assert unread.final().success is True

    def test_a_look_that_fails_for_as_long_as_a_reconfigure_takes_is_given_up(
        self, unread: Dispatcher
    ) -> None:
        begun = unread.now
        while unread.armed() is not None:
            unread.tick()
            for one in unread.effects:
                unread.reply(one, Outcome.FAULT, message="busy")
        assert unread.phases() == [Phase.SUCCEEDED]
        most = make.POLICY.reconfigure_s + make.POLICY.backoff.most_s
        assert unread.now - begun <= most

    def test_a_look_that_fails_lets_what_comes_go_first(self, unread: Dispatcher) -> None:
        unread.feed(command("stop", unread.now).model_copy(update={"machine": "0"}))
        unread.reply(unread.only(EffectKind.CHANGE), Outcome.CHANGED)
        unread.state(unread.polls()[-1], "stopped")
        unread.read(*machines(1))
        assert [one.success for one in results(unread, Operation.ACTION)] == [True]
        unread.read(*machines(1))
        assert unread.phases() == [Phase.SUCCEEDED]
        assert unread.armed() is None


class TestUpdate:
    def test_goes_from_what_is_there_to_what_is_wanted(self, it: Dispatcher) -> None:
        read = asked(it, 2, 3)
        it.reply(read, Outcome.READ, machine_list=machines(1), outputs="old")
        change = it.only(EffectKind.CHANGE)
        assert change.job is not None
        assert (change.job.kind, change.job.removals) == (JobKind.UPDATE, ())
        changed(it)
        it.reply(it.only(EffectKind.READ), Outcome.READ, machine_list=machines(3), outputs="new")
        (final,) = results(it)
        assert (final.success, final.revision, final.outputs) == (True, 2, "new")
        assert it.phases() == [Phase.SUCCEEDED]

    def test_machines_that_must_go_are_named_before_any_goes(self, it: Dispatcher) -> None:
        read = asked(it, 2, 1, removals=("0",))
        it.reply(read, Outcome.READ, machine_list=machines(2))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert job.removals == ("0",)

    def test_a_node_of_another_type_is_made_anew_and_stays(self, it: Dispatcher) -> None:
        read = asked(it, 2, 1, kind="tosca.nodes.Compute")
        it.reply(read, Outcome.READ, machine_list=machines(1))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert job.removals == ("0",)
        changed(it)
        it.reply(it.only(), Outcome.READ, machine_list=machines(1, first=1))
        assert results(it)[0].success is True

    def test_a_node_that_is_gone_is_told_as_one_without_machines(self, it: Dispatcher) -> None:
        read = asked(it, 2, 1, node="other")
        it.reply(read, Outcome.READ, machine_list=[*machines(1), *machines(1, "stray", first=1)])
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert dict(job.gone) == {"node": MACHINE, "stray": ""}
        assert job.removals == ("0", "1")

    def test_waits_for_both_halves_in_either_order(self, it: Dispatcher) -> None:
        it.feed(ranking(2))
        assert it.effects == []
        it.feed(update(2))
        assert it.only().kind is EffectKind.READ

    def test_that_changes_nothing_asks_nobody(self, it: Dispatcher) -> None:
        it.feed(update(2, 1, content=1))
        it.feed(ranking(2))
        assert it.effects == []
        (final,) = results(it)
        assert (final.success, final.reason) == (True, "nothing is to be changed")

    def test_never_goes_to_another_provider(self, it: Dispatcher) -> None:
        it.feed(update(2))
        it.feed(ranking(2, "p2"))
        (final,) = results(it)
        assert final.success is False
        assert "provider is not among those" in str(final.reason)
        assert len(it.phases()) == 1

    def test_refused_by_the_im_leaves_the_deployment_there(self, it: Dispatcher) -> None:
        it.reply(asked(it, 2), Outcome.READ, machine_list=machines(1))
        it.reply(it.only(EffectKind.CHANGE), Outcome.REFUSED, message="no quota")
        (final,) = results(it)
        assert (final.success, final.reason) == (False, "no quota")
        it.read(*machines(1))
        assert it.phases() == [Phase.SUCCEEDED]

    def test_whose_machines_fail_has_failed(self, it: Dispatcher) -> None:
        it.reply(asked(it, 2), Outcome.READ, machine_list=machines(1))
        it.reply(it.only(EffectKind.CHANGE), Outcome.CHANGED)
        poll = it.polls()[-1]
        it.state(poll, "running")
        assert results(it) == []
        it.state(poll, "unconfigured", message="ansible")
        assert "unconfigured: ansible" in str(results(it)[0].reason)

    def test_back_to_the_old_template_after_one_that_failed_half_way_is_a_change(
        self, it: Dispatcher
    ) -> None:
        failed = asked(it, 2, 2, kind="tosca.nodes.Other")
        it.reply(failed, Outcome.READ, machine_list=machines(1))
        it.reply(it.only(EffectKind.CHANGE), Outcome.CHANGED)
        it.state(it.polls()[-1], "unconfigured")
        it.reply(it.only(EffectKind.READ), Outcome.READ, machine_list=machines(2, first=1))
        assert results(it)[-1].success is False
        back = asked(it, 3, 1, content=1)
        it.reply(back, Outcome.READ, machine_list=machines(2, first=1))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert job.removals == ("1", "2")  # they are of the other type

    def test_that_never_began_leaves_the_old_template_in_place(self, it: Dispatcher) -> None:
        it.feed(update(2, 2))
        it.feed(ranking(2, "p2"))
        it.reply(it.run_to(EffectKind.READ), Outcome.READ, machine_list=machines(1))
        assert results(it)[-1].success is False
        it.feed(update(3, 1, content=1))
        it.feed(ranking(3))
        assert results(it)[-1].reason == "nothing is to be changed"

    def test_a_temporary_fault_is_tried_again_until_its_time_is_over(self, it: Dispatcher) -> None:
        it.reply(asked(it, 2), Outcome.READ, machine_list=machines(1))
        for _ in range(ROUNDS + 2):
            it.reply(it.only(EffectKind.CHANGE), Outcome.FAULT, message="refused")
            it.reply(it.run_to(EffectKind.READ), Outcome.READ, machine_list=machines(1))
        it.reply(it.only(EffectKind.CHANGE), Outcome.FAULT, message="refused")
        it.tick_until(T0 + make.OVERALL_S)
        it.feed(make.tick())
        assert "time-out; last: refused" in str(results(it)[0].reason)

    def test_the_newest_go_of_what_a_lost_reply_made_twice_before_it_is_asked_again(
        self, it: Dispatcher
    ) -> None:
        """The IM would take the oldest."""
        it.reply(asked(it, 2), Outcome.READ, machine_list=machines(1))
        it.reply(it.only(EffectKind.CHANGE), Outcome.FAULT, message="no answer")
        it.reply(it.run_to(EffectKind.READ), Outcome.READ, machine_list=machines(3))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert job.removals == ("2",)

    def test_it_is_asked_again_though_all_machines_are_there(self, it: Dispatcher) -> None:
        """What else the template says may not have come to the IM."""
        it.reply(asked(it, 2), Outcome.READ, machine_list=machines(1))
        it.reply(it.only(EffectKind.CHANGE), Outcome.FAULT, message="no answer")
        it.reply(it.run_to(EffectKind.READ), Outcome.READ, machine_list=machines(2))
        assert it.only(EffectKind.CHANGE).job is not None
        assert results(it) == []

    def test_what_a_lost_reply_made_twice_goes_again(self, it: Dispatcher) -> None:
        it.reply(asked(it, 2, 2), Outcome.READ, machine_list=machines(1))
        changed(it)
        it.reply(it.only(), Outcome.READ, machine_list=machines(3))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert job.removals == ("2",)
        changed(it)
        it.reply(it.only(), Outcome.READ, machine_list=machines(2))
        assert results(it)[0].success is True

    def test_is_not_done_again_for_ever(self, it: Dispatcher) -> None:
        it.reply(asked(it, 2, 2), Outcome.READ, machine_list=machines(1))
        for _ in range(ROUNDS):
            changed(it)
            it.reply(it.only(), Outcome.READ, machine_list=machines(1))
        assert "1 machines too few" in str(results(it)[0].reason)

    def test_a_repeated_message_changes_nothing(self, it: Dispatcher) -> None:
        it.reply(asked(it, 2, 2), Outcome.READ, machine_list=machines(1))
        changed(it)
        it.reply(it.only(), Outcome.READ, machine_list=machines(2))
        row = it.row
        it.feed(update(2))
        it.feed(ranking(2))
        assert it.row == row
        assert len(results(it)) == 1


class TestUpdatesThatWait:
    def test_are_merged_and_what_any_wants_removed_goes(self, it: Dispatcher) -> None:
        first = asked(it, 2, 3)
        for revision, count, removals in [(3, 2, ("0",)), (4, 4, ())]:
            it.feed(update(revision, count, removals=removals))
            it.feed(ranking(revision))
            assert it.effects == []
        it.reply(first, Outcome.READ, machine_list=machines(1))
        changed(it)
        it.reply(it.only(), Outcome.READ, machine_list=machines(3))
        it.reply(it.only(EffectKind.READ), Outcome.READ, machine_list=machines(3))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert (job.revision, job.removals) == (4, ("0",))
        assert [one.revision for one in results(it)] == [2]

    def test_one_that_the_selector_refused_is_passed_over(self, it: Dispatcher) -> None:
        it.feed(update(2, 9, removals=("0",)))
        asked(it, 3, 1)
        job = it.attempt().job
        assert job is not None
        assert (job.revision, job.removals) == (3, ("0",))


class TestDelete:
    def test_drops_the_jobs_and_waits_for_what_is_under_way(self, it: Dispatcher) -> None:
        read = asked(it, 2)
        it.feed(command("delete", it.now))
        assert it.effects == []
        it.reply(read, Outcome.READ, machine_list=machines(1))
        it.clean()
        assert [one.success for one in results(it, Operation.DELETE)] == [True]
        assert results(it) == []

    def test_that_does_not_end_is_given_up_on_request(self, it: Dispatcher) -> None:
        it.feed(command("delete", it.now))
        it.reply(it.only(EffectKind.CLEAN), Outcome.FAULT, message="409")
        it.feed(command("reset", it.now + 1))
        assert [one.success for one in results(it, Operation.DELETE)] == [False]
        it.feed(command("delete", it.now + 2), after_s=2)
        assert it.run_to(EffectKind.CLEAN).kind is EffectKind.CLEAN


class TestASuccessThatIsRevoked:
    def test_drops_the_jobs(self, it: Dispatcher) -> None:
        for number in range(2):
            one = command("stop", it.now + number).model_copy(update={"machine": "0"})
            it.feed(one)
        it.feed(command("cancel", it.now, force=True, reason="it came too late"))
        assert it.row is not None
        assert it.row.jobs == ()


class TestLog:
    def ask(self) -> Command:
        return Command(uuid=UUID, timestamp=at(T0 + 9), command="log", request_id="r1")

    def test_is_read_beside_whatever_is_done(self, it: Dispatcher) -> None:
        read = asked(it, 2)
        it.feed(self.ask())
        log = it.only(EffectKind.LOG)
        assert log.key != read.key
        it.reply(log, Outcome.LOG, log="sealed", request_id="r1")
        told = [one for one in it.said if getattr(one, "kind", None) == "log"]
        assert [(one.log, one.request_id) for one in told] == [("sealed", "r1")]

    def test_of_what_is_being_deleted_is_not_read(self, it: Dispatcher) -> None:
        it.feed(command("delete", it.now))
        it.feed(self.ask())
        assert it.effects == []
