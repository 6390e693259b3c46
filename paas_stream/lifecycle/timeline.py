"""The timeline of a deployment: what happened, when, where and why, in words for its owner.

Entries are kept in the order in which they came, which a reader who was interrupted can go on in;
they are told in the order of time, which differs where two topics were read out of step.
"""

import hashlib
from dataclasses import dataclass, replace

from paas_stream.records import (
    REPLAYED,
    Command,
    DeploymentResult,
    ErrorRecord,
    Message,
    Operation,
    ProcedureStatus,
    Template,
)


@dataclass(frozen=True)
class TimelineEvent:
    """One entry."""

    id: str  # names the record that it comes from, so that a replay adds nothing
    at: float  # seconds since the epoch
    component: str
    step: str
    status: str  # begin, end, failed
    message: str
    attempt: int | None = None
    provider_name: str | None = None
    region_name: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class Timeline:
    """All entries of one deployment, bounded; `dropped` counts those that found no room."""

    events: tuple[TimelineEvent, ...] = ()  # as they came
    dropped: int = 0

    @property
    def ordered(self) -> tuple[TimelineEvent, ...]:
        """The entries by time; those of the same moment as they came."""
        return tuple(sorted(self.events, key=lambda one: one.at))

    def bookmarks(self) -> list[str]:
        """A name for the place after each entry: its number, and a digest of all up to it.

        After a crash entries may come again in another order, and a full timeline drops some: then
        the digest differs, so that a reader is never sent on from a place that it was not at.
        """
        digest, marks = b"", []
        for number, event in enumerate(self.events, start=1):
            digest = hashlib.blake2b(digest + event.id.encode(), digest_size=8).digest()
            marks.append(f"{number}-{digest.hex()}")
        return marks

    def with_event(self, event: TimelineEvent, most: int) -> "Timeline":
        """This timeline and one more entry.

        When it is full the new entry is only counted, unless it ends something: then the entry before
        the last gives way.
        """
        if any(known.id == event.id for known in self.events):
            return self
        events, dropped = self.events, self.dropped
        if len(events) >= most:
            dropped += 1
            if event.status == "begin":
                return replace(self, dropped=dropped)
            events = (events[: max(0, most - 2)] + events[-1:])[: most - 1]
        return Timeline((*events, event), dropped)


def name(topic: str, message: Message) -> str:
    """What tells a message from all others of its topic and deployment, however often it is sent.

    A request comes twice, at two moments, when a client repeats it that was not told of its success.
    """
    if isinstance(message, Template):
        return f"{topic}:{message.operation}/{message.revision}"
    if message.cause is not None:
        return f"{topic}:{message.cause}"
    component = getattr(message, "component", "")  # two of them may tell of the same moment
    return f"{topic}:{component}@{message.timestamp.isoformat()}"


def entry(record_id: str, message: Message) -> TimelineEvent | None:
    """The entry for a message; None: the message is not of interest to the owner."""
    moment = message.timestamp.timestamp()
    match message:
        case Template(operation="update"):
            text = f"an update was asked for: revision {message.revision}"
            return TimelineEvent(record_id, moment, "rest-api", "update", "begin", text)
        case Template():
            text = "the request was accepted"
            return TimelineEvent(record_id, moment, "rest-api", "request", "end", text)
        case Command(command="forget" | "inspect" | "log"):
            return None
        case DeploymentResult(kind="resources" | "log"):
            return None
        case Command():
            text = f"{message.command} was asked for"
            text += f": {message.reason}" if message.reason else ""
            ours = message.command in ("cancel", "forget")
            component = "deployment-tracker" if ours else "rest-api"
            return TimelineEvent(record_id, moment, component, message.command, "begin", text)
        case ProcedureStatus():
            return TimelineEvent(
                record_id,
                moment,
                message.component,
                message.step,
                message.status,
                message.message,
                message.attempt,
                message.provider_name,
                message.region_name,
                message.duration_s,
            )
        case ErrorRecord():
            status = "end" if message.code == REPLAYED else "failed"
            return TimelineEvent(
                record_id, moment, message.component, message.step, status, message.message
            )
        case DeploymentResult():
            return _result(record_id, moment, message)
    return None


def _done(result: DeploymentResult, place: str) -> str:
    match result.operation:
        case Operation.DELETE:
            return "deleted"
        case Operation.UPDATE:
            return f"revision {result.revision} is in force" + _why(result)
        case Operation.ACTION:
            what = "all machines" if result.machine is None else f"machine {result.machine}"
            return f"done with {what}" + _why(result)
    return f"complete at {place}"


def _why(result: DeploymentResult) -> str:
    return f": {result.reason}" if result.reason else ""


def _result(record_id: str, moment: float, result: DeploymentResult) -> TimelineEvent:
    place = f"{result.provider_name} ({result.region_name})"
    match result.kind, result.success:
        case "accepted", _:
            step, text = "accepted", f"the IM has created {result.infrastructure_id} at {place}"
        case "attempt", True:
            step, text = "attempt", f"attempt {result.attempt}: {place} succeeded"
        case "attempt", _:
            step, text = "attempt", f"attempt {result.attempt}: {place} failed: {result.reason}"
        case "final", True:
            step, text = result.operation, _done(result, place)
        case _:
            step, text = result.operation, result.reason or "failed"
    duration = None
    if result.started_at is not None and result.ended_at is not None:
        duration = (result.ended_at - result.started_at).total_seconds()
    ok = result.success or result.kind == "accepted"
    return TimelineEvent(
        record_id,
        moment,
        "im-dispatcher",
        str(step),
        "end" if ok else "failed",
        text,
        result.attempt,
        result.provider_name,
        result.region_name,
        duration,
    )
