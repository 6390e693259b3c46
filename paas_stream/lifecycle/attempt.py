"""One attempt: one provider's turn in a deployment, from the create to the last look after a delete.

    HOLDING -> CREATING -> POLLING -> CONFIRMING -> SUCCEEDED
       |          \\_________\\___________\\________\\-> CLEANING <-> RECHECKING -> CLEAN
       \\-> CLEAN                                       \\-> ORPHANED (given up), or KEPT (on request)

    SUCCEEDED -> CHANGING -> SETTLING -> READING -> SUCCEEDED, for each job (lifecycle.job)

An attempt owns at most one effect at a time. `in_flight` says that an effect was issued and its
result is awaited until `due` (the lease); otherwise `due` is when the next effect may be issued.
Polls are no effects of the row: they repeat in memory for as long as the attempt is POLLING, and
only news comes back as an event.

A create whose reply was lost may finish late, and what the IM did not delete at once may come back.
Such a `doubtful` attempt is looked at several times after its end, whether it was cleaned (RECHECKING)
or has succeeded (then what came second goes).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.job import Job, JobKind


class Phase(StrEnum):
    """What an attempt is at."""

    HOLDING = "holding"  # the quota keeper is asked for room
    CREATING = "creating"  # the IM is asked to create
    POLLING = "polling"  # the IM is at work
    CONFIRMING = "confirming"  # configured; outputs are read and strays looked for
    SUCCEEDED = "succeeded"  # the deployment runs here
    CHANGING = "changing"  # a job: the IM is asked to change it
    SETTLING = "settling"  # a job: the IM is at work
    READING = "reading"  # a job: what is there is read
    CLEANING = "cleaning"  # what it left behind is being deleted
    RECHECKING = "rechecking"  # deleted; looked for once more, since the IM may resurrect it
    CLEAN = "clean"  # nothing is left
    KEPT = "kept"  # failed, and left in place because the user wants to look at it
    ORPHANED = "orphaned"  # could not be deleted; reported


ACTIVE = frozenset({Phase.HOLDING, Phase.CREATING, Phase.POLLING, Phase.CONFIRMING})
WORKING = frozenset({Phase.CHANGING, Phase.SETTLING, Phase.READING})
LIVE = WORKING | {Phase.SUCCEEDED}
AT_ONCE_S = 0.001  # more than what a timestamp loses of a moment
LOOKS = 4  # how often a doubtful attempt is looked at after its end; any other one once
LOOK_GROWTH = 4.0  # each look comes this many times later than the one before
RESURRECTIONS = 8  # an infrastructure that comes back more often than this counts as orphaned

SETTLED = LIVE | {
    Phase.RECHECKING,
    Phase.CLEAN,
    Phase.KEPT,
    Phase.ORPHANED,
}  # phases in which nothing that the final result depends on is still to be done


class EffectKind(StrEnum):
    """What the IM, or the quota keeper, is asked for. Each is idempotent."""

    HOLD = "hold"  # room for what the attempt will take
    CREATE = "create"  # list; adopt what this attempt has created before, else create
    POLL = "poll"  # read the state
    CONFIRM = "confirm"  # list; delete all but the known one, if that can be done; read outputs
    CLEAN = "clean"  # list; delete all; list again
    RECHECK = "recheck"  # list
    INSPECT = (
        "inspect"  # list, at rest: is there what is to be there, with its machines, and no more?
    )
    CHANGE = "change"  # do what the job says, as far as it is not done
    READ = "read"  # read the machines and the outputs
    LOG = "log"  # read the contextualization log


class Outcome(StrEnum):
    """What became of an effect."""

    GRANTED = "granted"  # there is room, and it is held
    CREATED = "created"  # `infrastructures` has one id, made now or adopted
    REFUSED = (
        "refused"  # there is no room, or the IM refuses for a reason that lies with this provider
    )
    REFUSED_TEMPLATE = "refused-template"  # the IM refuses the template itself
    PAUSED = "paused"  # the provider's circuit breaker is open for `retry_after_s`
    FAULT = "fault"  # temporary: the IM did not answer, or said to come again
    STATE = "state"  # `state` and `machines` are news
    GONE = "gone"  # the infrastructure is not there any more
    CONFIRMED = "confirmed"  # it is there; `outputs` are sealed, `infrastructures` are left besides
    CLEAN = "clean"  # nothing is left
    LEFT = "left"  # something is left, `infrastructures`
    CHANGED = "changed"  # the IM has taken the change; of an inspection: it has other machines
    READ = "read"  # `machine_list` is there; `outputs` are sealed
    LOG = "log"  # `log` is sealed


@dataclass(frozen=True)
class Policy:
    """The settings that the dispatcher's state machines need; times in seconds."""

    call_s: float  # time-out of one effect
    margin_s: float  # a lease outlasts the time-out by this
    pending_s: float
    starting_s: float  # of a container
    unknown_s: float
    cleanup_beside_s: float
    delete_timeout_s: float
    recheck_s: float
    backoff: Backoff
    action_s: float = 300.0  # the start or stop of a machine takes at most this long
    reconfigure_s: float = 9000.0  # a reconfigure takes at most this long, or what it has left

    @property
    def last_s(self) -> float:
        """A delete by force has this long before its infrastructure counts as orphaned."""
        return 4 * (self.call_s + self.margin_s)


