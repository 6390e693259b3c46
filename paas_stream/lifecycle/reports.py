"""What the dispatcher says: results, steps for the timeline, and orphans."""

from datetime import UTC, datetime
from typing import Any

from paas_stream.lifecycle.attempt import Attempt
from paas_stream.lifecycle.job import Job, JobKind
from paas_stream.records import (
    DeploymentResult,
    ErrorRecord,
    Machine,
    Operation,
    ProcedureStatus,
)

COMPONENT = "im-dispatcher"


def at(moment: float) -> datetime:
    """Seconds since the epoch as a time of day in UTC."""
    return datetime.fromtimestamp(moment, UTC)


def _of(one: Attempt) -> dict[str, Any]:
    return {
        "attempt": one.number,
        "provider_name": one.provider_name,
        "region_name": one.region_name,
    }


def _place(one: Attempt) -> dict[str, Any]:
    return _of(one) | {
        "provider_type": one.provider_type,
        "provider_endpoint": one.provider_endpoint,
        "infrastructure_id": one.infrastructures[0] if one.infrastructures else None,
        "im_state": one.im_state,
        "started_at": at(one.started_at),
    }


def _step(uuid: str, one: Attempt, now: float, **fields: Any) -> ProcedureStatus:
    return ProcedureStatus(uuid=uuid, timestamp=at(now), component=COMPONENT, **_of(one), **fields)


def attempt_begins(uuid: str, one: Attempt, now: float) -> ProcedureStatus:
    """A provider is being tried."""
    text = f"attempt {one.number}: {one.provider_name} ({one.region_name}) is tried"
    return _step(uuid, one, now, step="attempt", status="begin", message=text)


def accepted(uuid: str, one: Attempt, now: float) -> DeploymentResult:
    """The IM has an infrastructure for the deployment."""
    return DeploymentResult(uuid=uuid, timestamp=at(now), kind="accepted", **_place(one))


def im_state(uuid: str, one: Attempt, now: float) -> ProcedureStatus:
    """The infrastructure's state has changed."""
    shown = "" if one.machines else ", no machine yet"
    why = f": {one.reason}" if one.reason else ""
    text = f"the IM reports {one.im_state}{shown}{why}"
    return _step(uuid, one, now, step="poll", status="begin", message=text)


def fault(
    uuid: str, one: Attempt, effect: str, message: str, due: float | None, now: float
) -> ProcedureStatus:
    """A temporary fault; it is tried again at `due`."""
    wait = f"; tried again in {due - now:.0f} s" if due is not None else "; tried again"
    return _step(uuid, one, now, step=effect, status="failed", message=message + wait)


def attempt_failed(uuid: str, one: Attempt, now: float) -> DeploymentResult:
    """A provider's turn has ended without success."""
    return DeploymentResult(
        uuid=uuid,
        timestamp=at(now),
        kind="attempt",
        success=False,
        failure=one.failure,
        reason=one.reason,
        ended_at=at(now),
        kept=one.phase == "kept",
        **_place(one),
    )


def attempt_succeeded(uuid: str, one: Attempt, now: float) -> DeploymentResult:
    """A provider's turn has ended with an infrastructure that is configured."""
    return DeploymentResult(
        uuid=uuid, timestamp=at(now), kind="attempt", success=True, ended_at=at(now), **_place(one)
    )


def unchecked(uuid: str, one: Attempt, message: str, now: float) -> ProcedureStatus:
    """Something of what was made could not be looked at."""
    return _step(uuid, one, now, step="confirm", status="end", message=message)


def cleaned(uuid: str, one: Attempt, now: float) -> ProcedureStatus:
    """What an attempt had created is deleted."""
    took = now - one.clean_since if one.clean_since is not None else None
    text = f"nothing of attempt {one.number} is left in the IM"
    return _step(uuid, one, now, step="clean", status="end", message=text, duration_s=took)


def found_again(uuid: str, one: Attempt, now: float) -> ProcedureStatus:
    """What was deleted is in the IM again."""
    ids = ", ".join(one.infrastructures)
    text = f"the IM has {ids} of attempt {one.number} again: it is deleted once more"
    return _step(uuid, one, now, step="clean", status="begin", message=text)


def vanished(uuid: str, one: Attempt, now: float) -> ErrorRecord:
    """A deployment's infrastructure is not there any more, and nobody has asked for that."""
    return _vanished(uuid, one, "is not in the IM any more", now)


