"""Callbacks in a hostile world, played at random: topics out of step, repeats, crashes, a receiver
that is down, refuses, or whose answers get lost.

Rows are durable some time after they are stored, events are committed some time after that; a call
is made once the row that intends it is durable. Always:

1. a number never names two callbacks; new ones come in the order of their numbers;
2. nothing comes twice unless a worker has crashed, an answer was lost or a call outlived its lease:
   neither repeats of events nor a tracker that is late are a reason.

Once the weather is good and time has passed:

3. nothing waits, and every number was delivered, unless it was given up, which the owner was told;
4. the last that was told is the state that a GET shows.
"""

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from support import lifecycle as make
from support.lifecycle import T0, TRACKER_POLICY, UUID, at

from paas_stream.lifecycle import callbacks, deployment
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.callbacks import CallbackPolicy, Outcome, Tell
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.records import DeploymentResult, Message, TrackerEvent

POLICY = CallbackPolicy(
    lease_s=30.0, margin_s=5.0, tries=40, max_age_s=1e6, backoff=Backoff(1.0, 60.0)
)
RETRIES_S = 120.0  # no two tries lie further apart, the first retries of lost ones included


def result(kind: str, moment: float, **fields: Any) -> DeploymentResult:
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(moment), "kind": kind, **fields}
    )


def delete_ended(asked: float, success: bool) -> DeploymentResult:
    return result(
        "final", asked + 5, operation="delete", success=success, started_at=at(asked), reason="x"
    )


def events(fails: bool, deletes: bool) -> list[Message]:
    """The life of a deployment, in the order in which it happened."""
    place = {"infrastructure_id": "inf-1", "provider_name": "p1"}
    life: list[Message] = [make.template(), make.validated(), make.ranked()]
    for n in (1, 2):
        life.append(result("accepted", T0 + 10 * n, attempt=n, infrastructure_id=f"inf-{n}"))
        if n == 1 or fails:
            life.append(result("attempt", T0 + 10 * n + 5, attempt=n, success=False))
    life.append(result("final", T0 + 30, success=not fails, attempt=2, **place))
    if deletes:
        life += [make.command("delete", T0 + 40), delete_ended(T0 + 40, False)]
        life += [make.command("delete", T0 + 60), delete_ended(T0 + 60, True)]
    return life


