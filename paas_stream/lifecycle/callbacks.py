"""Which changes of a deployment its callback target is told, and what is left to be told.

The target is told what a GET would show: that the IM has accepted it (at each provider that is
tried), each attempt that has failed, and each final state. A state that the deployment passes within
one step, since topics overtook each other, is shown by no GET, and not told.

Called by the tracker after each step of the deployment's own machine, with the row before and after
it. The row says what is intended before anything is sent. What is under way is awaited until `due`;
if no answer came by then, it is sent again: a receiver drops what it has by its number. That needs a
tick that was made after `due`: it stands in the topic of the answers, behind all that were in time,
so a tracker that is late with its events sends nothing twice.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit

from paas_stream.lifecycle import representation
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.callback_row import Callback, Callbacks
from paas_stream.lifecycle.deployment import DeploymentRow, Ending, Status
from paas_stream.lifecycle.reports import at
from paas_stream.records import Message, ProcedureStatus, TrackerEvent

COMPONENT = "deployment-tracker"

PENDING_MOST = 20  # a deployment's callbacks that wait; above that the oldest are given up
_SOON_S = 1.0  # a tick that is wanted at once; the one for `due` may be on its way already


@dataclass(frozen=True)
class CallbackPolicy:
    """The settings that this state machine needs."""

    lease_s: float  # within this a call has ended, its wait for a place included
    margin_s: float  # on top of the lease before it is made again
    tries: int
    max_age_s: float  # a callback that is older is tried once, and then given up
    backoff: Backoff


@dataclass(frozen=True)
class Tell:
    """The effect: POST a callback once."""

    uuid: str
    number: int
    issue: int
    url: str
    resource: dict[str, Any]
    sealed_outputs: str | None  # JWE

    @property
    def host(self) -> str:
        """Host and port of the target: whose calls share few places."""
        return urlsplit(self.url).netloc.rpartition("@")[2].lower()


class Outcome(StrEnum):
    """What a step has found out about a callback, for the metrics."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    GIVEN_UP = "given_up"


