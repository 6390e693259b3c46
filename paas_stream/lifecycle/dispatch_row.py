"""The row of the `dispatches` table: how far the dispatcher is with one deployment."""

from dataclasses import dataclass, replace
from enum import StrEnum

from paas_stream.lifecycle.attempt import LIVE, Attempt, Phase
from paas_stream.lifecycle.job import Job, MachineRef, UpdateJoin

GONE = frozenset({Phase.CLEAN, Phase.ORPHANED})  # phases after which nothing is ever done


NO_ROOM = "quota"  # failure class of an attempt for which the quota keeper had no room


class Goal(StrEnum):
    """What the dispatcher works toward."""

    CREATE = "create"
    DELETE = "delete"


class Final(StrEnum):
    """How the work toward the goal ended; its result was sent."""

    CREATED = "created"
    FAILED = "failed"
    DELETED = "deleted"
    DELETE_FAILED = "delete-failed"


@dataclass(frozen=True)
class Plan:
    """What the request says about attempts."""

    deadline: float  # overall time-out, seconds since the epoch
    provider_timeout_s: float
    max_providers: int | None = None  # total number of providers tried; None: all
    keep_last_attempt: bool = False


@dataclass(frozen=True)
class Provider:
    """A ranked provider, as far as decisions need it; the rest is in `dispatch_inputs`."""

    name: str
    region: str
    type: str
    endpoint: str
    project: str = ""


@dataclass(frozen=True)
class DispatchRow:
    """One deployment. It is deleted by the tracker's `forget`, once nothing is left to be cleaned."""

    uuid: str
    goal: Goal = Goal.CREATE
    plan: Plan | None = None  # None: the validated template has not come yet
    ranked: tuple[Provider, ...] | None = None  # None: the ranking has not come yet
    attempts: tuple[Attempt, ...] = ()
    cancelled: str | None = None  # why the create was cancelled
    revoked: bool = False  # the tracker has called the create failed: a success is deleted too
    delete_asked: float | None = None  # timestamp of the newest `delete`; its final says it back
    force: bool = False  # the user accepts that something is left at a provider
    forgotten: bool = False  # the tracker keeps nothing of it any more
    final: Final | None = None
    nodes: tuple[tuple[str, str], ...] = ()  # those with machines, as they are: name, identity
    digest: str = ""  # of the template that is in force
    revision: int = 1  # of the newest update that has begun
    joins: tuple[UpdateJoin, ...] = ()  # updates that wait for their other half
    jobs: tuple[Job, ...] = ()  # that wait for their turn
    acted: tuple[str, ...] = ()  # names of the newest actions: a command may come again, and late
    machines: tuple[MachineRef, ...] = ()  # as they were read last

    @property
    def winner(self) -> Attempt | None:
        """The attempt that the deployment runs at."""
        return next((one for one in self.attempts if one.phase in LIVE), None)

    def with_attempt(self, changed: Attempt) -> "DispatchRow":
        """This row with one attempt replaced."""
        return replace(
            self,
            attempts=tuple(
                changed if one.number == changed.number else one for one in self.attempts
            ),
        )

    def attempt(self, number: int) -> Attempt | None:
        """An attempt by its number."""
        return next((one for one in self.attempts if one.number == number), None)

    @property
    def forgettable(self) -> bool:
        """It was forgotten, and nothing is left that may still have to be deleted."""
        return self.forgotten and all(one.phase in GONE for one in self.attempts)

    def next_candidate(self, now: float) -> int | None:
        """The place in the ranking of the provider to be tried next; None: there is none.

        One without room was not tried: it is passed over.
        """
        if self.cancelled is not None or self.plan is None or self.ranked is None:
            return None
        used = len(self.attempts)
        tried = sum(one.failure != NO_ROOM for one in self.attempts)
        most = self.plan.max_providers
        if used >= len(self.ranked) or (most is not None and tried >= most):
            return None
        if now >= self.plan.deadline or self.refused_as_such():
            return None
        return used

    def refused_as_such(self) -> bool:
        """Two providers got the same refusal of the template: a third would get it too."""
        refusals = [one.reason for one in self.attempts if one.failure == "template_refused"]
        return len(refusals) >= 2 and refusals[-1] == refusals[-2]
