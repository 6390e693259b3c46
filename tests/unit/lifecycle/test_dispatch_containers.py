"""What is different for containers: they may start for ever, and are incomplete or made anew."""

from dataclasses import replace
from typing import Any

import pytest
from support import lifecycle as make
from support.lifecycle import POLICY, T0, Dispatcher, steps

from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome, Phase
from paas_stream.lifecycle.job import identity, is_other, loses_data, type_of
from paas_stream.records import (
    DeploymentResult,
    Machine,
    Node,
    Operation,
    RankedProviders,
    ValidatedTemplate,
)

DOCKER = "tosca.nodes.Container.Application.Docker"
WHY = "pod web-1a2b3c4d-x: ImagePullBackOff"


def ranked(providers: int = 2, revision: int = 1) -> RankedProviders:
    """Clusters p1, p2, ..."""
    return make.ranked(providers, "kubernetes").model_copy(update={"revision": revision})


def validated(fixed: str = "a", *, stores: bool = False, revision: int = 1) -> ValidatedTemplate:
    """A template of one container."""
    node = Node(name="web", types=(DOCKER,), has_machines=True, fixed=fixed, has_volumes=stores)
    template = {"revision": revision, "fixed": fixed}
    changed = {"nodes": (node,), "template": template, "revision": revision}
    return make.validated().model_copy(update=changed)


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher()


def creating(it: Dispatcher, template: ValidatedTemplate | None = None) -> Effect:
    it.feed(template or validated())
    it.feed(ranked())
    return it.only(EffectKind.CREATE)


def pending(it: Dispatcher, message: str | None = None) -> Effect:
    """The containers are there, and do not run."""
    poll = it.created(creating(it))
    it.state(poll, "pending", message=message)
    return it.polls()[-1]


def told(it: Dispatcher) -> list[str]:
    return [one.message for one in steps(it.said) if one.step == "poll"]


def failures(it: Dispatcher) -> list[tuple[str | None, str | None]]:
    found = [one for one in it.said if isinstance(one, DeploymentResult) and one.kind == "attempt"]
    return [(one.failure, one.reason) for one in found if not one.success]


class TestContainersThatDoNotStart:
    def test_fail_after_their_time_and_the_next_cluster_is_tried(self, it: Dispatcher) -> None:
        pending(it)
        it.tick_until(it.now + POLICY.starting_s - 1)
        assert it.phases() == [Phase.POLLING]
        it.tick()
        assert failures(it) == [("starting", "the containers did not start within 600 s")]
        it.clean()
        assert it.only(EffectKind.CREATE).candidate == 1

    def test_have_their_time_anew_when_they_have_run_in_between(self, it: Dispatcher) -> None:
        poll = pending(it)
        it.tick_until(it.now + POLICY.starting_s - 1)
        it.state(poll, "running")
        it.state(it.polls()[-1], "pending")
        it.tick_until(it.now + POLICY.starting_s - 1)
        assert it.phases() == [Phase.POLLING]

    def test_are_no_affair_of_a_cloud(self, it: Dispatcher) -> None:
        it.state(it.created(it.start(1)), "pending", 1)
        it.tick_until(it.now + POLICY.starting_s + 1)
        assert it.phases() == [Phase.POLLING]

    def test_say_why_once_and_the_poll_knows_it(self, it: Dispatcher) -> None:
        poll = pending(it)
        assert poll.known_reason is None
        for _ in range(3):
            it.state(poll, "pending", message=WHY)
        assert it.polls()[-1].known_reason == WHY
        assert told(it)[:2] == ["the IM reports pending", f"the IM reports pending: {WHY}"]

    def test_go_on_waiting_when_they_have_said_why(self, it: Dispatcher) -> None:
        poll = pending(it)
        began = it.attempt().state_since
        it.state(poll, "pending", message=WHY)
        assert it.attempt().state_since == began

    def test_fail_with_what_they_have_said_last(self, it: Dispatcher) -> None:
        it.state(pending(it), "pending", message=WHY)
        it.tick_until(it.now + POLICY.starting_s + 1)
        assert failures(it) == [
            ("starting", f"the containers did not start within 600 s; last: {WHY}")
        ]

    def test_time_out_with_what_they_have_said_last(self) -> None:
        it = Dispatcher(replace(POLICY, starting_s=1e6))
        it.state(pending(it), "pending", message=WHY)
        it.tick_until(T0 + make.PROVIDER_MIN * 60 + 1)
        ((failure, reason),) = failures(it)
        assert failure == "timeout"
        assert str(reason).endswith(f"; last: {WHY}")

    def test_have_said_it_of_that_state_alone(self, it: Dispatcher) -> None:
        it.state(pending(it, WHY), "running")
        assert told(it)[-1] == "the IM reports running"
        assert it.attempt().reason is None