@dataclass(frozen=True)
class Effect:
    """One call on the IM for one attempt."""

    uuid: str
    attempt: int
    issue: int
    kind: EffectKind
    candidate: int  # place in the ranking, from 0
    infrastructures: tuple[str, ...] = ()
    force: bool = False
    known_state: str | None = None  # polls: what is no news
    known_machines: bool = False
    machines: tuple[str, ...] = ()  # inspections: those that are known, by their ids in the IM
    known_fault: bool = False  # inspections: it is known to have vanished
    known_reason: str | None = None  # polls: why it takes so long, as far as that was told
    since: float = 0.0  # polls: when polling began, for the growing interval
    job: Job | None = None
    request_id: str | None = None  # of the command that asked for a log

    @property
    def key(self) -> tuple[str, int]:
        """One effect runs per attempt, and beside it one that reads the log."""
        return self.uuid, -self.attempt if self.kind is EffectKind.LOG else self.attempt


@dataclass(frozen=True)
class Attempt:
    """One attempt; moments are seconds since the epoch."""

    number: int  # from 1
    candidate: int  # place in the ranking, from 0
    provider_name: str
    region_name: str
    provider_type: str
    provider_endpoint: str
    started_at: float
    deadline: float  # provider time-out, not after the overall one
    project: str = ""  # its identifier at the provider
    phase: Phase = Phase.HOLDING
    issue: int = 0  # effects issued so far
    in_flight: bool = False
    due: float | None = None
    tries: int = 0  # temporary faults in a row
    infrastructures: tuple[str, ...] = ()
    im_state: str | None = None
    machines: bool = False  # the IM has shown a machine
    state_since: float | None = None
    ended_at: float | None = None  # success or failure was known
    failure: str | None = None
    reason: str | None = None
    clean_since: float | None = None
    forced_at: float | None = None  # since when it is deleted by force
    doubtful: bool = False  # something may come yet, or come back
    was_clean: bool = False  # that nothing is left of it was told
    looks: int = 0  # at the end: how often nothing else was found
    looking_since: float | None = None
    resurrections: int = 0  # how often it was found again after it had been deleted
    vanished: bool = False  # it succeeded, and the IM has it no more
    outputs: str | None = None  # JWE
    job: Job | None = None  # the one that is under way

    @property
    def active(self) -> bool:
        """It may still succeed."""
        return self.phase in ACTIVE

    @property
    def forced(self) -> bool:
        """It is deleted by force."""
        return self.forced_at is not None

    @property
    def settled(self) -> bool:
        """The final result need not wait for it."""
        return self.phase in SETTLED


_BEGINNING = (Phase.HOLDING, Phase.CREATING, Phase.POLLING)

