"""Whether the IM still has what the rows say, and nothing else: looked at slowly, for ever.

The IM may bring a deleted infrastructure back (it saves its state from several threads, and after a
crash it reads what was saved last), and somebody may delete one behind our back. So attempts that are
at rest are listed again and again, and what differs becomes an event. So do the machines of a success:
the IM may forget one that it had shown, or show one that nobody has read yet.
"""

from collections.abc import Iterator
from dataclasses import replace

from paas_stream.lifecycle import attempt as attempts
from paas_stream.lifecycle import jobs, reports
from paas_stream.lifecycle.attempt import Attempt, Effect, EffectKind, Outcome, Phase
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.lifecycle.turn import Turn
from paas_stream.records import DispatchEvent

_NAMED = 10  # machines that a sentence names


def inspections(row: DispatchRow) -> Iterator[Effect]:
    """One effect for each attempt that is at rest: cleaned, or the one that succeeded.

    One beside which something stays that cannot be deleted was reported, and is left alone.
    """
    for one in row.attempts:
        is_given_up = one.resurrections > attempts.RESURRECTIONS
        is_at_rest = not one.in_flight and one.due is None and not is_given_up
        if one.phase in (Phase.CLEAN, Phase.SUCCEEDED) and is_at_rest:
            yield Effect(
                row.uuid,
                one.number,
                one.issue,
                EffectKind.INSPECT,
                one.candidate,
                infrastructures=one.infrastructures,
                machines=tuple(machine.id for machine in row.machines),
                known_fault=one.vanished,
            )


def strays(effect: Effect, found: tuple[str, ...]) -> tuple[str, ...]:
    """Of the infrastructures that the IM lists of an attempt, those that do not belong there."""
    return tuple(one for one in found if one not in effect.infrastructures[:1])


def difference(effect: Effect, found: tuple[str, ...]) -> Outcome | None:
    """What an inspection tells when the IM lists `found` of its attempt; None: nothing new."""
    if strays(effect, found):
        return Outcome.LEFT
    has_vanished = bool(effect.infrastructures) and not found
    if has_vanished is effect.known_fault:
        return None
    return Outcome.GONE if has_vanished else Outcome.CONFIRMED


def lost_machines(effect: Effect, found: tuple[str, ...]) -> str | None:
    """Which machines an attempt had that the IM shows no more, in a sentence; None: it shows all."""
    lost = [one for one in effect.machines if one not in found]
    if not lost:
        return None
    what = ", ".join(lost[:_NAMED]) + (", ..." if len(lost) > _NAMED else "")
    return f"the IM has lost {len(lost)} of {len(effect.machines)} machines: {what}"


def inspected(row: DispatchRow, one: Attempt, event: DispatchEvent, turn: Turn) -> DispatchRow:
    """The row after an inspection that found a difference."""
    match one.phase, event.outcome:
        case Phase.CLEAN, Outcome.LEFT:
            return row.with_attempt(found_again(row, one, event, turn))
        case Phase.SUCCEEDED, Outcome.GONE if not one.vanished:
            turn.say(reports.vanished(row.uuid, one, turn.now))
            return row.with_attempt(replace(one, vanished=True))
        case Phase.SUCCEEDED, Outcome.CONFIRMED if one.vanished:
            return row.with_attempt(replace(one, vanished=False))
        case Phase.SUCCEEDED, Outcome.CHANGED:
            if event.message:
                turn.say(reports.lost_machines(row.uuid, one, event.message, turn.now))
            return replace(row, jobs=(*row.jobs, jobs.refresh(turn.now)))
        case Phase.SUCCEEDED, Outcome.LEFT:
            return row.with_attempt(_stray(row, one, event, turn))
    return row


def _stray(row: DispatchRow, one: Attempt, event: DispatchEvent, turn: Turn) -> Attempt:
    """Something is there beside the success: a CONFIRM deletes it, though not for ever."""
    found = replace(one, resurrections=one.resurrections + 1)
    if found.resurrections > attempts.RESURRECTIONS:
        strays = replace(found, infrastructures=event.infrastructures)
        turn.say(reports.orphan(row.uuid, strays, turn.now, "it is there after each delete"))
        return found
    return replace(found, doubtful=True, looks=0, looking_since=turn.now, due=turn.now)


def found_again(row: DispatchRow, one: Attempt, event: DispatchEvent, turn: Turn) -> Attempt:
    """Something is there again, or has come late: it is deleted again, though not for ever."""
    found = replace(
        one,
        in_flight=False,
        was_clean=False,
        infrastructures=event.infrastructures,
        resurrections=one.resurrections + 1,
    )
    if found.resurrections > attempts.RESURRECTIONS:
        turn.say(reports.orphan(row.uuid, found, turn.now, "it came back after each delete"))
        return attempts.orphaned(found)
    turn.say(reports.found_again(row.uuid, found, turn.now))
    again = attempts.clean_up(found, turn.now)
    return attempts.force(again, turn.now) if one.forced else again
