"""A model of everything around the two state machines of a deployment: broker, IM, workers, time.

The machines themselves are the real ones. The model is hostile in the ways that the real world is:
events come again, topics overtake each other, workers die between any two steps, replies of the IM
are lost, creates finish late, deletes fail or come undone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from support import lifecycle as make
from support.im_model import Im

from paas_stream.lifecycle import deployment, dispatch
from paas_stream.lifecycle.attempt import Effect, EffectKind
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.dispatch_row import NO_ROOM, DispatchRow
from paas_stream.lifecycle.inspection import inspections
from paas_stream.records import (
    Command,
    DeploymentResult,
    ErrorRecord,
    Message,
)

COMMITTED_S = 10.0  # offsets are committed more often than this
AGAIN_S = 30.0  # a tick that led to no event is produced again after this


@dataclass
class Box:
    """An agent with one row: at-least-once, in the order send, store, issue."""

    topics: tuple[str, ...]
    row: Any
    step: Callable[[Any, Message, float], Any]
    moments: Callable[..., list[float]]
    tick: Callable[[], Message]
    tick_topic: str
    positions: dict[str, int] = field(default_factory=dict)
    committed: dict[str, int] = field(default_factory=dict)
    durable: list[Any] = field(default_factory=list)  # the last rows; the newest may be lost
    armed: float | None = None

    def __post_init__(self) -> None:
        self.positions = dict.fromkeys(self.topics, 0)
        self.committed = dict(self.positions)
        self.durable = [self.row]

    def arm(self, now: float) -> None:
        """After a step."""
        found = self.moments(self.row, now) if self.row is not None else []
        self.armed = min((one for one in found if one > now), default=None)

    def commit(self) -> None:
        """What was handled does not come again."""
        self.committed = dict(self.positions)
        self.durable = [self.row]

    def crash(self, back: int) -> None:
        """Another worker takes over; of the rows stored since the commit the last `back` are lost."""
        self.positions = dict(self.committed)
        self.durable = self.durable[: max(1, len(self.durable) - back)]
        self.row = self.durable[-1]
        found = self.moments(self.row) if self.row is not None else []
        self.armed = min(found, default=None)


@dataclass
class Running:
    """An effect under way."""

    effect: Effect
    worker: int


class World:
    """One deployment with all that concerns it."""

    def __init__(self, providers: int = 2, kind: str = "openstack", **options: Any) -> None:
        """`kind`: the type of all providers."""
        self.now = make.T0 + 1.0
        self.options = options
        self.log: dict[str, list[Message]] = {
            name: [] for name in ("template", "validated", "ranked", "commands", "results")
        } | {"errors": [], "dispatch-events": [], "tracker-events": [], "quota-requests": []}
        self.im = Im()
        self.running: list[Running] = []
        self.polls: dict[int, tuple[Effect, float]] = {}
        self.worker = 1  # the dispatcher's present worker
        self.most_attempts = 0
        self.last_status: deployment.Status | None = None  # None: it is forgotten
        self.dispatcher = Box(
            ("validated", "ranked", "commands", "dispatch-events"),
            None,
            self._dispatch,
            lambda row, now=None: dispatch.moments(row, make.POLICY, now),
            make.tick,
            "dispatch-events",
        )
        self.tracker = Box(
            ("template", "validated", "ranked", "results", "commands", "errors", "tracker-events"),
            None,
            self._track,
            lambda row, now=None: deployment.moments(row, make.TRACKER_POLICY, now),
            make.tracker_tick,
            "tracker-events",
        )
        self.boxes = (self.dispatcher, self.tracker)
        self.providers = providers
        self.kind = kind
        self.log["template"].append(make.template(**options))

    # -- the machines, as the agents use them

    def _dispatch(self, row: DispatchRow | None, event: Message, now: float) -> Any:
        if row is None and not dispatch.makes_row(event):
            return dispatch.Transition(None)
        return dispatch.step(row or DispatchRow(make.UUID), event, now, make.POLICY)  # type: ignore[arg-type]

    def _track(self, row: DeploymentRow | None, event: Message, now: float) -> Any:
        is_forget = isinstance(event, Command) and event.command == "forget"
        if row is None and (is_forget or event is None or type(event).__name__ == "TrackerEvent"):
            return deployment.Transition(None)
        row = row or DeploymentRow(make.UUID, first_seen=now, updated=now)
        return deployment.step(row, event, now, make.TRACKER_POLICY)

    def send(self, *messages: Message, twice: bool = False) -> None:
        """Append to the topics of the messages; entries for the timeline are left out."""
        for message in messages:
            name = _TOPIC.get(type(message).__name__)
            if name is not None:
                self.log[name] += [message, message] if twice else [message]

    def pending(self, box: Box) -> list[str]:
        """Topics with events that the box has not handled."""
        return [name for name in box.topics if box.positions[name] < len(self.log[name])]

    def drain(self, box: Box) -> None:
        """Let a box handle all that waits for it."""
        while pending := self.pending(box):
            self.handle(box, pending[0])

    def handle(self, box: Box, topic: str, die_after: str | None = None) -> None:
        """One event. `die_after`: sent, stored or issued; None: the worker lives on."""
        event = self.log[topic][box.positions[topic]]
        transition = box.step(box.row, event, self.now)
        effects = list(getattr(transition, "effects", ()))
        # Requests for room are sent as messages are; the keeper's answer comes when it comes.
        self._start(one for one in effects if one.kind is EffectKind.HOLD)
        self.send(*transition.messages)
        if die_after == "sent":
            self.crash(box)
            return
        box.row = transition.row
        box.durable.append(box.row)
        if die_after == "stored":
            self.crash(box)
            return
        if any(effect.kind is EffectKind.CREATE for effect in effects):
            box.durable = [box.row]  # a create waits until its intent is safe; others need not
        self._start(one for one in effects if one.kind is not EffectKind.HOLD)
        if die_after == "issued":
            self.crash(box)
            return
        box.positions[topic] += 1
        self._after(box)

    def _start(self, effects: Iterable[Effect]) -> None:
        self.running += [
            Running(effect, self.worker) for effect in effects if not self._is_running(effect)
        ]

    def _after(self, box: Box) -> None:
        box.arm(self.now)
        if box is self.dispatcher:
            self._watch()
        elif box.row is None:
            self.last_status = None
        elif box.row.created is not None:
            self.last_status = box.row.status
        row = self.dispatcher.row
        tried = [one for one in row.attempts if one.failure != NO_ROOM] if row else []
        self.most_attempts = max(self.most_attempts, len(tried))

    def _watch(self) -> None:
        wanted = (
            {}
            if (row := self.dispatcher.row) is None
            else {effect.attempt: effect for effect in dispatch.polls(row)}
        )
        self.polls = {
            number: self.polls[number]
            if number in self.polls and self.polls[number][0] == effect
            else (effect, self.now + 1.0)
            for number, effect in wanted.items()
        }

    def _is_running(self, effect: Effect) -> bool:
        return any(
            one.effect.key == effect.key and one.worker == self.worker for one in self.running
        )

    # -- what happens to it

    def crash(self, box: Box, back: int = 0) -> None:
        """The box's worker is gone; what the old one runs may still come to its end."""
        box.crash(back)
        if box is self.dispatcher:
            self.worker += 1
            self.polls = {}
            self._watch()

    def start_polls(self) -> None:
        """Start the polls that are due."""
        for number, (effect, due) in list(self.polls.items()):
            if due <= self.now and not self._is_running(effect):
                self.polls[number] = (effect, self.now + 45.0)
                self.running.append(Running(effect, self.worker))

    def inspect(self) -> bool:
        """Start to compare what is at rest with the IM. False: there is nothing to compare."""
        row = self.dispatcher.row
        found = [] if row is None else list(inspections(row))
        self.running += [Running(one, self.worker) for one in found if not self._is_running(one)]
        return bool(found)

    def finish(self, which: int, how: str, states: list[str], **traits: Any) -> None:
        """An effect ends. `how` as `Im.perform` has it, or `vanish`: its worker is gone before it
        began; `mute`: it is done, and nobody reports it."""
        one = self.running.pop(which)
        if how == "vanish":
            return
        result = self.im.perform(one.effect, how, self.now, states, traits)
        if how == "mute":
            return
        if result is not None:
            self.send(result)
        elif one.worker == self.worker and one.effect.attempt in self.polls:
            self.polls[one.effect.attempt] = (one.effect, self.now + 5.0)

    def tick(self) -> None:
        """Produce the ticks that are due."""
        for box in self.boxes:
            if box.armed is not None and box.armed <= self.now:
                box.armed = self.now + AGAIN_S
                made = box.tick().model_copy(update={"timestamp": make.at(self.now)})
                self.log[box.tick_topic].append(made)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        for box in self.boxes:
            box.durable = box.durable[-1:]  # what was stored has reached the broker by now
            if seconds > COMMITTED_S:
                box.commit()
        self.im.advance(self.now)
        self.tick()
        self.start_polls()

    def next_moment(self) -> float | None:
        """When something is going to happen by itself."""
        found = [box.armed for box in self.boxes if box.armed is not None]
        found += [due for _, due in self.polls.values()] + [due for due, _ in self.im.late]
        return min(found, default=None)

    def settle(self, most: int = 12_000) -> None:
        """Good weather from now on: run until nothing is left to happen, nor to be found."""
        seen: list[Message] | None = None
        for _ in range(most):
            for box in self.boxes:
                if pending := self.pending(box):
                    self.handle(box, pending[0])
                    break
            else:
                if self.running:
                    self.finish(0, "ok", ["running", "configured"])
                    continue
                due = self.next_moment()
                if due is None and seen == self.log["dispatch-events"]:
                    return
                if due is None:
                    seen = list(self.log["dispatch-events"])
                    self.inspect()
                    continue
                self.advance(max(0.0, due - self.now) + 0.001)
        raise AssertionError(f"it does not come to rest: {self.dispatcher.row}")

    # -- what came of it

    @property
    def results(self) -> list[DeploymentResult]:
        """All results that were sent."""
        return [one for one in self.log["results"] if isinstance(one, DeploymentResult)]

    def reported(self, attempt: int) -> bool:
        """An orphan of this attempt was reported."""
        return any(
            isinstance(one, ErrorRecord) and f"attempt {attempt} " in one.message
            for one in self.log["errors"]
        )


_TOPIC = {
    "Template": "template",
    "ValidatedTemplate": "validated",
    "RankedProviders": "ranked",
    "Command": "commands",
    "DeploymentResult": "results",
    "ErrorRecord": "errors",
    "DispatchEvent": "dispatch-events",
    "TrackerEvent": "tracker-events",
    "QuotaRequest": "quota-requests",
}
