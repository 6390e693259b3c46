"""What the result of an effect does to its attempt."""

from dataclasses import replace

from paas_stream.lifecycle import attempt as attempts
from paas_stream.lifecycle import jobs, reports
from paas_stream.lifecycle.attempt import Attempt, EffectKind, Outcome, Phase, Policy
from paas_stream.lifecycle.dispatch_row import NO_ROOM, DispatchRow
from paas_stream.lifecycle.inspection import found_again, inspected
from paas_stream.lifecycle.turn import Turn
from paas_stream.records import DispatchEvent

_BEFORE_CLEANING = frozenset(
    {
        EffectKind.CREATE,
        EffectKind.CONFIRM,
        EffectKind.RECHECK,
        EffectKind.CHANGE,
        EffectKind.READ,
    }
)
_FAILED_STATES = frozenset({"failed", "unconfigured"})


def apply(row: DispatchRow, event: DispatchEvent, turn: Turn) -> DispatchRow:
    """The row after an effect's result. A repeated one, or one of an older issue, changes nothing."""
    one = row.attempt(event.attempt)
    if event.effect == EffectKind.LOG:
        turn.say(reports.log(row.uuid, event.log, event.request_id, turn.now))
        return row
    if one is None or event.issue != one.issue:
        return row
    if event.effect == EffectKind.INSPECT:
        return row if one.in_flight else inspected(row, one, event, turn)
    if not one.in_flight and event.effect != EffectKind.POLL:
        return row
    match one.phase, event.effect:
        case Phase.HOLDING, EffectKind.HOLD:
            return _holding(row, one, event, turn)
        case Phase.CREATING, EffectKind.CREATE:
            return _creating(row, one, event, turn)
        case Phase.POLLING, EffectKind.POLL:
            return _polling(row, one, event, turn)
        case Phase.CONFIRMING, EffectKind.CONFIRM:
            return _confirming(row, one, event, turn)
        case Phase.CLEANING, EffectKind.CLEAN:
            return _cleaning(row, one, event, turn)
        case Phase.RECHECKING, EffectKind.RECHECK:
            return _rechecking(row, one, event, turn)
        case Phase.SUCCEEDED, EffectKind.CONFIRM:
            return row.with_attempt(_looked_after(row, one, event, turn))
        case ((Phase.CHANGING | Phase.SETTLING | Phase.READING), _):
            return jobs.apply(row, one, event, turn)
        case Phase.CLEANING, _ if event.effect in _BEFORE_CLEANING:
            # what was under way when the clean-up was asked for has ended: now it can begin
            return row.with_attempt(attempts.enter(_heard(one, event), Phase.CLEANING, turn.now))
    return row


def fail(row: DispatchRow, one: Attempt, failure: str, reason: str, turn: Turn) -> DispatchRow:
    """The attempt has failed; what it created is deleted, or kept when the user wants it so."""
    failed = replace(one, failure=failure, reason=reason, ended_at=turn.now)
    row = row.with_attempt(failed)
    if _keeps(row, failed, turn.moment):
        kept = replace(failed, phase=Phase.KEPT, in_flight=False, due=None)
        turn.say(reports.attempt_failed(row.uuid, kept, turn.now))
        return row.with_attempt(kept)
    turn.say(reports.attempt_failed(row.uuid, failed, turn.now))
    return row.with_attempt(attempts.clean_up(failed, turn.now))


def _keeps(row: DispatchRow, failed: Attempt, now: float) -> bool:
    if row.plan is None or not row.plan.keep_last_attempt or row.revoked:
        return False
    there = failed.infrastructures and failed.failure != "vanished"
    return bool(there) and row.next_candidate(now) is None


def _heard(one: Attempt, event: DispatchEvent) -> Attempt:
    """What an answer says about what the attempt has in the IM."""
    lost = event.effect == EffectKind.CREATE and event.outcome == Outcome.FAULT
    return replace(
        one,
        infrastructures=event.infrastructures or one.infrastructures,
        doubtful=one.doubtful or lost,
    )


def _holding(row: DispatchRow, one: Attempt, event: DispatchEvent, turn: Turn) -> DispatchRow:
    match event.outcome:
        case Outcome.GRANTED:
            return row.with_attempt(attempts.enter(one, Phase.CREATING, turn.now))
        case Outcome.REFUSED:
            ended = replace(one, in_flight=False)
            return fail(row, ended, NO_ROOM, event.message or "no room for it", turn)
    return row


