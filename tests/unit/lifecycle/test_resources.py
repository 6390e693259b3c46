"""The resources of a deployment follow its template and its machines."""

from dataclasses import replace
from typing import Any

import pytest
from support import lifecycle as make
from support.lifecycle import T0, UUID, at, command

from paas_stream.lifecycle import resources
from paas_stream.lifecycle.deployment import Status
from paas_stream.lifecycle.resources import MOST, Resource, Resources, ResourceState
from paas_stream.records import DeploymentResult, Machine, Node, Operation, ValidatedTemplate

COMPUTE = ("tosca.nodes.indigo.Compute", "tosca.nodes.Compute")
SOFTWARE = ("tosca.nodes.indigo.LRMS.FrontEnd.Slurm", "tosca.nodes.SoftwareComponent")


def template(
    revision: int = 1, *, removals: tuple[str, ...] = (), **counts: int
) -> ValidatedTemplate:
    nodes = tuple(
        Node(name=name, types=COMPUTE, count=count, has_machines=True)
        for name, count in counts.items()
    )
    software = Node(name="slurm", types=SOFTWARE)
    return make.validated().model_copy(
        update={"revision": revision, "nodes": (*nodes, software), "removals": removals}
    )


def seen(*machines: tuple[str, str], state: str = "configured") -> DeploymentResult:
    return DeploymentResult(
        uuid=UUID,
        timestamp=at(T0 + 5),
        kind="resources",
        machines=tuple(
            Machine(id=id_, node=node, state=state, info="{}") for id_, node in machines
        ),
    )


def stopped(machine: str) -> DeploymentResult:
    """One of three is stopped."""
    return DeploymentResult(
        uuid=UUID,
        timestamp=at(T0 + 6),
        kind="resources",
        machines=tuple(
            Machine(id=id_, node="worker", state="stopped" if id_ == machine else "configured")
            for id_ in ("0", "1", "2")
        ),
    )


def ended(success: bool, revision: int = 2) -> DeploymentResult:
    return DeploymentResult(
        uuid=UUID, kind="final", operation=Operation.UPDATE, success=success, revision=revision
    )


def acted(machine: str | None, begun: float) -> DeploymentResult:
    return DeploymentResult(
        uuid=UUID,
        kind="final",
        operation=Operation.ACTION,
        machine=machine,
        started_at=at(begun),
    )


def after(*events: Any) -> Resources:
    row = Resources(UUID)
    for event in events:
        row = resources.step(row, event)
    return row


def machines(row: Resources) -> list[tuple[str, str | None]]:
    return [(one.node, one.machine) for one in row.all]


MACHINES = (("0", "worker"), ("1", "worker"))
TWO = (template(worker=2), seen(*MACHINES))


class TestALookThatIsToldAgain:
    """After a crash the dispatcher tells once more what it had told, the oldest first."""

    one = seen(("0", "worker")).model_copy(update={"cause": "dispatch-events/3/4"})
    two = seen(*MACHINES).model_copy(update={"cause": "dispatch-events/3/8"})
    grown = (template(worker=1), one, template(revision=2, worker=2), two, ended(True))

    def test_takes_nothing_away_that_was_made_since(self) -> None:
        row = after(*self.grown)
        assert ("worker", "1") in machines(row)
        assert after(*self.grown, self.one) == row
        assert after(*self.grown, self.one, self.two) == row

    def test_is_known_among_the_last_ones_only(self) -> None:
        looks = [self.one.model_copy(update={"cause": f"e/{number}"}) for number in range(100)]
        assert after(template(worker=1), *looks).looks == tuple(f"e/{n}" for n in range(80, 100))

    def test_of_which_no_cause_is_known_counts(self) -> None:
        row = after(*self.grown, seen(("0", "worker")))
        assert ("worker", "1") not in machines(row)


class TestAtTheCreate:
    def test_there_is_one_for_each_instance_of_each_node(self) -> None:
        row = after(template(worker=2, master=1))
        assert row.count() == {"worker": 2, "master": 1, "slurm": 1}
        assert len({one.uuid for one in row.all}) == 4

    def test_a_replay_makes_the_same_ones(self) -> None:
        assert after(template(worker=2), template(worker=2)) == after(template(worker=2))

    def test_machines_are_bound_to_the_instances_of_their_node(self) -> None:
        row = after(template(worker=1, master=1), seen(("0", "master"), ("1", "worker")))
        assert machines(row) == [("worker", "1"), ("master", "0"), ("slurm", None)]

    def test_a_machine_of_an_unknown_node_is_nobodys(self) -> None:
        assert machines(after(template(worker=1), seen(("0", "other")))) == [
            ("worker", None),
            ("slurm", None),
        ]

    def test_one_that_could_not_be_read_is_as_it_was(self) -> None:
        row = after(template(worker=1), seen(("0", "worker"), state="stopped"))
        assert resources.step(row, seen(("0", ""), state="unknown")) is row

    def test_there_is_an_end_to_them(self) -> None:
        assert len(after(template(worker=MOST + 5)).all) == MOST


