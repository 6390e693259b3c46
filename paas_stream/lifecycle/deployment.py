"""What the user sees of a deployment: its status, as the tracker derives it from events.

The row holds facts, each set once; the status follows from them. So the order in which the topics
deliver events does not matter, and a late message cannot change a final state.

Time-outs are acted upon by ticks alone, as of when they were made. Any other event may be one that comes
again long after it was made, while what ended the operation in time still waits in another topic.
"""

import uuid as uuids
from dataclasses import dataclass, replace

from paas_stream.lifecycle.attempt import AT_ONCE_S
from paas_stream.lifecycle.deployment_row import CHANGEABLE, DeploymentRow, Ending, Status, Task
from paas_stream.lifecycle.reports import at
from paas_stream.records import (
    Command,
    DeploymentResult,
    ErrorRecord,
    Message,
    Operation,
    RankedProviders,
    Template,
    TrackerEvent,
    ValidatedTemplate,
)

__all__ = ["CHANGEABLE", "DeploymentRow", "Ending", "Status", "Task"]

_RESET = "The delete was given up on request"

ENDING_COMPONENTS = frozenset({"template-parser", "provider-selector", "ai-ranker"})


@dataclass(frozen=True)
class TrackerPolicy:
    """The settings that this state machine needs; seconds."""

    delete_timeout_s: float
    retention_s: float


@dataclass(frozen=True)
class Transition:
    """What a step leads to: send `messages`, then store `row` (None: delete it)."""

    row: DeploymentRow | None
    messages: tuple[Message, ...] = ()


def concerned(message: Message) -> str | None:
    """The deployment that a message is about. None: it names none, or what it names is no uuid."""
    named = str(getattr(message, "uuid", None) or "")
    try:
        return named if str(uuids.UUID(named)) == named else None
    except ValueError:
        return None


def makes_row(message: Message) -> bool:
    """Whether a deployment without a row gets one. What is about a row that is gone does not."""
    if isinstance(message, Command):
        return message.command not in ("forget", "inspect")
    return not isinstance(message, TrackerEvent)


def step(row: DeploymentRow, event: Message, now: float, policy: TrackerPolicy) -> Transition:
    """The transition that `event` causes at the moment `now` (seconds since the epoch)."""
    said: list[Message] = []
    match event:
        case Template(operation="create"):
            row = _requested(row, event)
        case Template(operation="update"):
            row = _update_requested(row, event)
        case ValidatedTemplate(revision=1):
            name = row.template_name or event.template_name  # in the template's metadata
            row = replace(row, validated=True, template_name=name)
        case RankedProviders(revision=1):
            row = replace(row, ranked=True)
        case DeploymentResult():
            row = _result(row, event, said)
        case ErrorRecord():
            row = _error(row, event, said)
        case Command(command="delete"):
            row = _delete(row, event)
        case Command(command="reset") if row.status is Status.DELETE_IN_PROGRESS:
            row = _reset(row, event)
        case TrackerEvent(event="tick"):
            return _in_time(row, now, min(now, event.timestamp.timestamp() + AT_ONCE_S), policy)
    return Transition(row, tuple(said))


def moments(row: DeploymentRow, policy: TrackerPolicy, now: float | None = None) -> list[float]:
    """When the row must be looked at again, whatever happens (seconds since the epoch).

    At `now`, if it is given, what is overdue is due at once: only a tick acts upon it.
    """
    soonest = 0.0 if now is None else now + AT_ONCE_S
    return [max(soonest, moment) for moment in _time_outs(row, policy)]


def _time_outs(row: DeploymentRow, policy: TrackerPolicy) -> list[float]:
    found: list[float] = []
    if row.created is None:
        found.append(row.first_seen + policy.delete_timeout_s)
    status = row.status
    if status is Status.CREATE_IN_PROGRESS and row.deadline is not None:
        cancelled = row.cancelled_at
        found.append(row.deadline if cancelled is None else cancelled + policy.delete_timeout_s)
    if status is Status.UPDATE_IN_PROGRESS and row.update_deadline is not None:
        found.append(row.update_deadline + policy.delete_timeout_s)
    if status is Status.DELETE_IN_PROGRESS and row.delete_since is not None:
        late_at = row.delete_late_at if row.delete_late_at is not None else row.delete_since
        found.append(late_at + policy.delete_timeout_s)
    if status is Status.DELETE_COMPLETE and row.delete_end is not None:
        found.append(row.delete_end.moment + policy.retention_s)
    return found