def lost_machines(uuid: str, one: Attempt, sentence: str, now: float) -> ErrorRecord:
    """The IM shows machines no more that it had made, and nobody has asked for that."""
    return _vanished(uuid, one, f"is not whole: {sentence}", now)


def _vanished(uuid: str, one: Attempt, what: str, now: float) -> ErrorRecord:
    return ErrorRecord(
        uuid=uuid,
        timestamp=at(now),
        component=COMPONENT,
        step="inspect",
        code="vanished",
        message=f"infrastructure {', '.join(one.infrastructures)} at {one.provider_name} "
        f"({one.region_name}) {what}",
        retriable=True,
    )


def created(uuid: str, winner: Attempt, now: float) -> DeploymentResult:
    """The create has succeeded."""
    return DeploymentResult(
        uuid=uuid,
        timestamp=at(now),
        kind="final",
        success=True,
        ended_at=at(winner.ended_at or now),
        outputs=winner.outputs,
        **_place(winner),
    )


def resources(
    uuid: str, one: Attempt, machines: tuple[Machine, ...], now: float
) -> DeploymentResult:
    """What is there."""
    return DeploymentResult(
        uuid=uuid, timestamp=at(now), kind="resources", machines=machines, **_place(one)
    )


def job_begins(uuid: str, one: Attempt, job: Job, now: float) -> ProcedureStatus:
    """A job has its turn."""
    text = f"the update to revision {job.revision} begins"
    if job.kind is not JobKind.UPDATE:
        what = "all machines" if job.machine is None else f"machine {job.machine}"
        text = f"the {job.kind} of {what} begins"
    return _step(uuid, one, now, step=job.kind.value, status="begin", message=text)


def job_ended(
    uuid: str,
    one: Attempt | None,
    job: Job,
    now: float,
    *,
    success: bool,
    reason: str | None = None,
    outputs: str | None = None,
) -> DeploymentResult:
    """How an update or an action has ended."""
    is_update = job.kind is JobKind.UPDATE
    fields = {} if one is None else _place(one)
    fields["started_at"] = at(max(job.started_at or 0.0, job.asked))  # clocks differ
    return DeploymentResult(
        uuid=uuid,
        timestamp=at(now),
        kind="final",
        operation=Operation.UPDATE if is_update else Operation.ACTION,
        success=success,
        reason=reason,
        ended_at=at(now),
        outputs=outputs,
        revision=job.revision if is_update else None,
        machine=job.machine,
        request_id=job.request_id,
        **fields,
    )


def log(uuid: str, text: str | None, request_id: str | None, now: float) -> DeploymentResult:
    """The contextualization log, sealed."""
    return DeploymentResult(
        uuid=uuid, timestamp=at(now), kind="log", log=text, request_id=request_id
    )


def create_failed(uuid: str, reason: str, kept: Attempt | None, now: float) -> DeploymentResult:
    """The create has failed."""
    place = _place(kept) if kept is not None else {}
    return DeploymentResult(
        uuid=uuid,
        timestamp=at(now),
        kind="final",
        success=False,
        reason=reason,
        ended_at=at(now),
        kept=kept is not None,
        **place,
    )


def deleted(uuid: str, orphans: list[Attempt], since: float, now: float) -> DeploymentResult:
    """The delete has ended; with `orphans` it has failed."""
    names = ", ".join(f"{one.provider_name} ({one.region_name})" for one in orphans)
    reason = f"not deleted in time, something may be left at {names}" if orphans else None
    return DeploymentResult(
        uuid=uuid,
        timestamp=at(now),
        kind="final",
        operation=Operation.DELETE,
        success=not orphans,
        reason=reason,
        started_at=at(since),
        ended_at=at(now),
    )


def orphan(uuid: str, one: Attempt, now: float, why: str) -> ErrorRecord:
    """Something may be left at a provider: operators must look."""
    ids = ", ".join(one.infrastructures) or "unknown"
    return ErrorRecord(
        uuid=uuid,
        timestamp=at(now),
        component=COMPONENT,
        step="clean",
        code="orphan",
        message=f"attempt {one.number} may have left infrastructure {ids} at "
        f"{one.provider_name} ({one.region_name}): {why}",
        retriable=True,
    )