class TestAnUpdate:
    def test_keeps_those_that_are_there_and_adds_new_ones(self) -> None:
        before, row = after(*TWO), after(*TWO, template(2, worker=3))
        assert row.all[: len(before.all)] == before.all
        assert row.count()["worker"] == 3

    def test_takes_those_that_were_named(self) -> None:
        row = after(*TWO, template(2, worker=1, removals=("0",)))
        assert [one.leaving for one in row.all] == [True, False, False]
        gone = after(
            *TWO, template(2, worker=1, removals=("0",)), seen(("1", "worker")), ended(True)
        )
        assert machines(gone) == [("worker", "1"), ("slurm", None)]

    def test_takes_the_newest_where_there_are_too_many(self) -> None:
        row = after(*TWO, template(2, worker=1))
        assert [one.leaving for one in row.all] == [False, True, False]

    def test_takes_those_of_a_node_that_is_gone_or_of_another_type(self) -> None:
        row = after(*TWO, template(2, other=1))
        assert [one.leaving for one in row.all if one.node == "worker"] == [True, True]

    def test_that_failed_takes_none_and_leaves_none_that_was_not_made(self) -> None:
        row = after(*TWO, template(2, worker=4, removals=("0",)), ended(False))
        assert machines(row) == machines(after(*TWO))
        assert not any(one.leaving for one in row.all)

    def test_of_the_past_changes_nothing(self) -> None:
        row = after(*TWO, template(3, worker=3))
        assert resources.step(row, ended(True, 2)) == row
        assert resources.step(row, template(2, worker=9)) == row


class TestAContainer:
    """An update changes it in place, or it is made anew."""

    def template(self, revision: int, fixed: str) -> ValidatedTemplate:
        types = ("tosca.nodes.Container.Application.Docker",)
        node = Node(name="web", types=types, has_machines=True, fixed=fixed)
        return make.validated().model_copy(update={"revision": revision, "nodes": (node,)})

    def before(self, fixed: str) -> tuple[Any, ...]:
        return self.template(1, fixed), seen(("0", "web"))

    def test_that_is_changed_in_place_stays_the_same_resource(self) -> None:
        before = after(*self.before("a"))
        row = after(*self.before("a"), self.template(2, "a"), seen(("0", "web")), ended(True))
        assert [one.uuid for one in row.all] == [one.uuid for one in before.all]

    def test_that_is_made_anew_is_another_resource(self) -> None:
        during = after(*self.before("a"), self.template(2, "b"))
        assert [(one.machine, one.leaving) for one in during.all] == [("0", True), (None, False)]
        row = after(*self.before("a"), self.template(2, "b"), seen(("1", "web")), ended(True))
        assert machines(row) == [("web", "1")]
        assert row.all[0].uuid not in {one.uuid for one in after(*self.before("a")).all}

    def test_of_a_row_from_before_is_known_by_the_first_update(self) -> None:
        first = (*self.before(""), self.template(2, "a"), seen(("0", "web")), ended(True))
        assert machines(after(*first)) == [("web", "0")]
        row = after(*first, self.template(3, "b"), seen(("1", "web")), ended(True, 3))
        assert machines(row) == [("web", "1")]

    def test_that_was_not_to_be_made_anew_after_all_stays(self) -> None:
        row = after(*self.before("a"), self.template(2, "b"), ended(False), seen(("0", "web")))
        assert machines(row) == [("web", "0")]
        assert not row.all[0].leaving


class TestWhatIsGone:
    def test_is_not_shown(self) -> None:
        assert machines(after(*TWO, seen(("1", "worker")))) == [("worker", "1"), ("slurm", None)]

    def test_keeps_its_uuid_when_another_machine_has_come_in_its_place(self) -> None:
        before = after(*TWO)
        row = resources.step(before, seen(("1", "worker"), ("2", "worker")))
        assert [one.uuid for one in row.all] == [one.uuid for one in before.all]
        assert machines(row) == [("worker", "2"), ("worker", "1"), ("slurm", None)]