def _requested(row: DeploymentRow, event: Template) -> DeploymentRow:
    if row.created is not None:
        return row
    created = event.timestamp.timestamp()
    return replace(
        row,
        created=created,
        updated=max(row.updated, created),
        issuer=event.request.owner.issuer,
        subject=event.request.owner.subject,
        user_group=event.request.user_group,
        template_name=event.template_name or row.template_name,
        parameters=event.template_inputs,
        callback=event.callback,
        body_digest=event.body_digest,
        deadline=event.request.deadline.timestamp(),
    )


def _update_requested(row: DeploymentRow, event: Template) -> DeploymentRow:
    """What an update replaces stays replaced, also when it fails: the next one is merged with it."""
    if event.revision <= row.revision:
        return row
    since = event.timestamp.timestamp()
    return _updated(
        replace(
            row,
            revision=event.revision,
            parameters=event.template_inputs,
            callback=event.callback,
            update_since=since,
            update_deadline=event.request.deadline.timestamp(),
        ),
        since,
    )


def _update_ended(row: DeploymentRow, revision: int, ending: Ending) -> DeploymentRow:
    """An update that has ended ends those before it, too: they were merged into it."""
    if revision <= row.ended_revision:
        return row
    row = replace(row, ended_revision=revision, update_end=ending)
    return _updated(row, ending.moment)


def _result(row: DeploymentRow, event: DeploymentResult, said: list[Message]) -> DeploymentRow:
    moment = event.timestamp.timestamp()
    if event.operation is Operation.DELETE:
        return _delete_ended(row, event) if event.kind == "final" else row
    if event.operation is Operation.UPDATE and event.kind == "final":
        newest = (event.revision or 0) > row.ended_revision
        ending = Ending(bool(event.success), moment, event.reason)
        row = _update_ended(row, event.revision or 0, ending)
        return replace(row, outputs=event.outputs) if newest and event.outputs else row
    if event.operation is not Operation.CREATE or event.kind in ("resources", "log"):
        return row
    attempt = event.attempt or 0
    newest = attempt >= row.attempt
    row = replace(row, attempt=max(attempt, row.attempt))
    if event.kind == "attempt" and not event.success and row.create_end is None:
        return _attempt_failed(row, event)
    if event.kind == "accepted" and row.create_end is None and newest:
        return _updated(_placed(row, event), moment)
    if event.kind == "final" and event.success and not _may_succeed(row):
        said.append(_revoke(row, moment, "The deployment has failed before it was created"))
    if event.kind == "final" and row.create_end is None:
        row = _placed(row, event) if event.success or event.kept else _displaced(row)
        ending = Ending(bool(event.success), moment, event.reason)
        return _updated(replace(row, create_end=ending, outputs=event.outputs), moment)
    return row


def _attempt_failed(row: DeploymentRow, event: DeploymentResult) -> DeploymentRow:
    """Not the end of the create: there may be another provider. A replay says nothing new."""
    number = event.attempt or 0
    if number <= row.failed_attempt:
        return row
    where = f"{event.provider_name} ({event.region_name})"
    failure = f"Attempt {number} at {where} has failed: {event.reason or 'no reason given'}"
    row = replace(row, failed_attempt=number, failure=failure)
    return _updated(row, event.timestamp.timestamp())


def _may_succeed(row: DeploymentRow) -> bool:
    return row.create_end is None or row.create_end.success


def _delete_ended(row: DeploymentRow, event: DeploymentResult) -> DeploymentRow:
    moment = event.timestamp.timestamp()
    asked = event.started_at.timestamp() if event.started_at is not None else moment
    known = row.delete_end
    if known is not None and (known.success or (known.asked or 0.0) >= asked):
        return row
    ending = Ending(bool(event.success), moment, event.reason, asked)
    since = max(row.delete_since or 0.0, asked)
    return _updated(replace(row, delete_since=since, delete_end=ending), moment)


def _placed(row: DeploymentRow, event: DeploymentResult) -> DeploymentRow:
    return replace(
        row,
        physical_id=event.infrastructure_id,
        provider_name=event.provider_name,
        region_name=event.region_name,
        provider_type=event.provider_type,
        provider_endpoint=event.provider_endpoint,
    )