_KIND = {
    Phase.HOLDING: EffectKind.HOLD,
    Phase.CREATING: EffectKind.CREATE,
    Phase.CONFIRMING: EffectKind.CONFIRM,
    Phase.SUCCEEDED: EffectKind.CONFIRM,  # only while it is looked at
    Phase.CHANGING: EffectKind.CHANGE,
    Phase.READING: EffectKind.READ,
    Phase.CLEANING: EffectKind.CLEAN,
    Phase.RECHECKING: EffectKind.RECHECK,
}


def issue(
    attempt: Attempt, uuid: str, now: float, ticked: float | None, policy: Policy
) -> tuple[Attempt, Effect | None]:
    """The effect that is due now, if any, and the attempt that awaits its result.

    A lease is over only by a tick that was produced (`ticked`) after it: such a tick comes behind
    every result in the topic, so that after a crash no result is passed over that was acted upon.
    """
    kind = _KIND.get(attempt.phase)
    if kind is None or attempt.due is None or now < attempt.due:
        return attempt, None
    if attempt.in_flight and (ticked is None or ticked + AT_ONCE_S < attempt.due):
        return attempt, None
    unheard = attempt.in_flight and attempt.phase in (Phase.CREATING, Phase.CLEANING)
    issued = replace(
        attempt,
        issue=attempt.issue + 1,
        in_flight=True,
        due=now + policy.call_s + policy.margin_s,
        doubtful=attempt.doubtful or unheard,
    )
    effect = Effect(
        uuid,
        issued.number,
        issued.issue,
        kind,
        issued.candidate,
        infrastructures=issued.infrastructures,
        force=issued.forced,
        job=issued.job,
    )
    return issued, effect


def poll(attempt: Attempt, uuid: str) -> Effect | None:
    """The poll that repeats while the attempt is POLLING, or its job SETTLING."""
    if attempt.phase not in (Phase.POLLING, Phase.SETTLING):
        return None
    return Effect(
        uuid,
        attempt.number,
        attempt.issue,
        EffectKind.POLL,
        attempt.candidate,
        infrastructures=attempt.infrastructures,
        known_state=attempt.im_state,
        known_machines=attempt.machines,
        known_fault=attempt.tries > 0,
        known_reason=attempt.reason,
        since=_since(attempt),
        job=attempt.job,
    )


def overdue(attempt: Attempt, now: float, policy: Policy) -> tuple[str, str] | None:
    """Why an attempt that waits, creates or polls has failed by now: failure class and sentence.

    None: it has not. A configured one is not asked: the answer to its CONFIRM decides, and nothing
    that comes before it, so that a replay cannot turn a success that was told into a failure.
    """
    if attempt.phase is Phase.POLLING:
        waited = now - _since(attempt)
        if _is_pending(attempt) and waited >= policy.pending_s:
            return "pending", f"no machine appeared within {policy.pending_s:.0f} s"
        if _is_starting(attempt) and waited >= policy.starting_s:
            text = f"the containers did not start within {policy.starting_s:.0f} s"
            return "starting", text + _last(attempt)
        if attempt.im_state == "unknown" and waited >= policy.unknown_s:
            return "unknown", f"the state was unknown for {policy.unknown_s:.0f} s"
    if attempt.phase in _BEGINNING and now >= attempt.deadline:
        return timed_out(attempt)
    return None


def timed_out(attempt: Attempt) -> tuple[str, str]:
    """Failure class and sentence of an attempt whose time is over."""
    took = attempt.deadline - attempt.started_at
    return "timeout", f"not configured within the time-out of {took:.0f} s{_last(attempt)}"


def _last(attempt: Attempt) -> str:
    return f"; last: {attempt.reason}" if attempt.reason else ""


def moments(attempt: Attempt, policy: Policy) -> list[float]:
    """When this attempt must be looked at again, whatever happens."""
    found = [] if attempt.due is None else [attempt.due]
    if attempt.phase in _BEGINNING:
        found.append(attempt.deadline)
    if attempt.phase is Phase.POLLING and _is_pending(attempt):
        found.append(_since(attempt) + policy.pending_s)
    if attempt.phase is Phase.POLLING and _is_starting(attempt):
        found.append(_since(attempt) + policy.starting_s)
    if attempt.phase is Phase.POLLING and attempt.im_state == "unknown":
        found.append(_since(attempt) + policy.unknown_s)
    if attempt.job is not None and (end := job_deadline(attempt.job, policy)) is not None:
        found.append(end)
    if attempt.phase is Phase.CLEANING and attempt.clean_since is not None:
        found.append(attempt.clean_since + policy.cleanup_beside_s)
        found.append(attempt.clean_since + policy.delete_timeout_s)
        found += [] if (end := given_up_at(attempt, policy)) is None else [end]
    return found