class TestASuccessThatIsIncomplete:
    def confirming(self, it: Dispatcher) -> Effect:
        it.state(it.created(creating(it)), "configured")
        return it.only(EffectKind.CONFIRM)

    def test_is_a_failure_and_the_next_cluster_is_tried(self, it: Dispatcher) -> None:
        it.reply(self.confirming(it), Outcome.REFUSED, message="web has no Service")
        assert failures(it) == [("incomplete", "web has no Service")]
        it.clean()
        assert it.only(EffectKind.CREATE).candidate == 1

    def test_needs_no_sentence(self, it: Dispatcher) -> None:
        it.reply(self.confirming(it), Outcome.REFUSED)
        assert failures(it) == [("incomplete", "something is missing")]

    def test_of_which_that_is_not_known_is_a_success_and_told(self, it: Dispatcher) -> None:
        text = "whether all of it is there is not known"
        it.reply(self.confirming(it), Outcome.CONFIRMED, outputs="sealed", message=text)
        assert it.final().success is True
        assert [one.message for one in steps(it.said) if one.step == "confirm"] == [text]

    def doubtful(self, it: Dispatcher) -> Effect:
        """A success that is looked at again, since a lost create may have made another one."""
        it.reply(creating(it), Outcome.FAULT, message="the IM did not answer in time")
        it.tick()
        it.state(it.created(it.only(EffectKind.CREATE)), "configured")
        it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
        it.read(Machine(id="0", node="web", state="configured"))
        return it.run_to(EffectKind.CONFIRM)

    def test_is_its_owners_affair_once_it_has_succeeded(self, it: Dispatcher) -> None:
        look = self.doubtful(it)
        while look is not None:
            it.reply(look, Outcome.REFUSED, message="web has no Service")
            look = it.run_to(EffectKind.CONFIRM) if it.armed() is not None else None
        assert it.phases() == [Phase.SUCCEEDED]
        assert failures(it) == []
        assert it.final().success is True
        assert it.orphans() == []

    def test_is_looked_at_again_when_it_is_not_alone(self, it: Dispatcher) -> None:
        look = self.doubtful(it)
        it.reply(look, Outcome.REFUSED, message="no Service", infrastructures=("stray",))
        assert it.attempt().looks == 0
        assert it.run_to(EffectKind.CONFIRM).issue == look.issue + 1


NODE = Node(name="web", types=(DOCKER, "tosca.nodes.Root"), has_machines=True)
OLD = DOCKER  # of a row that was stored before identities had a digest


class TestIdentities:
    @pytest.mark.parametrize(
        ("fixed", "stores", "is_what"),
        [("", False, DOCKER), ("1a", False, f"{DOCKER}#1a"), ("1a", True, f"{DOCKER}#1a+")],
    )
    def test_are_a_type_and_what_cannot_be_changed_in_place(
        self, fixed: str, stores: bool, is_what: str
    ) -> None:
        made = identity(NODE.model_copy(update={"fixed": fixed, "has_volumes": stores}))
        assert made == is_what
        assert type_of(made) == DOCKER

    @pytest.mark.parametrize(
        ("before", "after", "other", "loses"),
        [
            ("a", "a", False, False),
            ("a", "b", True, False),
            ("a#1", "a#1", False, False),
            ("a#1", "a#2", True, False),
            ("a#1+", "a#1+", False, False),
            ("a#1+", "a#2+", True, True),
            ("a#1+", "a#2", True, True),
            ("a#1", "a#2+", True, False),
            ("a#1+", "b#1+", True, False),  # of another type: that is what was asked for
            ("a", "a#1+", False, False),  # of a row from before: nobody knows
            ("a#1+", "a", False, False),
            ("a", "b#1", True, False),
            ("", "a#1", True, False),  # half done: it may be either
        ],
    )
    def test_tell_whether_it_is_made_anew_and_what_is_lost_by_that(
        self, before: str, after: str, other: bool, loses: bool
    ) -> None:
        assert (is_other(before, after), loses_data(before, after)) == (other, loses)