class TestAnAction:
    @pytest.mark.parametrize(
        ("what", "state"),
        [("start", "STARTING"), ("stop", "STOPPING"), ("reconfigure", "CONFIGURING")],
    )
    def test_shows_until_it_has_ended(self, what: str, state: str) -> None:
        asked = command(what, T0 + 9).model_copy(update={"machine": "1"})
        row = after(*TWO, asked)
        states = [one.state(Status.CREATE_COMPLETE) for one in row.all[:2]]
        assert states == [ResourceState.STARTED, state]
        done = acted("1", T0 + 9)
        assert resources.step(row, done).all[1].action is None

    @pytest.mark.parametrize("machine", ["1", None])
    def test_whose_command_comes_again_or_after_its_end_is_not_shown(
        self, machine: str | None
    ) -> None:
        asked = command("reconfigure", T0 + 9).model_copy(update={"machine": machine})
        done = acted(machine, T0 + 9)
        for events in ((asked, done, asked), (done, asked)):
            assert [one.action for one in after(*TWO, *events).all] == [None, None, None]

    def test_is_not_ended_by_the_end_of_an_earlier_one(self) -> None:
        first, second = (
            command(what, T0 + moment).model_copy(update={"machine": "1"})
            for what, moment in (("stop", 9), ("start", 20))
        )
        done = acted("1", T0 + 10)
        assert after(*TWO, first, done, second, done).all[1].action == "start"

    def test_on_all_is_shown_on_those_that_run_and_ends_for_those(self) -> None:
        off = stopped("0")
        stop = command("stop", T0 + 8).model_copy(update={"machine": "2"})
        there = (template(worker=3), seen(("0", "worker"), ("1", "worker"), ("2", "worker")))
        row = after(*there, off, stop, command("reconfigure", T0 + 9))
        shown = [one.state(Status.CREATE_COMPLETE).value for one in row.all[:3]]
        assert shown == ["STOPPED", "CONFIGURING", "STOPPING"]
        done = acted(None, T0 + 9)
        assert [one.action for one in resources.step(row, done).all[:3]] == [None, None, "stop"]


class TestAMachineThatCanBeConfiguredAgain:
    @pytest.mark.parametrize(
        ("fields", "holds"),
        [
            ({"machine_state": "configured"}, True),
            ({"machine_state": "unconfigured"}, True),
            ({"machine_state": "running"}, True),
            ({"machine_state": "stopped"}, False),
            ({"machine_state": "configured", "action": "stop"}, False),
            ({"machine_state": "configured", "action": "reconfigure"}, False),
            ({"machine_state": "configured", "leaving": True}, False),
            ({"machine_state": "configured", "types": SOFTWARE}, False),
            ({"machine": None}, False),
        ],
    )
    def test_runs_and_is_left_alone(self, fields: dict[str, Any], holds: bool) -> None:
        one = Resource("u", "node", COMPUTE, T0, T0, has_machine=True, machine="0")
        assert replace(one, **fields).is_configurable(Status.CREATE_COMPLETE) is holds


@pytest.mark.parametrize(
    ("status", "fields", "state"),
    [
        (Status.CREATE_IN_PROGRESS, {}, "CREATING"),
        (Status.CREATE_FAILED, {}, "ERROR"),
        (Status.CREATE_COMPLETE, {}, "STARTED"),
        (Status.CREATE_COMPLETE, {"machine_state": "stopped"}, "STOPPED"),
        (Status.CREATE_COMPLETE, {"machine_state": "off"}, "STOPPED"),
        (Status.CREATE_COMPLETE, {"machine_state": "failed"}, "ERROR"),
        (Status.CREATE_COMPLETE, {"machine_state": "running"}, "CONFIGURING"),
        (Status.UPDATE_IN_PROGRESS, {"has_machine": True}, "CREATING"),
        (Status.UPDATE_IN_PROGRESS, {"machine_state": "configured"}, "STARTED"),
        (Status.UPDATE_IN_PROGRESS, {"leaving": True}, "DELETING"),
        (Status.UPDATE_FAILED, {"machine_state": "configured"}, "STARTED"),
        (Status.DELETE_IN_PROGRESS, {"machine_state": "configured"}, "DELETING"),
        (Status.DELETE_COMPLETE, {"machine_state": "configured"}, "DELETED"),
        (Status.DELETE_FAILED, {}, "ERROR"),
    ],
)
def test_the_state_follows_from_the_machine_and_the_deployment(
    status: Status, fields: dict[str, Any], state: str
) -> None:
    one = Resource("u", "node", COMPUTE, T0, T0, has_machine=False)
    assert replace(one, **fields).state(status) == state


@pytest.mark.parametrize(
    ("name", "holds"), [(*COMPUTE[:1], True), (COMPUTE[1], True), ("tosca.nodes.Other", False)]
)
def test_a_type_is_that_of_what_derives_from_it(name: str, holds: bool) -> None:
    one = Resource("u", "node", COMPUTE, T0, T0, has_machine=True)
    assert one.is_of(name) is holds
