"""The jobs of a deployment that exists: they wait in a queue, and one is under way at a time.

Updates that wait are merged: the newest template counts, and what any of them wants removed goes.
A job that fails leaves the deployment where it is, and never goes to another provider.
"""

from dataclasses import replace

from paas_stream.lifecycle import attempt as attempts
from paas_stream.lifecycle import reports
from paas_stream.lifecycle.attempt import LOOKS, WORKING, Attempt, Outcome, Phase
from paas_stream.lifecycle.dispatch_row import DispatchRow, Final, Goal
from paas_stream.lifecycle.job import (
    ENDED_STATES,
    MOVING,
    QUEUE,
    REMEMBERED,
    ROUNDS,
    Job,
    JobKind,
    MachineRef,
    UpdateJoin,
    identity,
    is_other,
    lacking,
    loses_data,
    surplus,
    type_of,
)
from paas_stream.lifecycle.turn import Turn
from paas_stream.records import (
    Command,
    DispatchEvent,
    RankedProviders,
    ValidatedTemplate,
)

_FAILED_STATES = frozenset({"failed", "unconfigured"})
_GONE = "the infrastructure is not in the IM any more"
_KEEPS_DATA = (
    "node {!r}: of a container with a volume the image, the CPUs and the memory can be changed, and "
    "nothing else: it would be made anew, without what it has stored"
)
_NOT_OPEN = "the deployment's provider is not among those that can host the new template"


def update_template(row: DispatchRow, event: ValidatedTemplate, digest: str) -> DispatchRow:
    """Half of an update: what is wanted."""
    join = _join(row, event.revision)
    if join is None or join.wanted is not None:
        return row
    placed = [node for node in event.nodes if node.has_machines]
    return _with_join(
        row,
        replace(
            join,
            asked=event.timestamp.timestamp(),
            deadline=event.request.deadline.timestamp(),
            digest=digest,
            wanted={node.name: node.count for node in placed},
            nodes=tuple((node.name, identity(node)) for node in placed if node.types),
            removals=event.removals,
        ),
    )


def update_ranking(row: DispatchRow, event: RankedProviders) -> DispatchRow:
    """The other half: whether the deployment's provider can host it, and how."""
    join, winner = _join(row, event.revision), row.winner
    if join is None or join.candidate is not None or winner is None:
        return row
    here = (winner.provider_name, winner.region_name, winner.provider_endpoint)
    places = [
        place
        for place, one in enumerate(event.ranked_providers)
        if (one.provider_name, one.region_name, one.target.endpoint) == here
    ]
    return _with_join(row, replace(join, candidate=places[0] if places else -1))


def _join(row: DispatchRow, revision: int) -> UpdateJoin | None:
    """The join of an update. None: that one has begun already, or a newer one waits as a job."""
    known = max([row.revision, *(job.revision for job in row.jobs)])
    if revision <= known or row.goal is not Goal.CREATE:
        return None
    found = [one for one in row.joins if one.revision == revision]
    return found[0] if found else UpdateJoin(revision, 0.0)


def _with_join(row: DispatchRow, join: UpdateJoin) -> DispatchRow:
    others = [one for one in row.joins if one.revision != join.revision]
    joins = sorted([*others, join], key=lambda one: one.revision)
    return replace(row, joins=tuple(joins[-QUEUE:]))


def action(row: DispatchRow, event: Command, turn: Turn) -> DispatchRow:
    """A user wants a machine to be started or stopped, or machines to be configured again."""
    asked = event.timestamp.timestamp()
    job = Job(JobKind(event.command), asked, machine=event.machine, request_id=event.request_id)
    if job.name in row.acted:
        return row
    row = replace(row, acted=(*row.acted, job.name)[-REMEMBERED:])
    # After a crash it may come before the events that the create has ended by.
    is_there = row.goal is Goal.CREATE and row.final in (None, Final.CREATED)
    if not is_there or len(row.jobs) >= QUEUE:
        _refuse(row, job, turn)
        return row
    return replace(row, jobs=(*row.jobs, job))


def _refuse(row: DispatchRow, job: Job, turn: Turn) -> None:
    reason = "the deployment is not in a state for it, or too much waits for its turn"
    turn.say(reports.job_ended(row.uuid, None, job, job.asked, success=False, reason=reason))


def dropped(row: DispatchRow, turn: Turn) -> DispatchRow:
    """Nothing can be done with a deployment whose create has failed."""
    for job in row.jobs:
        _refuse(row, job, turn)
    return replace(row, jobs=())


def refresh(now: float) -> Job:
    """A look at what is there."""
    return Job(JobKind.REFRESH, now)