def _displaced(row: DeploymentRow) -> DeploymentRow:
    return replace(
        row,
        physical_id=None,
        provider_name=None,
        region_name=None,
        provider_type=None,
        provider_endpoint=None,
    )


def _error(row: DeploymentRow, event: ErrorRecord, said: list[Message]) -> DeploymentRow:
    ends = event.component in ENDING_COMPONENTS and not event.retriable
    moment = event.timestamp.timestamp()
    if ends and event.revision > 1:
        return _update_ended(row, event.revision, Ending(False, moment, event.message))
    if not ends or row.create_end is not None:
        return row
    said.append(_revoke(row, moment, event.message))
    return _updated(replace(row, create_end=Ending(False, moment, event.message)), moment)


def _revoke(row: DeploymentRow, moment: float, reason: str) -> Command:
    """The create has failed whatever the dispatcher reports: what it has made does not stay."""
    return Command(uuid=row.uuid, timestamp=at(moment), command="cancel", force=True, reason=reason)


def _delete(row: DeploymentRow, event: Command) -> DeploymentRow:
    asked = event.timestamp.timestamp()
    if asked <= (row.delete_since or 0.0):
        return row
    return _updated(replace(row, delete_since=asked, delete_late_at=None), asked)


def _reset(row: DeploymentRow, event: Command) -> DeploymentRow:
    """The user has waited enough for a delete; the dispatcher gives it up, too."""
    moment = event.timestamp.timestamp()
    ending = Ending(False, moment, _RESET, row.delete_since)
    return _updated(replace(row, delete_end=ending), moment)


def _in_time(row: DeploymentRow, now: float, ticked: float, policy: TrackerPolicy) -> Transition:
    """What is over by the moment `ticked` ends `now`."""
    if row.created is None and ticked >= row.first_seen + policy.delete_timeout_s:
        return _forgotten(row, now)
    match row.status:
        case Status.CREATE_IN_PROGRESS if row.deadline is not None and ticked >= row.deadline:
            return _late_create(row, now, ticked, policy)
        case Status.UPDATE_IN_PROGRESS if row.update_deadline is not None:
            if ticked >= row.update_deadline + policy.delete_timeout_s:
                reason = "the update's time-out has passed, and the dispatcher did not report"
                row = _update_ended(row, row.revision, Ending(False, now, reason))
        case Status.DELETE_IN_PROGRESS:
            row = _late_delete(row, now, ticked, policy)
        case Status.DELETE_COMPLETE if row.delete_end is not None:
            if ticked >= row.delete_end.moment + policy.retention_s:
                return _forgotten(row, now)
    return Transition(row)


def _forgotten(row: DeploymentRow, now: float) -> Transition:
    return Transition(None, (Command(uuid=row.uuid, timestamp=at(now), command="forget"),))


def _late_create(
    row: DeploymentRow, now: float, ticked: float, policy: TrackerPolicy
) -> Transition:
    if row.cancelled_at is None:
        reason = "The overall time-out has passed"
        cancel = Command(uuid=row.uuid, timestamp=at(now), command="cancel", reason=reason)
        return Transition(replace(row, cancelled_at=now), (cancel,))
    if ticked >= row.cancelled_at + policy.delete_timeout_s:
        reason = "The overall time-out has passed, and the dispatcher did not report"
        ended = _updated(replace(row, create_end=Ending(False, now, reason)), now)
        return Transition(ended, (_revoke(row, now, reason),))
    return Transition(row)


def _late_delete(
    row: DeploymentRow, now: float, ticked: float, policy: TrackerPolicy
) -> DeploymentRow:
    """The dispatcher has the time-out for itself, and then it has once more that time to report.

    The second one counts from when the first is noticed: after an outage its report may be waiting.
    """
    if row.delete_late_at is None:
        late = ticked >= (row.delete_since or now) + policy.delete_timeout_s
        return replace(row, delete_late_at=now) if late else row
    if ticked < row.delete_late_at + policy.delete_timeout_s:
        return row
    reason = "the dispatcher did not report the delete in time"
    ending = Ending(False, now, reason, row.delete_since)
    return _updated(replace(row, delete_end=ending), now)


def _updated(row: DeploymentRow, moment: float) -> DeploymentRow:
    return replace(row, updated=max(row.updated, moment))