def _creating(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    ended = replace(one, in_flight=False)
    message = event.message or "no reason given"
    match event.outcome:
        case Outcome.CREATED:
            polled = attempts.polling(one, event.infrastructures, turn.now)
            turn.say(reports.accepted(row.uuid, polled, turn.now))
            return row.with_attempt(polled)
        case Outcome.REFUSED:
            return fail(row, ended, "refused", message, turn)
        case Outcome.REFUSED_TEMPLATE:
            return fail(row, ended, "template_refused", message, turn)
        case Outcome.PAUSED if row.next_candidate(turn.moment) is not None:
            return fail(row, ended, "provider_paused", message, turn)
    return _again(row, _heard(one, event), event, turn)


def _polling(row: DispatchRow, one: Attempt, event: DispatchEvent, turn: Turn) -> DispatchRow:
    if event.outcome == Outcome.GONE:
        return fail(row, one, "vanished", "the infrastructure is not in the IM any more", turn)
    if event.outcome == Outcome.FAULT and one.tries:
        return row
    if event.outcome == Outcome.FAULT:
        turn.say(reports.fault(row.uuid, one, "poll", event.message or "", None, turn.now))
        return row.with_attempt(replace(one, tries=1))
    if event.outcome != Outcome.STATE or event.state is None:
        return row
    machines = one.machines or event.machines > 0
    news = event.state != one.im_state or machines != one.machines
    seen = replace(
        one,
        im_state=event.state,
        machines=machines,
        state_since=turn.now if news else one.state_since,
        reason=event.message or (None if news else one.reason),
        tries=0,
    )
    if event.state in _FAILED_STATES:
        reason = f"the IM reports {event.state}: {event.message or 'no reason given'}"
        return fail(row, seen, event.state, reason, turn)
    if event.state == "configured":
        return row.with_attempt(attempts.enter(seen, Phase.CONFIRMING, turn.now))
    if news or event.message:
        turn.say(reports.im_state(row.uuid, seen, turn.now))
    return row.with_attempt(seen)


def _confirming(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    if event.outcome == Outcome.GONE:
        ended = replace(one, in_flight=False)
        reason = "the infrastructure is not in the IM any more"
        return fail(row, ended, "vanished", reason, turn)
    if event.outcome == Outcome.REFUSED:
        ended = replace(one, in_flight=False)
        return fail(row, ended, "incomplete", event.message or "something is missing", turn)
    if event.outcome != Outcome.CONFIRMED:
        ended = replace(one, in_flight=False)
        if row.cancelled is not None:
            return fail(row, ended, "cancelled", row.cancelled, turn)
        if turn.moment >= one.deadline:
            return fail(row, ended, *attempts.timed_out(one), turn)
        return _again(row, one, event, turn)
    doubtful = one.doubtful or bool(event.infrastructures)
    winner = replace(one, ended_at=turn.now, outputs=event.outputs, reason=None, doubtful=doubtful)
    winner = attempts.look(winner, Phase.SUCCEEDED, turn.now, turn.policy)
    if not winner.doubtful:
        winner = replace(winner, due=None)
    if event.message:
        turn.say(reports.unchecked(row.uuid, winner, event.message, turn.now))
    turn.say(reports.attempt_succeeded(row.uuid, winner, turn.now))
    return row.with_attempt(winner)


def _looked_after(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> Attempt:
    """A doubtful success was looked at again for what a lost create may have made besides."""
    if event.outcome == Outcome.GONE:
        return replace(one, in_flight=False, due=None)
    # What is missing of it now (REFUSED) was there when it succeeded, and is its owner's affair.
    is_answer = event.outcome in (Outcome.CONFIRMED, Outcome.REFUSED)
    if is_answer and not event.infrastructures:
        return attempts.looked(one, turn.now, turn.policy)
    if not _looked_enough(one, turn.now, turn.policy):
        return attempts.again(one, turn.now, turn.policy, row.uuid, event.retry_after_s)
    besides = replace(one, infrastructures=event.infrastructures)
    turn.say(reports.orphan(row.uuid, besides, turn.now, "a lost create made it besides"))
    given_up = attempts.RESURRECTIONS + 1  # no inspection brings it up again
    return replace(one, in_flight=False, due=None, resurrections=given_up)


def _looked_enough(one: Attempt, now: float, policy: Policy) -> bool:
    return one.looking_since is not None and now >= one.looking_since + policy.delete_timeout_s


def _cleaning(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    if event.outcome != Outcome.CLEAN:
        stuck = replace(one, infrastructures=event.infrastructures or one.infrastructures)
        if row.force and not stuck.forced:
            stuck = replace(stuck, forced_at=turn.now)
        return _again(row, stuck, event, turn)
    if one.forced and event.infrastructures:
        turn.say(reports.orphan(row.uuid, one, turn.now, "it was deleted by force"))
    if not one.was_clean or event.infrastructures:
        turn.say(reports.cleaned(row.uuid, one, turn.now))
    had_trouble = one.tries > 0 or one.forced or one.resurrections > 0
    gone = replace(one, infrastructures=(), was_clean=True, doubtful=one.doubtful or had_trouble)
    return row.with_attempt(attempts.look(gone, Phase.RECHECKING, turn.now, turn.policy))


def _rechecking(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    match event.outcome:
        case Outcome.CLEAN:
            seen = attempts.looked(one, turn.now, turn.policy)
            return row.with_attempt(
                seen if seen.due is not None else attempts.enter(seen, Phase.CLEAN, turn.now)
            )
        case Outcome.LEFT:
            return row.with_attempt(found_again(row, one, event, turn))
    if _looked_enough(one, turn.now, turn.policy):
        turn.say(reports.orphan(row.uuid, one, turn.now, "it could not be looked for again"))
        return row.with_attempt(attempts.orphaned(one))
    return _again(row, one, event, turn)


def _again(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    turn: Turn,
) -> DispatchRow:
    later = attempts.again(one, turn.now, turn.policy, row.uuid, event.retry_after_s)
    later = replace(later, reason=event.message or later.reason) if one.active else later
    if one.phase is Phase.RECHECKING and one.tries:
        return row.with_attempt(later)  # said once: nobody waits for it
    turn.say(reports.fault(row.uuid, one, event.effect, event.message or "", later.due, turn.now))
    return row.with_attempt(later)