def advance(row: DispatchRow, turn: Turn) -> DispatchRow:
    """End what is overdue, and begin what is next."""
    if row.goal is not Goal.CREATE or row.winner is None or row.final is None:
        return row
    row = _collected(row)
    if (one := row.winner) is not None and one.phase in WORKING and one.job is not None:
        end = attempts.job_deadline(one.job, turn.policy)
        if end is not None and turn.ticked is not None and turn.ticked >= end:
            last = f"; last: {one.reason}" if one.reason else ""
            reason = f"not done within its time-out{last}"
            row = _ended(row, one, turn, success=False, reason=reason)
    waiting = [job for job in row.jobs if job.kind is not JobKind.REFRESH]
    if (one := row.winner) is not None and waiting and _only_watches(one):
        row = _ended(row, one, turn, success=True)  # what waits comes first
        row = replace(row, jobs=(*waiting, refresh(turn.now)))
    while (one := row.winner) is not None and _is_free(one) and row.jobs:
        job = replace(row.jobs[0], started_at=turn.now)
        row = replace(row, jobs=row.jobs[1:])
        row = _begun(row, replace(one, job=job, reason=None), job, turn)
    return row


def _only_watches(one: Attempt) -> bool:
    """Whether nothing but time goes by: the IM is at work, or a look that failed is tried again."""
    if one.job is None or one.job.kind is not JobKind.REFRESH:
        return False
    return one.phase is Phase.SETTLING or (not one.in_flight and one.tries > 0)


def _is_free(one: Attempt) -> bool:
    return one.phase is Phase.SUCCEEDED and not one.in_flight


def _collected(row: DispatchRow) -> DispatchRow:
    """The newest update of which both halves are there becomes a job, in the place of older ones."""
    ready = [one for one in row.joins if one.wanted is not None and one.candidate is not None]
    if not ready:
        return row
    newest = ready[-1]
    older = [one for one in row.joins if one.revision < newest.revision]
    waiting = [job for job in row.jobs if job.kind is JobKind.UPDATE]
    removals = [machine for one in waiting for machine in one.removals]
    removals += [machine for one in (*older, newest) for machine in one.removals]
    job = Job(
        JobKind.UPDATE,
        newest.asked,
        deadline=newest.deadline,
        revision=newest.revision,
        candidate=newest.candidate if newest.candidate is not None else -1,
        digest=newest.digest,
        wanted=newest.wanted,
        nodes=newest.nodes,
        removals=tuple(dict.fromkeys(removals)),
    )
    others = [one for one in row.jobs if one.kind is not JobKind.UPDATE]
    return replace(
        row,
        joins=tuple(one for one in row.joins if one.revision > newest.revision),
        jobs=(*others, job),
    )


def _begun(row: DispatchRow, one: Attempt, job: Job, turn: Turn) -> DispatchRow:
    if job.kind is JobKind.REFRESH:
        return row.with_attempt(attempts.enter(one, Phase.READING, turn.now))
    turn.say(reports.job_begins(row.uuid, one, job, turn.now))
    if job.kind is not JobKind.UPDATE:
        return row.with_attempt(attempts.enter(one, Phase.CHANGING, turn.now))
    row = replace(row, revision=job.revision)
    if job.candidate < 0:
        return _ended(row, one, turn, success=False, reason=_NOT_OPEN)
    if job.digest == row.digest and not job.removals:
        return _ended(row, one, turn, success=True, reason="nothing is to be changed")
    return row.with_attempt(attempts.enter(one, Phase.READING, turn.now))


