"""The whole life of one deployment in a hostile world, played at random.

The dispatcher's and the tracker's state machines are the real ones; broker, workers, IM and time are
`support.dispatch_world`. Whatever happened, once the weather is good and time has passed:

1. nothing is in progress: the dispatcher's row is at rest or forgotten, the status is a final one;
2. CREATE_COMPLETE: the IM has exactly one infrastructure, that of the attempt that was told;
   any other status: none, except what `keepLastAttempt` keeps and what was reported as an orphan;
   what somebody else has deleted is reported as vanished;
3. finals are told once for each operation: replays say the same again; only a success that the
   tracker has revoked, or a delete with an orphan, may be followed by a failure;
4. there were never more attempts that had room than `maxProvidersRetry` and the ranking allow;
5. the status is what the dispatcher has told last, unless the tracker had to end it by itself;
6. an update that is told to be complete has what it wanted: as many machines, and none that had to go;
   no job is left, and whatever became of jobs the deployment has its one infrastructure;
7. every start, stop and reconfigure that was asked for is told to have ended, in one way, unless a
   delete came; none of them changes what there is, or the status;
8. the quota keeper was told of every attempt that its machines are there, or that nothing is left.

`PAAS_TEST_LONG=1` plays many more games, of at least 100,000 steps together.
"""

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import Phase as Stage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support import lifecycle as make
from support.dispatch_world import Box, World
from support.im_behaviour import HOW, STATES, TRAITS

from paas_stream.lifecycle.attempt import Phase
from paas_stream.lifecycle.deployment import CHANGEABLE, Status
from paas_stream.records import Command, ErrorRecord, Operation

LONG = bool(os.environ.get("PAAS_TEST_LONG"))
pytestmark = pytest.mark.timeout(3600 if LONG else 180)
AT_REST = {Phase.SUCCEEDED, Phase.CLEAN, Phase.KEPT, Phase.ORPHANED}