class CallbackMachine(RuleBasedStateMachine):
    """The rules are what can happen."""

    @initialize(fails=st.booleans(), deletes=st.booleans(), data=st.data(), shuffle=st.booleans())
    def begin(self, fails: bool, deletes: bool, data: Any, shuffle: bool) -> None:
        life = events(fails, deletes)
        self.to_come = data.draw(st.permutations(life)) if shuffle else life
        self.topic: list[Message] = []  # in the order in which the tracker reads it
        self.rows: list[DeploymentRow | None] = [None]  # after so many events of the topic
        self.durable = self.committed = 0  # so many events are
        self.calls: list[tuple[int, Tell]] = []  # issued, with the row that intends it
        self.received: list[tuple[int, str]] = []
        self.given_up: set[int] = set()
        self.trouble = False  # something may have come twice
        self.now = T0 + 100

    # -- the tracker

    def handle(self) -> bool:
        """One event, if one waits."""
        place = len(self.rows) - 1
        if place == len(self.topic):
            return False
        known, event = self.rows[-1], self.topic[place]
        fresh = known or DeploymentRow(UUID, first_seen=self.now, updated=self.now)
        stepped = deployment.step(fresh, event, self.now, TRACKER_POLICY).row
        assert stepped is not None
        told = callbacks.follow(known, stepped, event, self.now, POLICY)
        if Outcome.GIVEN_UP in told.outcomes and known is not None:
            assert any(getattr(one, "status", "") == "failed" for one in told.messages)
            self.given_up.add(known.callbacks.pending[0].number)
        self.rows.append(told.row)
        self.calls += [(len(self.rows) - 1, effect) for effect in told.effects]
        return True

    @precondition(lambda self: self.to_come)
    @rule(twice=st.booleans())
    def an_event_comes(self, twice: bool) -> None:
        event = self.to_come.pop(0)
        self.topic += [event] * (2 if twice else 1)

    @rule(many=st.integers(1, 6))
    def the_tracker_handles(self, many: int) -> None:
        for _ in range(many):
            self.handle()

    @rule(rows=st.integers(1, 6), commits=st.integers(0, 6))
    def what_was_done_lasts(self, rows: int, commits: int) -> None:
        self.durable = min(len(self.rows) - 1, self.durable + rows)
        self.committed = min(self.durable, self.committed + commits)

    @rule(reached=st.booleans(), order=st.integers(0, 100))
    def the_worker_crashes(self, reached: bool, order: int) -> None:
        """Calls that were made already may have reached the receiver; topics are read anew."""
        self.trouble = True
        for _, effect in self.made():
            if reached:
                self.receive(effect)
        self.calls = []
        again = self.topic[self.committed :]
        Random(order).shuffle(again)
        self.topic = self.topic[: self.committed]
        row = self.rows[self.durable]
        self.rows = [*self.rows[: self.committed], row]  # older events come to the newer row
        self.topic += again
        self.durable = self.committed

    @rule(seconds=st.sampled_from([0.5, 5.0, 40.0, 300.0]))
    def time_passes(self, seconds: float) -> None:
        self.trouble |= bool(self.calls) and seconds > POLICY.lease_s  # then they have outlived it
        row = self.rows[-1]
        due = callbacks.moments(row, self.now) if row is not None else []
        self.now += seconds
        if any(moment <= self.now for moment in due):
            self.topic.append(TrackerEvent(uuid=UUID, event="tick", timestamp=at(self.now)))

    # -- the receiver

    def made(self) -> list[tuple[int, Tell]]:
        """The calls whose row is durable: they are under way."""
        return [one for one in self.calls if one[0] <= self.durable]

    def receive(self, effect: Tell) -> None:
        self.received.append((effect.number, effect.resource["status"]))
        statuses = {status for number, status in self.received if number == effect.number}
        assert len(statuses) == 1, "a number names one callback"
        first = list(dict.fromkeys(number for number, _ in self.received))
        assert first == sorted(first), "in order"
        if not self.trouble:
            assert len(first) == len(self.received), "once"

    @precondition(lambda self: self.made())
    @rule(
        how=st.sampled_from(["delivered"] * 3 + ["fault", "fault", "lost", "unanswered"]),
        twice=st.booleans(),
    )
    def a_call_ends(self, how: str, twice: bool) -> None:
        place, effect = self.made()[0]
        self.calls.remove((place, effect))
        if how in ("delivered", "unanswered"):
            self.receive(effect)
        if how in ("lost", "unanswered"):
            self.trouble |= how == "unanswered"
        else:
            for _ in range(1 + twice):
                self.answer(effect, how)

    @precondition(lambda self: self.made())
    @rule()
    def the_receiver_refuses(self) -> None:
        place, effect = self.made()[0]
        self.calls.remove((place, effect))
        self.answer(effect, "refused")

    def answer(self, effect: Tell, outcome: str) -> None:
        self.topic.append(
            TrackerEvent.model_validate(
                {
                    "uuid": UUID,
                    "event": "callback",
                    "number": effect.number,
                    "issue": effect.issue,
                    "outcome": outcome,
                }
            )
        )

    # -- in the end

    def teardown(self) -> None:
        if not hasattr(self, "topic"):
            return
        self.topic += self.to_come
        for _ in range(60):
            while self.handle():
                pass
            self.durable = len(self.rows) - 1
            for place, effect in self.made():
                self.calls.remove((place, effect))
                self.receive(effect)
                self.answer(effect, "delivered")
            self.time_passes(RETRIES_S)
        row = self.rows[-1]
        assert row is not None
        assert row.callbacks.pending == ()
        delivered = {number for number, _ in self.received}
        assert delivered | self.given_up == set(range(1, row.callbacks.last + 1))
        if row.callbacks.last in delivered:
            assert dict(self.received)[row.callbacks.last] == row.status.value


CallbackMachine.TestCase.settings = settings(
    max_examples=80,
    stateful_step_count=50,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
TestCallbacks = CallbackMachine.TestCase