class TestAnUpdate:
    def deployed(self, stores: bool = False) -> Dispatcher:
        it = Dispatcher()
        it.state(it.created(creating(it, validated("a", stores=stores))), "configured")
        it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
        it.read(Machine(id="0", node="web", state="configured"))
        return it

    def update(self, it: Dispatcher, template: ValidatedTemplate) -> None:
        it.feed(template)
        it.feed(ranked(1, template.revision))
        self.seen(it, "0")

    def seen(self, it: Dispatcher, *ids: str) -> None:
        it.read(*(Machine(id=one, node="web", state="configured") for one in ids))

    def changed(self, it: Dispatcher, **fields: Any) -> None:
        it.reply(it.only(EffectKind.CHANGE), Outcome.CHANGED, **fields)
        it.state(it.polls()[-1], "configured")

    def results(self, it: Dispatcher) -> list[tuple[bool | None, str | None]]:
        found = [one for one in it.finals() if one.operation is Operation.UPDATE]
        return [(one.success, one.reason) for one in found]

    def removals(self, it: Dispatcher) -> tuple[str, ...]:
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        return job.removals

    def test_in_place_takes_nothing_away(self) -> None:
        it = self.deployed(stores=True)
        self.update(it, validated("a", stores=True, revision=2))
        assert self.removals(it) == ()
        self.changed(it)
        self.seen(it, "0")
        assert self.results(it) == [(True, None)]

    def test_that_is_not_possible_in_place_makes_a_container_anew(self) -> None:
        it = self.deployed()
        self.update(it, validated("b", revision=2))
        assert self.removals(it) == ("0",)
        self.changed(it)
        self.seen(it, "1")
        assert self.results(it) == [(True, None)]

    def test_never_makes_a_container_with_a_volume_anew(self) -> None:
        it = self.deployed(stores=True)
        self.update(it, validated("b", stores=True, revision=2))
        ((success, reason),) = self.results(it)
        assert success is False
        assert reason == (
            "node 'web': of a container with a volume the image, the CPUs and the memory can be "
            "changed, and nothing else: it would be made anew, without what it has stored"
        )
        self.seen(it, "0")
        assert it.phases() == [Phase.SUCCEEDED]

    def test_may_go_on_after_that_with_what_is_possible(self) -> None:
        it = self.deployed(stores=True)
        self.update(it, validated("b", stores=True, revision=2))
        self.seen(it, "0")
        self.update(it, validated("a", stores=True, revision=3))
        self.changed(it)
        self.seen(it, "0")
        assert [success for success, _ in self.results(it)] == [False, True]

    def test_of_a_row_from_before_takes_nothing_away_and_knows_more_afterwards(self) -> None:
        it = self.deployed()
        assert it.row is not None
        it.row = replace(it.row, nodes=(("web", OLD),))
        self.update(it, validated("b", stores=True, revision=2))
        assert self.removals(it) == ()
        self.changed(it)
        self.seen(it, "0")
        assert it.row is not None
        assert it.row.nodes == (("web", f"{DOCKER}#b+"),)

    def test_tells_the_type_alone_of_a_node_that_is_gone(self) -> None:
        it = self.deployed(stores=True)
        api = validated("b", revision=2).nodes[0].model_copy(update={"name": "api"})
        self.update(it, validated("b", revision=2).model_copy(update={"nodes": (api,)}))
        job = it.only(EffectKind.CHANGE).job
        assert job is not None
        assert (job.gone, job.removals) == ((("web", DOCKER),), ("0",))

    def test_tells_why_it_waits_once_and_when_its_time_is_over(self) -> None:
        it = self.deployed()
        self.update(it, validated("b", revision=2))
        it.reply(it.only(EffectKind.CHANGE), Outcome.CHANGED)
        before = len(told(it))
        it.state(it.polls()[-1], "pending", message=WHY)
        assert told(it)[before:] == [f"the IM reports pending: {WHY}"]
        assert it.polls()[-1].known_reason == WHY
        it.tick_until(T0 + make.OVERALL_S + 1)
        assert self.results(it) == [(False, f"not done within its time-out; last: {WHY}")]

    def test_tells_what_could_not_be_looked_at(self) -> None:
        it = self.deployed()
        self.update(it, validated("b", revision=2))
        self.changed(it, message="the cluster was not asked: there is no token for it")
        (one,) = [one for one in steps(it.said) if one.step == "confirm"]
        assert one.message == "the cluster was not asked: there is no token for it"