class DeploymentMachine(RuleBasedStateMachine):
    """The rules are what can happen."""

    steps = 0  # of all games together

    @initialize(
        providers=st.sampled_from([3, 2, 1, 4, 0]),
        kind=st.sampled_from(["openstack", "kubernetes"]),
        most=st.sampled_from([None, 1, 2]),
        keep_last=st.booleans(),
        overall_s=st.sampled_from([400.0, 4 * 3600.0, 4 * 3600.0]),
        deletes=st.sampled_from([0, 0, 1, 2]),
        upstream=st.sampled_from(["has worked"] * 4 + ["works"] * 2 + ["fails"]),
        surprises=st.sampled_from([0, 0, 1, 3]),
        jobs=st.sampled_from([0, 2, 5]),
        exists=st.sampled_from([False, True]),
        traits=TRAITS,
    )
    def begin(
        self,
        providers: int,
        kind: str,
        most: int | None,
        keep_last: bool,
        overall_s: float,
        deletes: int,
        upstream: str,
        surprises: int,
        jobs: int,
        exists: bool,
        traits: dict[str, Any],
    ) -> None:
        self.world = World(
            providers, kind, max_providers=most, keep_last=keep_last, overall_s=overall_s
        )
        self.limit = min(providers, most or providers)
        self.deletes = deletes
        self.surprises = surprises  # still to come
        self.jobs = jobs  # still to come
        self.wanted = 1  # machines, by the newest update
        self.removals: set[str] = set()
        self.acts: list[str | None] = []  # request ids of starts, stops and reconfigures
        self.traits = traits  # of every infrastructure of this deployment
        self.upstream_fails = upstream == "fails"
        self.upstream = ["validated", "ranked"]  # still to come
        if upstream == "has worked":
            self.upstream_sends(0, False)
            self.upstream_sends(0, False)
            if exists and jobs:
                self.world.settle()

    # -- events come, in any order, any number of times

    @precondition(lambda self: self.upstream)
    @rule(which=st.integers(0, 1), twice=st.booleans())
    def upstream_sends(self, which: int, twice: bool) -> None:
        name = self.upstream.pop(which % len(self.upstream))
        message = (
            make.validated(**self.world.options)
            if name == "validated"
            else make.ranked(self.world.providers, self.world.kind)
        )
        self.world.send(message, twice=twice)

    @precondition(lambda self: self.world.pending(self.world.dispatcher))
    @rule(data=st.data(), many=st.integers(1, 4))
    def dispatcher_handles(self, data: Any, many: int) -> None:
        for _ in range(many):
            self._handle(self.world.dispatcher, data)

    @precondition(lambda self: self.world.pending(self.world.tracker))
    @rule(data=st.data(), many=st.integers(1, 4))
    def tracker_handles(self, data: Any, many: int) -> None:
        for _ in range(many):
            self._handle(self.world.tracker, data)

    def _handle(self, box: Box, data: Any) -> None:
        if pending := self.world.pending(box):
            topic = data.draw(st.sampled_from(pending))
            die_after = data.draw(st.sampled_from([None] * 9 + ["sent", "stored", "issued"]))
            self.world.handle(box, topic, die_after)

    @precondition(lambda self: self.world.running)
    @rule(which=st.integers(0, 20), how=HOW, states=STATES)
    def effect_ends(self, which: int, how: str, states: list[str]) -> None:
        self.world.finish(which % len(self.world.running), how, states, **self.traits)

    @precondition(lambda self: not self.upstream)
    @rule(turns=st.integers(1, 12), how=st.lists(HOW, min_size=12, max_size=12), states=STATES)
    def all_goes_on(self, turns: int, how: list[str], states: list[str]) -> None:
        """A stretch of ordinary life, in which only the IM has moods."""
        for turn in range(turns):
            for box in self.world.boxes:
                while pending := self.world.pending(box):
                    self.world.handle(box, pending[0])
            if self.world.running:
                self.world.finish(0, how[turn], states, **self.traits)
            elif (due := self.world.next_moment()) is not None and due < self.world.now + 300.0:
                self.world.advance(max(0.0, due - self.world.now))

    @rule(box=st.integers(0, 1))
    def commit(self, box: int) -> None:
        self.world.boxes[box].commit()

    @rule(box=st.integers(0, 1), back=st.integers(0, 3))
    def worker_dies(self, box: int, back: int) -> None:
        self.world.crash(self.world.boxes[box], back)

    @rule(seconds=st.sampled_from([0.2, 1.0, 6.0, 6.0, 50.0, 50.0, 70.0, 130.0, 500.0, 4000.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.advance(seconds)

    @precondition(lambda self: self.world.next_moment() is not None)
    @rule()
    def next_thing_is_due(self) -> None:
        due = self.world.next_moment()
        assert due is not None
        self.world.advance(max(0.0, due - self.world.now))

    # -- the IM and its other users

    @precondition(lambda self: self.world.dispatcher.row is not None)
    @rule()
    def worker_inspects(self) -> None:
        self.world.inspect()

    @precondition(lambda self: self.surprises and self.world.im.deleted)
    @rule(which=st.integers(0, 5))
    def deleted_one_comes_back(self, which: int) -> None:
        self.surprises -= 1
        self.world.im.come_back(which)

    @precondition(lambda self: self.surprises and self.world.im.infrastructures)
    @rule(which=st.integers(0, 5))
    def somebody_deletes_one(self, which: int) -> None:
        self.surprises -= 1
        self.world.im.steal(which)

    # -- what users and other boxes do

    @precondition(lambda self: self.surprises)
    @rule()
    def operator_reconciles(self) -> None:
        self.surprises -= 1
        self.world.send(make.command("inspect", self.world.now))

    @precondition(lambda self: self.deletes)
    @rule(force=st.booleans(), twice=st.booleans())
    def user_deletes(self, force: bool, twice: bool) -> None:
        self.deletes -= 1
        self.world.now += 0.001
        self.world.send(make.command("delete", self.world.now, force=force), twice=twice)

    def _is_changeable(self) -> bool:
        status = self.world.last_status
        return bool(self.jobs) and (status in CHANGEABLE or status is Status.UPDATE_IN_PROGRESS)

    @precondition(_is_changeable)
    @rule(
        count=st.integers(1, 4),
        removals=st.sets(st.sampled_from(["0", "1", "2"]), max_size=2),
        halves=st.permutations([0, 1]),
        fate=st.sampled_from(["works"] * 5 + ["no provider", "another provider"]),
        seconds=st.sampled_from([400.0, 4 * 3600.0]),
    )
    def user_updates(
        self, count: int, removals: set[str], halves: list[int], fate: str, seconds: float
    ) -> None:
        self.world.drain(self.world.tracker)  # what its worker took over comes before any view
        if not self._is_changeable():
            return
        self.jobs -= 1
        row = self.world.tracker.row
        update = make.update(
            row.revision + 1, count, self.world.now, tuple(sorted(removals)), seconds
        )
        self.world.send(update.request_message)
        self.world.drain(self.world.tracker)  # a view waits for the tracker
        provider = row.provider_name if fate == "works" else "elsewhere"
        both = [update.validated, update.ranked(provider)]
        if fate == "no provider":
            both[1] = update.refused
        for half in halves:
            self.world.send(both[half])
        self.wanted, self.removals = count, self.removals | removals

    @precondition(_is_changeable)
    @rule(
        what=st.sampled_from(["start", "stop", "reconfigure", "reconfigure all"]),
        machine=st.sampled_from(["0", "1", "77"]),
        twice=st.booleans(),
    )
    def user_acts(self, what: str, machine: str, twice: bool) -> None:
        self.jobs -= 1
        self.world.now += 0.001
        name, _, whole = what.partition(" ")
        asked = {"machine": None if whole else machine, "request_id": f"r{len(self.acts)}"}
        self.acts.append(asked["request_id"])
        self.world.send(make.command(name, self.world.now).model_copy(update=asked), twice=twice)

    @precondition(lambda self: self.world.last_status is Status.DELETE_IN_PROGRESS)
    @rule()
    def user_resets(self) -> None:
        if self.surprises:
            self.surprises -= 1
            self.world.send(make.command("reset", self.world.now))

    @precondition(lambda self: self.upstream_fails)
    @rule()
    def selector_fails(self) -> None:
        self.upstream_fails = False
        self.world.send(
            ErrorRecord(
                uuid=make.UUID,
                timestamp=make.at(self.world.now),
                component="provider-selector",
                step="select",
                code="no_provider",
                message="nothing fits",
            )
        )

    @invariant()
    def attempts_are_limited(self) -> None:
        DeploymentMachine.steps += 1
        if hasattr(self, "world"):
            assert self.world.most_attempts <= self.limit

    # -- in the end

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.settle()
        self._nothing_is_in_progress()
        self._finals_agree()
        self._actions_have_ended()
        self._the_im_has_what_was_told()
        self._room_is_given_back()

    def _nothing_is_in_progress(self) -> None:
        row = self.world.dispatcher.row
        if row is not None and (row.attempts or row.final):
            assert row.final is not None
            assert {one.phase for one in row.attempts} <= AT_REST
            assert row.jobs == ()
        status = self.world.last_status
        assert status is None or not status.endswith("IN_PROGRESS")

    def _room_is_given_back(self) -> None:
        row = self.world.dispatcher.row
        told = {(one.attempt, one.request) for one in self.world.log["quota-requests"]}
        for one in row.attempts if row is not None else ():
            if one.phase is Phase.SUCCEEDED:
                assert (one.number, "created") in told
            elif one.phase is Phase.CLEAN:
                assert (one.number, "release") in told

    def _finals_agree(self) -> None:
        told: dict[tuple[str, Any], list[Any]] = {}
        for one in self.world.results:
            if one.kind == "final":
                if one.operation is Operation.ACTION:
                    continue
                which = one.started_at if one.operation is Operation.DELETE else one.revision
                content = (one.success, one.provider_name, one.attempt, one.infrastructure_id)
                contents = told.setdefault((one.operation.value, which), [])
                contents += [] if content in contents else [content]
        for (operation, _), contents in told.items():
            successes = [success for success, *_ in contents]
            if self._revoked() if operation == "create" else self._orphans():
                assert successes in ([True], [False], [True, False])
            elif (
                operation == "delete" and self._was_reset()
            ):  # the tracker ended it, whatever comes
                assert len(successes) <= 2
            else:
                assert len(contents) == 1, contents

    def _actions_have_ended(self) -> None:
        commands = [getattr(one, "command", "") for one in self.world.log["commands"]]
        if self.world.last_status not in CHANGEABLE or "delete" in commands:
            return
        told: dict[str | None, set[bool | None]] = {}
        for one in self.world.results:
            if one.kind == "final" and one.operation is Operation.ACTION:
                told.setdefault(one.request_id, set()).add(one.success)
        assert set(told) == set(self.acts)
        assert all(len(ends) == 1 for ends in told.values()), told

    def _revoked(self) -> bool:
        commands = self.world.log["commands"]
        return any(
            isinstance(one, Command) and one.command == "cancel" and one.force for one in commands
        )

    def _was_reset(self) -> bool:
        return "reset" in [getattr(one, "command", "") for one in self.world.log["commands"]]

    def _orphans(self) -> bool:
        return bool([one for one in self.world.log["errors"] if one.code == "orphan"])

    def _the_im_has_what_was_told(self) -> None:
        row, there = self.world.dispatcher.row, dict(self.world.im.infrastructures)
        if self.world.last_status in CHANGEABLE:
            physical = self.world.tracker.row.physical_id
            made = there.pop(physical, None)
            assert made or self._has_vanished(physical)
            if made and self._is_newest_in_force():
                assert len(made.machines) == self.wanted
        kept = [one.number for one in (row.attempts if row else ()) if one.phase is Phase.KEPT]
        unexcused = [one for one in there.values() if not self.world.reported(one.attempt)]
        if row is None:  # it was forgotten before it came back: only the IM's administrator sees it
            unexcused = [one for one in unexcused if not one.came_back]
        assert [one for one in unexcused if one.attempt not in kept] == []

    def _is_newest_in_force(self) -> bool:
        tracker, row = self.world.tracker.row, self.world.dispatcher.row
        if self.world.last_status is not Status.UPDATE_COMPLETE:
            return False
        return tracker.revision == tracker.ended_revision == row.revision

    def _has_vanished(self, infrastructure: str) -> bool:
        told = [one for one in self.world.log["errors"] if one.code == "vanished"]
        return infrastructure in self.world.im.stolen and bool(told)


DeploymentMachine.TestCase.settings = settings(
    max_examples=4000 if LONG else 60,
    stateful_step_count=60,
    deadline=None,
    phases=[Stage.explicit, Stage.reuse, Stage.generate, Stage.shrink],
    suppress_health_check=list(HealthCheck),
    derandomize=not LONG,
)
TestDeployment = DeploymentMachine.TestCase


def test_there_were_enough_steps() -> None:
    assert DeploymentMachine.steps >= (100_000 if LONG else 1000)
