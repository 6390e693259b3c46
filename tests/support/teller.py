"""A driver of the tracker's machines and of their callbacks: one row, one clock, one receiver."""

from typing import Any

from support.lifecycle import T0, TRACKER_POLICY, UUID, at, steps

from paas_stream.lifecycle import callbacks, deployment
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.callbacks import CallbackPolicy, Outcome, Tell
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.records import Message, TrackerEvent

POLICY = CallbackPolicy(
    lease_s=30.0, margin_s=5.0, tries=6, max_age_s=3600.0, backoff=Backoff(4.0, 600.0)
)

LATE_S = 0.1  # how long after its moment a tick is made


def a_tick(moment: float) -> TrackerEvent:
    """A tick that was made at this moment."""
    return TrackerEvent(uuid=UUID, event="tick", timestamp=at(moment))


class Teller:
    """Steps through the tracker's machines as the agent does; the receiver takes all, or none."""

    def __init__(self, policy: CallbackPolicy = POLICY, *, answers: bool = True) -> None:
        self.policy = policy
        self.answers = answers
        self.row: DeploymentRow | None = None
        self.now = T0
        self.said: list[Message] = []
        self.told: list[Tell] = []  # all that were issued
        self.outcomes: list[Outcome] = []

    def feed(self, *events: Message, after_s: float = 0.0) -> None:
        self.now += after_s
        for event in events:
            known = self.row
            fresh = known or DeploymentRow(UUID, first_seen=self.now, updated=self.now)
            stepped = deployment.step(fresh, event, self.now, TRACKER_POLICY).row
            assert stepped is not None
            told = callbacks.follow(known, stepped, event, self.now, self.policy)
            self.row = told.row
            self.said += told.messages
            self.told += told.effects
            self.outcomes += told.outcomes
            if self.answers and told.effects:
                self.reply("delivered")

    def reply(self, outcome: str, *, after_s: float = 0.1, issue: int = 0, **fields: Any) -> None:
        """What became of the last call, or of an earlier issue of it."""
        last = self.told[-1]
        event = TrackerEvent.model_validate(
            {
                "uuid": UUID,
                "event": "callback",
                "number": last.number,
                "issue": issue or last.issue,
                "outcome": outcome,
                **fields,
            }
        )
        self.feed(event, after_s=after_s)

    def tick(self) -> None:
        """To the next moment that is armed."""
        due = self.armed()
        assert due is not None
        self.now = due + LATE_S
        self.feed(a_tick(self.now))

    def armed(self) -> float | None:
        assert self.row is not None
        return min(
            (one for one in callbacks.moments(self.row, self.now) if one > self.now), default=None
        )

    def statuses(self) -> list[str]:
        return [one.resource["status"] for one in self.told]

    def timeline(self) -> list[tuple[str, str]]:
        return [(one.status, one.message) for one in steps(self.said) if one.step == "callback"]
