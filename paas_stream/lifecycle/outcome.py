"""What the result of an effect does to its attempt."""

from dataclasses import replace

from paas_stream.lifecycle import attempt as attempts
from paas_stream.lifecycle import reports
from paas_stream.lifecycle.attempt import Attempt, EffectKind, Outcome, Phase, Policy
from paas_stream.lifecycle.dispatch_row import DispatchRow, Goal
from paas_stream.records import DispatchEvent, Message

_FAILED_STATES = frozenset({"failed", "unconfigured"})


def apply(
    row: DispatchRow, event: DispatchEvent, now: float, policy: Policy, said: list[Message]
) -> DispatchRow:
    """The row after an effect's result. A result that answers an older issue changes nothing."""
    one = row.attempt(event.attempt)
    if one is None or event.issue != one.issue:
        return row
    match one.phase, event.effect:
        case Phase.CREATING, EffectKind.CREATE:
            return _creating(row, one, event, now, policy, said)
        case Phase.POLLING, EffectKind.POLL:
            return _polling(row, one, event, now, said)
        case Phase.CONFIRMING, EffectKind.CONFIRM:
            return _confirming(row, one, event, now, policy, said)
        case Phase.CLEANING, EffectKind.CLEAN:
            return _cleaning(row, one, event, now, policy, said)
        case Phase.RECHECKING, EffectKind.RECHECK:
            return _rechecking(row, one, event, now, policy, said)
        case Phase.CLEANING, _ if one.in_flight:
            # what was under way when the clean-up was asked for has ended: now it can begin
            return row.with_attempt(attempts.enter(one, Phase.CLEANING, now))
    return row


def fail(
    row: DispatchRow, one: Attempt, failure: str, reason: str, now: float, said: list[Message]
) -> DispatchRow:
    """The attempt has failed; what it created is deleted, or kept when the user wants it so."""
    failed = replace(one, failure=failure, reason=reason, ended_at=now)
    row = row.with_attempt(failed)
    keep = row.plan is not None and row.plan.keep_last_attempt and row.goal is Goal.CREATE
    if keep and row.next_candidate(now) is None and failed.infrastructures:
        kept = replace(failed, phase=Phase.KEPT, in_flight=False, due=None)
        said.append(reports.attempt_failed(row.uuid, kept, now))
        return row.with_attempt(kept)
    said.append(reports.attempt_failed(row.uuid, failed, now))
    return row.with_attempt(attempts.clean_up(failed, now))


def _creating(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    now: float,
    policy: Policy,
    said: list[Message],
) -> DispatchRow:
    ended = replace(one, in_flight=False)
    message = event.message or "no reason given"
    match event.outcome:
        case Outcome.CREATED:
            polled = attempts.polling(one, event.infrastructures, now)
            said.append(reports.accepted(row.uuid, polled, now))
            return row.with_attempt(polled)
        case Outcome.REFUSED:
            return fail(row, ended, "refused", message, now, said)
        case Outcome.REFUSED_TEMPLATE:
            return fail(row, ended, "template_refused", message, now, said)
        case Outcome.PAUSED if row.next_candidate(now) is not None:
            return fail(row, ended, "provider_paused", message, now, said)
    return _again(row, one, event, now, policy, said)


def _polling(
    row: DispatchRow, one: Attempt, event: DispatchEvent, now: float, said: list[Message]
) -> DispatchRow:
    if event.outcome == Outcome.GONE:
        return fail(row, one, "vanished", "the infrastructure is not in the IM any more", now, said)
    if event.outcome == Outcome.FAULT:
        said.append(reports.fault(row.uuid, one, "poll", event.message or "", None, now))
        return row.with_attempt(replace(one, tries=1))
    if event.outcome != Outcome.STATE or event.state is None:
        return row
    machines = one.machines or event.machines > 0
    news = event.state != one.im_state or machines != one.machines
    seen = replace(
        one,
        im_state=event.state,
        machines=machines,
        state_since=now if news else one.state_since,
        tries=0,
    )
    if event.state in _FAILED_STATES:
        reason = f"the IM reports {event.state}: {event.message or 'no reason given'}"
        return fail(row, seen, event.state, reason, now, said)
    if event.state == "configured":
        return row.with_attempt(attempts.enter(seen, Phase.CONFIRMING, now))
    if news:
        said.append(reports.im_state(row.uuid, seen, now))
    return row.with_attempt(seen)


def _confirming(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    now: float,
    policy: Policy,
    said: list[Message],
) -> DispatchRow:
    if event.outcome == Outcome.GONE:
        ended = replace(one, in_flight=False)
        reason = "the infrastructure is not in the IM any more"
        return fail(row, ended, "vanished", reason, now, said)
    if event.outcome != Outcome.CONFIRMED:
        return _again(row, one, event, now, policy, said)
    winner = replace(
        attempts.enter(one, Phase.SUCCEEDED, now), ended_at=now, outputs=event.outputs, reason=None
    )
    said.append(reports.attempt_succeeded(row.uuid, winner, now))
    return row.with_attempt(winner)


def _cleaning(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    now: float,
    policy: Policy,
    said: list[Message],
) -> DispatchRow:
    if event.outcome != Outcome.CLEAN:
        stuck = replace(one, forced=one.forced or row.force)
        return _again(row, stuck, event, now, policy, said)
    if one.forced and event.infrastructures:
        said.append(reports.orphan(row.uuid, one, now, "it was deleted by force"))
    said.append(reports.cleaned(row.uuid, one, now))
    gone = attempts.enter(one, Phase.RECHECKING, now)
    return row.with_attempt(replace(gone, infrastructures=(), due=now + policy.recheck_s))


def _rechecking(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    now: float,
    policy: Policy,
    said: list[Message],
) -> DispatchRow:
    if event.outcome == Outcome.CLEAN:
        return row.with_attempt(attempts.enter(one, Phase.CLEAN, now))
    if event.outcome == Outcome.LEFT:
        return row.with_attempt(
            attempts.clean_up(replace(one, in_flight=False), now, force=one.forced)
        )
    return _again(row, one, event, now, policy, said)


def _again(
    row: DispatchRow,
    one: Attempt,
    event: DispatchEvent,
    now: float,
    policy: Policy,
    said: list[Message],
) -> DispatchRow:
    later = attempts.again(one, now, policy, row.uuid, event.retry_after_s)
    later = replace(later, reason=event.message or later.reason) if one.active else later
    said.append(reports.fault(row.uuid, one, event.effect, event.message or "", later.due, now))
    return row.with_attempt(later)
