"""The dispatcher's state machine: from ranked providers to one infrastructure, or none.

`step` takes any event of the dispatcher's topics in any order: it joins the validated template with
the ranking, remembers an early command, and never goes backwards. It says what is to be sent, and
which effects are to be issued; the row it returns already awaits their results, so after a crash the
row says what was intended and a tick issues it again.

Topics overtake each other after a crash; the events of one do not. So how a create ends follows from
`dispatch-events` alone: a `cancel` of the commands takes its place there before it is acted upon.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import orjson

from paas_stream.clocks import not_ahead
from paas_stream.lifecycle import attempt as attempts
from paas_stream.lifecycle import jobs, outcome, reports, room
from paas_stream.lifecycle.attempt import LIVE, Attempt, Effect, EffectKind, Phase, Policy
from paas_stream.lifecycle.dispatch_row import NO_ROOM, DispatchRow, Final, Goal, Plan, Provider
from paas_stream.lifecycle.inspection import inspections
from paas_stream.lifecycle.job import identity
from paas_stream.lifecycle.reports import at
from paas_stream.lifecycle.turn import Turn
from paas_stream.records import Command, DispatchEvent, Message, RankedProviders, ValidatedTemplate

_LOGGED = LIVE | {Phase.POLLING, Phase.CONFIRMING, Phase.KEPT}

Event = ValidatedTemplate | RankedProviders | Command | DispatchEvent


class Decision(StrEnum):
    """What a create does next when no attempt is active."""

    WAIT = "wait"  # for the clean-up of a failed attempt, or for the other half of the join
    NEXT = "next"  # the next provider is tried
    END = "end"  # nothing is left to try


@dataclass(frozen=True)
class Transition:
    """What a step leads to: send `messages`, then store `row` (None: delete it), then issue `effects`."""

    row: DispatchRow | None
    messages: tuple[Message, ...] = ()
    effects: tuple[Effect, ...] = ()


def makes_row(event: Message) -> bool:
    """Whether a deployment without a row gets one. What answers the effects of a row does not."""
    return not isinstance(event, DispatchEvent) or event.event == "cancel"


def step(row: DispatchRow, event: Event, now: float, policy: Policy) -> Transition:
    """The transition that `event` causes at the moment `now` (seconds since the epoch)."""
    ticked = _ticked(event)
    turn, before = Turn(now, not_ahead(event.timestamp.timestamp(), now), ticked, policy), row
    match event:
        case ValidatedTemplate() if event.revision > 1:
            row = jobs.update_template(row, event, digest(event))
        case RankedProviders() if event.revision > 1:
            row = jobs.update_ranking(row, event)
        case ValidatedTemplate():
            row = _joined_template(row, event)
        case RankedProviders():
            row = _joined_ranking(row, event)
        case Command(command="start" | "stop" | "reconfigure"):
            row = jobs.action(row, event, turn)
        case Command():
            row = _commanded(row, event, turn)
        case DispatchEvent(event="effect"):
            row = outcome.apply(row, event, turn)
        case DispatchEvent(event="cancel"):
            row = _cancelled(row, event)
    row = _overdue_attempts(row, turn)
    row = _overdue_clean_ups(row, turn)
    row = _create(row, turn) if row.goal is Goal.CREATE else _delete(row, turn)
    row = jobs.advance(row, turn)
    turn.say(*room.told(before, row, now))
    if row.forgettable:
        return Transition(None, tuple(turn.said))
    issued = [attempts.issue(one, row.uuid, now, ticked, policy) for one in row.attempts]
    row = replace(row, attempts=tuple(one for one, _ in issued))
    effects = [effect for _, effect in issued if effect]
    if isinstance(event, Command) and event.command == "inspect":
        effects += inspections(row)
    if isinstance(event, Command) and event.command == "log":
        effects += _logs(row, event)
    return Transition(row, tuple(turn.said), tuple(effects))


def digest(event: ValidatedTemplate) -> str:
    """What tells a template from another one."""
    text = orjson.dumps(event.template, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _logs(row: DispatchRow, event: Command) -> list[Effect]:
    """The log of the newest attempt, if it has one and nothing is being deleted."""
    for one in reversed(row.attempts):
        if one.infrastructures and one.phase in _LOGGED:
            return [
                Effect(
                    row.uuid,
                    one.number,
                    one.issue,
                    EffectKind.LOG,
                    one.candidate,
                    infrastructures=one.infrastructures,
                    request_id=event.request_id,
                )
            ]
    return []


def polls(row: DispatchRow) -> Iterable[Effect]:
    """The polls that repeat in memory for this row."""
    return [effect for one in row.attempts if (effect := attempts.poll(one, row.uuid))]


def moments(row: DispatchRow, policy: Policy, now: float | None = None) -> list[float]:
    """When the row must be looked at again, whatever happens (seconds since the epoch).

    After a step at `now` only those after `now` count: what was due before has had its effect. Only
    a lease or a time that is over has not, since it needs a tick: that is wanted at once. When a worker
    takes a row over (`now` is None), those of the past count too.
    """
    found = [moment for one in row.attempts for moment in attempts.moments(one, policy)]
    if now is not None and any(_awaits_tick(one, now, policy) for one in row.attempts):
        found.append(now + attempts.AT_ONCE_S)
    return found


def _awaits_tick(one: Attempt, now: float, policy: Policy) -> bool:
    """Whether its lease or its time is over, of which a tick has to tell."""
    if one.in_flight and (one.due or now) <= now:
        return True
    end = attempts.job_deadline(one.job, policy) if one.job is not None else None
    return attempts.overdue(one, now, policy) is not None or (end is not None and end <= now)


def poll_interval_s(age_s: float, least_s: float, most_s: float) -> float:
    """A tenth of the time that the state has lasted: from `least_s`, growing to `most_s`."""
    return min(most_s, max(least_s, age_s / 10))


def _ticked(event: Event) -> float | None:
    if isinstance(event, DispatchEvent) and event.event == "tick":
        return event.timestamp.timestamp()
    return None


def _joined_template(row: DispatchRow, event: ValidatedTemplate) -> DispatchRow:
    if row.plan is not None:
        return row
    request = event.request
    plan = Plan(
        deadline=request.deadline.timestamp(),
        provider_timeout_s=request.per_provider_timeout * 60.0,
        max_providers=request.max_providers,
        keep_last_attempt=request.keep_last_attempt,
    )
    placed = tuple((one.name, identity(one)) for one in event.nodes if one.has_machines)
    return replace(row, plan=plan, nodes=placed, digest=digest(event))


def _joined_ranking(row: DispatchRow, event: RankedProviders) -> DispatchRow:
    if row.ranked is not None:
        return row
    ranked = tuple(
        Provider(
            one.provider_name,
            one.region_name,
            one.target.type,
            one.target.endpoint,
            one.target.project,
        )
        for one in event.ranked_providers
    )
    return replace(row, ranked=ranked)


def _commanded(row: DispatchRow, event: Command, turn: Turn) -> DispatchRow:
    match event.command:
        case "cancel" if _changed_by_cancel(row, event.force):
            turn.say(_in_place(event, turn.now))
        case "delete":
            return _asked_to_delete(row, event, turn.now)
        case "reset" if row.goal is Goal.DELETE and row.final is None:
            left = [one for one in row.attempts if not one.settled]
            turn.say(reports.deleted(row.uuid, left, row.delete_asked or turn.now, turn.now))
            return replace(row, final=Final.DELETE_FAILED)  # the clean-up goes on all the same
        case "forget" if not row.attempts or row.final is Final.DELETED:
            return replace(row, forgotten=True)
    return row


def _in_place(event: Command, now: float) -> DispatchEvent:
    """The same behind all results that are there: one of them may have been told as a success."""
    return DispatchEvent(
        uuid=event.uuid, timestamp=at(now), event="cancel", force=event.force, message=event.reason
    )


def _changed_by_cancel(row: DispatchRow, force: bool) -> bool:
    """`force` means that the tracker has called it failed: then even a success does not stay."""
    if row.goal is not Goal.CREATE or row.final is Final.FAILED or row.revoked:
        return False
    return force or (row.cancelled is None and row.final is None)


def _cancelled(row: DispatchRow, event: DispatchEvent) -> DispatchRow:
    if not _changed_by_cancel(row, event.force):
        return row
    cancelled = row.cancelled or event.message or "cancelled"
    row = replace(row, cancelled=cancelled, revoked=event.force, final=None)
    return replace(row, jobs=(), joins=()) if event.force else row


def _asked_to_delete(row: DispatchRow, event: Command, now: float) -> DispatchRow:
    """A `delete` that is newer than all before begins a new one, unless one is under way."""
    known, asked = row.delete_asked, event.timestamp.timestamp()
    if row.goal is Goal.DELETE and row.final is not None and known is not None and asked <= known:
        return row
    row = replace(row, delete_asked=asked if known is None else max(asked, known))
    if row.goal is Goal.CREATE or row.final is not None:
        return _begin_delete(replace(row, goal=Goal.DELETE, final=None, force=event.force), now)
    if not event.force or row.force:
        return row
    return _each(
        replace(row, force=True),
        lambda one: attempts.force(one, now) if one.phase is Phase.CLEANING else one,
    )


def _begin_delete(row: DispatchRow, now: float) -> DispatchRow:
    """What failed before and was cleaned is cleaned again: the IM may have brought it back."""
    row = replace(row, jobs=(), joins=())
    return _each(row, lambda one: one if one.failure == NO_ROOM else attempts.clean_up(one, now))


def _each(row: DispatchRow, change: Callable[[Attempt], Attempt]) -> DispatchRow:
    return replace(row, attempts=tuple(change(one) for one in row.attempts))


def _overdue_attempts(row: DispatchRow, turn: Turn) -> DispatchRow:
    if row.goal is not Goal.CREATE:
        return row
    for one in row.attempts:
        if row.revoked and one.phase in LIVE:
            row = row.with_attempt(attempts.clean_up(replace(one, reason=row.cancelled), turn.now))
        elif one.active and row.cancelled is not None:
            if row.revoked or one.phase is not Phase.CONFIRMING:
                row = outcome.fail(row, one, "cancelled", row.cancelled, turn)
        # Only by a tick: every result that came in time stands before it, also after a crash.
        elif turn.ticked is not None and (late := attempts.overdue(one, turn.ticked, turn.policy)):
            row = outcome.fail(row, one, *late, turn)
    return row


def _create(row: DispatchRow, turn: Turn) -> DispatchRow:
    if row.final is not None or any(one.active for one in row.attempts):
        return row
    match _decide(row, turn):
        case Decision.NEXT:
            return _next_attempt(row, turn)
        case Decision.END:
            return _end_create(row, turn)
        case Decision.WAIT:
            return row


def _decide(row: DispatchRow, turn: Turn) -> Decision:
    if row.cancelled is None and (row.plan is None or row.ranked is None):
        return Decision.WAIT
    for one in row.attempts:
        if (
            not one.settled
            and turn.now < (one.clean_since or turn.now) + turn.policy.cleanup_beside_s
        ):
            return Decision.WAIT
    if row.winner is not None:
        return Decision.END
    return Decision.END if row.next_candidate(turn.moment) is None else Decision.NEXT


def _next_attempt(row: DispatchRow, turn: Turn) -> DispatchRow:
    candidate = row.next_candidate(turn.moment)
    if candidate is None or row.plan is None or row.ranked is None:
        return row
    provider = row.ranked[candidate]
    started = Attempt(
        number=len(row.attempts) + 1,
        candidate=candidate,
        provider_name=provider.name,
        region_name=provider.region,
        provider_type=provider.type,
        provider_endpoint=provider.endpoint,
        started_at=turn.now,
        deadline=min(row.plan.deadline, turn.now + row.plan.provider_timeout_s),
        project=provider.project,
        due=turn.now,
    )
    turn.say(reports.attempt_begins(row.uuid, started, turn.now))
    return replace(row, attempts=(*row.attempts, started))


def _end_create(row: DispatchRow, turn: Turn) -> DispatchRow:
    turn.say(
        *(
            reports.orphan(row.uuid, one, turn.now, "its clean-up is still under way")
            for one in row.attempts
            if not one.settled
        )
    )
    winner = row.winner
    if winner is not None:
        turn.say(reports.created(row.uuid, winner, turn.now))
        return replace(row, final=Final.CREATED, jobs=(jobs.refresh(turn.now), *row.jobs))
    kept = next((one for one in row.attempts if one.phase is Phase.KEPT), None)
    turn.say(reports.create_failed(row.uuid, _why(row, turn.moment), kept, turn.now))
    return jobs.dropped(replace(row, final=Final.FAILED), turn)


def _why(row: DispatchRow, now: float) -> str:
    tried = "; ".join(
        f"{one.number}. {one.provider_name} ({one.region_name}): {one.reason}"
        for one in row.attempts
        if one.reason
    )
    if row.cancelled is not None:
        return row.cancelled + (f". Attempts: {tried}" if tried else "")
    if not row.ranked:
        return "No provider can host the template"
    if row.refused_as_such():
        return f"The Infrastructure Manager refuses the template: {row.attempts[-1].reason}"
    if row.plan is not None and now >= row.plan.deadline:
        return f"The overall time-out has passed. Attempts: {tried or 'none'}"
    return f"Every provider that may be tried has failed. Attempts: {tried}"


def _delete(row: DispatchRow, turn: Turn) -> DispatchRow:
    if row.final is not None or not all(one.settled for one in row.attempts):
        return row
    orphans = [one for one in row.attempts if one.phase is Phase.ORPHANED]
    turn.say(reports.deleted(row.uuid, orphans, row.delete_asked or turn.now, turn.now))
    return replace(row, final=Final.DELETE_FAILED if orphans else Final.DELETED)


def _overdue_clean_ups(row: DispatchRow, turn: Turn) -> DispatchRow:
    for one in row.attempts:
        if one.phase is not Phase.CLEANING or one.clean_since is None:
            continue
        given_up = attempts.given_up_at(one, turn.policy)
        if given_up is not None and turn.now >= given_up:
            turn.say(reports.orphan(row.uuid, one, turn.now, "it could not be deleted"))
            row = row.with_attempt(attempts.orphaned(one))
        elif turn.now >= one.clean_since + turn.policy.delete_timeout_s:
            row = row.with_attempt(attempts.force(one, turn.now))
    return row