def job_deadline(job: Job, policy: Policy) -> float | None:
    """When a job must have ended. None: it has not begun, and says nothing of its own."""
    if job.deadline is not None or job.started_at is None:
        return job.deadline
    is_long = job.kind in (JobKind.RECONFIGURE, JobKind.REFRESH)
    return job.started_at + (policy.reconfigure_s if is_long else policy.action_s)


def given_up_at(attempt: Attempt, policy: Policy) -> float | None:
    """When a clean-up by force is given up. None: it is not by force yet."""
    if attempt.clean_since is None or attempt.forced_at is None:
        return None
    return max(attempt.clean_since + policy.delete_timeout_s, attempt.forced_at) + policy.last_s


def _since(attempt: Attempt) -> float:
    return attempt.state_since if attempt.state_since is not None else attempt.started_at


def _is_pending(attempt: Attempt) -> bool:
    return attempt.im_state == "pending" and not attempt.machines


def _is_starting(attempt: Attempt) -> bool:
    """The IM waits for a container for ever."""
    waits = attempt.im_state == "pending" and attempt.machines
    return waits and attempt.provider_type == "kubernetes"


def enter(attempt: Attempt, phase: Phase, now: float) -> Attempt:
    """Go to a phase whose first effect, if it has one, is due at once."""
    due = now if phase in _KIND else None
    return replace(attempt, phase=phase, in_flight=False, due=due, tries=0)


def polling(attempt: Attempt, infrastructures: tuple[str, ...], now: float) -> Attempt:
    """The IM has accepted the template."""
    polled = enter(attempt, Phase.POLLING, now)
    return replace(polled, infrastructures=infrastructures, state_since=now, reason=None)


def clean_up(attempt: Attempt, now: float) -> Attempt:
    """Delete what it created. An effect in flight ends first: its result or lease comes before.

    One that still waits for room has created nothing.
    """
    if attempt.phase is Phase.HOLDING:
        return enter(attempt, Phase.CLEAN, now)
    started = replace(attempt, clean_since=now, forced_at=None, tries=0, job=None)
    if attempt.in_flight:
        return replace(started, phase=Phase.CLEANING)
    return enter(started, Phase.CLEANING, now)


def force(attempt: Attempt, now: float) -> Attempt:
    """Go on with a clean-up by force, at once unless an effect is in flight."""
    if attempt.forced:
        return attempt
    return replace(attempt, forced_at=now, due=attempt.due if attempt.in_flight else now)


def orphaned(attempt: Attempt) -> Attempt:
    """Give a clean-up up."""
    return replace(attempt, phase=Phase.ORPHANED, in_flight=False, due=None)


def look(attempt: Attempt, phase: Phase, now: float, policy: Policy) -> Attempt:
    """Go to a phase in which it is looked at once more, later."""
    due = now + policy.recheck_s
    return replace(enter(attempt, phase, now), looks=0, looking_since=now, due=due)


def looked(attempt: Attempt, now: float, policy: Policy) -> Attempt:
    """Nothing else was found: the next look, or (`due` is None) the end of it."""
    looks = attempt.looks + 1
    more = attempt.doubtful and looks < LOOKS
    due = now + policy.recheck_s * LOOK_GROWTH**looks if more else None
    return replace(attempt, in_flight=False, tries=0, looks=looks, due=due)


def again(attempt: Attempt, now: float, policy: Policy, uuid: str, wait_s: float | None) -> Attempt:
    """A temporary fault: the same effect once more, later."""
    tries = attempt.tries + 1
    delay = max(wait_s or 0.0, policy.backoff.delay(tries, f"{uuid}/{attempt.number}"))
    return replace(attempt, in_flight=False, tries=tries, due=now + delay)