def apply(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    """The row after an effect of a job."""
    if one.job is None:
        return row
    if event.outcome == Outcome.GONE:
        return _ended(row, one, turn, success=False, reason=_GONE)
    match one.phase, event.effect, event.outcome:
        case Phase.CHANGING, "change", Outcome.CHANGED:
            if event.message:
                turn.say(reports.unchecked(row.uuid, one, event.message, turn.now))
            return row.with_attempt(_settles(one, turn))
        case Phase.CHANGING, "change", Outcome.REFUSED | Outcome.REFUSED_TEMPLATE:
            return _ended(row, one, turn, success=False, reason=event.message)
        case Phase.SETTLING, "poll", _:
            return _settling(row, one, one.job, event, turn)
        case Phase.READING, "read", Outcome.READ:
            return _read(row, one, one.job, event, turn)
        case (Phase.CHANGING, "change", _) | (Phase.READING, "read", _):
            return _again(row, one, one.job, event, turn)
    return row


def _settles(one: Attempt, turn: Turn) -> Attempt:
    settling = attempts.enter(one, Phase.SETTLING, turn.now)
    return replace(settling, im_state=None, state_since=turn.now, reason=None)


def _settling(
    row: DispatchRow,
    one: Attempt,
    job: Job,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    if event.outcome == Outcome.FAULT and not one.tries:
        turn.say(reports.fault(row.uuid, one, "poll", event.message or "", None, turn.now))
        return row.with_attempt(replace(one, tries=1))
    if event.outcome == Outcome.REFUSED:  # the machine is not there any more
        return _ended(row, one, turn, success=False, reason=event.message)
    if event.outcome != Outcome.STATE or event.state is None:
        return row
    if event.state in ENDED_STATES[job.kind]:
        return row.with_attempt(attempts.enter(one, Phase.READING, turn.now))
    if event.state in _FAILED_STATES:
        reason = f"the IM reports {event.state}: {event.message or 'no reason given'}"
        return _ended(row, one, turn, success=False, reason=reason)
    news = event.state != one.im_state
    seen = replace(
        one,
        im_state=event.state,
        state_since=turn.now if news else one.state_since,
        reason=event.message or (None if news else one.reason),
        tries=0,
    )
    if event.message:
        turn.say(reports.im_state(row.uuid, seen, turn.now))
    return row.with_attempt(seen)


def _read(
    row: DispatchRow,
    one: Attempt,
    job: Job,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    machines = tuple(MachineRef(each.id, each.node) for each in event.machine_list)
    row = replace(row, machines=machines)
    turn.say(reports.resources(row.uuid, one, event.machine_list, turn.now))
    moves = any(each.state in MOVING for each in event.machine_list)
    if job.kind is JobKind.REFRESH and moves and job.rounds < ROUNDS:
        again = replace(one, job=replace(job, rounds=job.rounds + 1))
        return row.with_attempt(_settles(again, turn))
    if job.kind is not JobKind.UPDATE or job.wanted is None:
        return _ended(row, one, turn, success=True, moves=moves)
    before = dict(row.nodes)
    first = job.rounds == 0
    lost = [name for name, now in job.nodes if loses_data(before.get(name, now), now)]
    if first and lost:
        return _ended(row, one, turn, success=False, reason=_KEEPS_DATA.format(lost[0]))
    changed = [name for name, now in job.nodes if is_other(before.get(name, now), now)]
    gone = surplus(machines, job.wanted, job.removals, changed if first else ())
    missing = lacking(machines, job.wanted)
    if not first and not gone and not missing and not job.unheard:
        return _ended(row, one, turn, success=True, outputs=event.outputs, moves=moves)
    if job.rounds >= ROUNDS and not job.unheard:
        reason = f"the IM has {missing} machines too few and {len(gone)} too many"
        return _ended(row, one, turn, success=False, reason=reason)
    kinds = dict.fromkeys((each.node for each in machines if each.node), "") | before
    left = tuple((name, type_of(kind)) for name, kind in kinds.items() if name not in job.wanted)
    rounds = job.rounds if job.unheard else job.rounds + 1
    begun = replace(job, removals=gone, gone=left, rounds=rounds, unheard=False)
    again = replace(one, job=begun)
    return row.with_attempt(attempts.enter(again, Phase.CHANGING, turn.now))


def _again(
    row: DispatchRow,
    one: Attempt,
    job: Job,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    later = attempts.again(one, turn.now, turn.policy, row.uuid, event.retry_after_s)
    later = replace(later, reason=event.message or later.reason)
    if job.kind is JobKind.REFRESH and one.tries:
        return row.with_attempt(later)  # said once: nobody waits for it
    if one.phase is Phase.CHANGING and job.kind is JobKind.UPDATE:
        # It may have been done, even twice: what must go follows from what is there now.
        later = replace(later, phase=Phase.READING, job=replace(job, unheard=True))
    turn.say(reports.fault(row.uuid, one, event.effect, event.message or "", later.due, turn.now))
    return row.with_attempt(later)


def _ended(
    row: DispatchRow,
    one: Attempt,
    turn: Turn,
    *,
    success: bool,
    reason: str | None = None,
    outputs: str | None = None,
    moves: bool = False,
) -> DispatchRow:
    """The job has ended; the deployment is at rest again, or looked at once more.

    `moves`: what was read last will be otherwise soon.
    """
    job = one.job
    rest = replace(
        one,
        phase=Phase.SUCCEEDED,
        job=None,
        in_flight=False,
        tries=0,
        reason=None,
        due=turn.now + turn.policy.recheck_s if one.doubtful and one.looks < LOOKS else None,
    )
    row = row.with_attempt(rest)
    if job is None or job.kind is JobKind.REFRESH:
        return row
    turn.say(
        reports.job_ended(
            row.uuid, one, job, turn.now, success=success, reason=reason, outputs=outputs
        )
    )
    others = tuple(each for each in row.jobs if each.kind is not JobKind.REFRESH)
    if not success:
        return replace(_half_done(row, job), jobs=(refresh(turn.now), *others))
    if moves:
        row = replace(row, jobs=(*others, refresh(turn.now)))
    if job.kind is JobKind.UPDATE:
        return replace(row, digest=job.digest, nodes=job.nodes)
    return row


def _half_done(row: DispatchRow, job: Job) -> DispatchRow:
    """After an update that failed: what is there is neither the old template nor the new one, so that
    going back to the old one is a change, and machines of a node that was to be replaced may be either.
    """
    if job.kind is not JobKind.UPDATE or job.rounds == 0:
        return row
    new = dict(job.nodes)
    nodes = tuple((name, kind if new.get(name, kind) == kind else "") for name, kind in row.nodes)
    return replace(row, digest="", nodes=nodes)