@dataclass(frozen=True)
class Following:
    """What is to be done: send `messages`, store `row`, and then issue `effects`."""

    row: DeploymentRow
    messages: tuple[Message, ...] = ()
    effects: tuple[Tell, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


def follow(
    before: DeploymentRow | None,
    after: DeploymentRow,
    event: Message,
    now: float,
    policy: CallbackPolicy,
) -> Following:
    """The callbacks' part of a step that took the row from `before` to `after` at `now`."""
    turn = _Turn(_queued(before, after, now), now, policy)
    turn.keep_to_limit()
    if isinstance(event, TrackerEvent) and event.event == "callback":
        turn.answer(event)
    turn.issue(_made_at(event))
    return Following(turn.row, tuple(turn.said), tuple(turn.effects), tuple(turn.outcomes))


def moments(row: DeploymentRow, now: float) -> list[float]:
    """When the row must be looked at again for its callbacks (seconds since the epoch)."""
    return [max(one.due, now + _SOON_S) for one in row.callbacks.pending[:1]]


def _made_at(event: Message) -> float | None:
    """When a tick was made; None: it is another event."""
    is_tick = isinstance(event, TrackerEvent) and event.event == "tick"
    return event.timestamp.timestamp() if is_tick else None


# -- what is told


def _queued(before: DeploymentRow | None, after: DeploymentRow, now: float) -> DeploymentRow:
    news = (_is_accepted, _attempt_has_failed, _has_ended)
    if after.callback is None or not any(one(before, after) for one in news):
        return after
    number = after.callbacks.last + 1
    callback = Callback(
        number,
        moment=now,
        due=now,
        resource=representation.deployment(after, {"outputs": {}}),
        has_outputs=after.outputs is not None,
    )
    callbacks = Callbacks((*after.callbacks.pending, callback), number)
    return replace(after, callbacks=callbacks)


def _is_accepted(before: DeploymentRow | None, after: DeploymentRow) -> bool:
    known = before.physical_id if _is_visible(before) and before is not None else None
    new = after.physical_id is not None and after.physical_id != known
    return new and _is_visible(after) and after.status is Status.CREATE_IN_PROGRESS


def _attempt_has_failed(before: DeploymentRow | None, after: DeploymentRow) -> bool:
    known = before.failed_attempt if _is_visible(before) and before is not None else 0
    new = after.failed_attempt > known
    return new and _is_visible(after) and after.status is Status.CREATE_IN_PROGRESS


def _has_ended(before: DeploymentRow | None, after: DeploymentRow) -> bool:
    ended = _ended(after)
    return ended is not None and ended != _ended(before)


def _ended(row: DeploymentRow | None) -> tuple[Status, Ending | None] | None:
    """The final state that a GET shows; a delete or an update that fails
    twice is told twice."""
    if row is None or not _is_visible(row) or row.status.endswith("IN_PROGRESS"):
        return None
    return row.status, row.delete_end if row.delete_since is not None else row.update_end


def _is_visible(row: DeploymentRow | None) -> bool:
    return row is not None and row.created is not None


# -- what becomes of it


@dataclass
class _Turn:
    """One step of the callbacks of a row."""

    row: DeploymentRow
    now: float
    policy: CallbackPolicy
    said: list[Message] = field(default_factory=list)
    effects: list[Tell] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def keep_to_limit(self) -> None:
        """One that waits gives way to a newer one; the first stays: it may be under way."""
        if len(self.row.callbacks.pending) > PENDING_MOST:
            first, given_up, *rest = self.row.callbacks.pending
            self._give_up(given_up, "too many callbacks wait for it")
            self._put((first, *rest))

    def answer(self, event: TrackerEvent) -> None:
        """A call has ended. What answers an earlier issue counts only when it is good news."""
        head = self._head()
        if head is None or head.number != event.number:
            return
        reason = event.message or "no reason given"
        match event.outcome:
            case "delivered":
                self._tell("end", f"{self._host()} was told of {head.status}")
                self.outcomes.append(Outcome.DELIVERED)
                self._next()
            case "refused" if event.issue == head.issue:
                self._give_up(head, reason)
                self._next()
            case "fault" if event.issue == head.issue:
                self._fault(head, reason, event.retry_after_s or 0.0)

    def issue(self, ticked: float | None) -> None:
        """Send the first if it is its time; `ticked`: when the tick was made that says so."""
        while (head := self._head()) is not None and (
            not head.issue or (ticked is not None and ticked >= head.due)
        ):
            if head.issue and self.now >= head.moment + self.policy.max_age_s:
                self._give_up(head, f"tried {head.issue} times, the last one without an answer")
                self._next()
            elif self.row.callback is not None:
                self._send(head, self.row.callback)
                return

    def _send(self, head: Callback, url: str) -> None:
        lost = head.issue - head.tries  # a worker that has too much to do is asked less often
        pause = self.policy.backoff.delay(lost, self.row.uuid) if lost else 0.0
        due = self.now + self.policy.lease_s + self.policy.margin_s + pause
        head = replace(head, issue=head.issue + 1, due=due)
        sealed = self.row.outputs if head.has_outputs else None
        self.effects.append(
            Tell(self.row.uuid, head.number, head.issue, url, head.resource, sealed)
        )
        self._put((head, *self.row.callbacks.pending[1:]))

    def _fault(self, head: Callback, reason: str, at_least_s: float) -> None:
        tries = head.tries + 1
        wait = max(self.policy.backoff.delay(tries, self.row.uuid), at_least_s)
        if tries >= self.policy.tries or self.now + wait > head.moment + self.policy.max_age_s:
            self._give_up(head, f"{reason}; tried {head.issue} times")
            self._next()
            return
        if tries == 1:  # of all of them this one and the last are told
            text = f"{self._host()} was not told of {head.status}: {reason}"
            self._tell("failed", f"{text}; tried again in {wait:.0f} s")
        self.outcomes.append(Outcome.RETRIED)
        head = replace(head, tries=tries, due=self.now + wait)
        self._put((head, *self.row.callbacks.pending[1:]))

    def _give_up(self, callback: Callback, reason: str) -> None:
        self._tell("failed", f"{self._host()} is not told of {callback.status}: {reason}")
        self.outcomes.append(Outcome.GIVEN_UP)

    def _head(self) -> Callback | None:
        return self.row.callbacks.pending[0] if self.row.callbacks.pending else None

    def _next(self) -> None:
        self._put(self.row.callbacks.pending[1:])

    def _put(self, pending: tuple[Callback, ...]) -> None:
        self.row = replace(self.row, callbacks=replace(self.row.callbacks, pending=pending))

    def _tell(self, status: Literal["end", "failed"], text: str) -> None:
        self.said.append(
            ProcedureStatus(
                uuid=self.row.uuid,
                timestamp=at(self.now),
                component=COMPONENT,
                step="callback",
                status=status,
                message=text,
            )
        )

    def _host(self) -> str:
        """The target without what may be secret in its URL."""
        try:
            return urlsplit(self.row.callback or "").hostname or "the callback target"
        except ValueError:
            return "the callback target"
