"""Training data: one row per attempt, with the numbers that were known when the ranking was made.

The join of a ranking with the attempts that follow from it, in whichever order they come. As nothing
is looked up later, a row knows nothing that was not known before the attempt.

Not every failure is the provider's. Those of the classes in ABORTED are passed on as such, so that
every attempt has its row, and are counted by nobody: the user or the tracker cancelled; the IM refused
the template itself, or lost the infrastructure; the provider was not asked because its circuit breaker
was open, after failures that are counted already, or because its quota was promised to others. The
same holds for a time-out at the deployment's overall deadline, which says how late the attempt began. A
failed configuration counts: whose fault it is cannot be told, and a template that fails everywhere
lowers what is usual for that template.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from paas_stream.errors import InvalidMessageError
from paas_stream.records import (
    AttemptStatus,
    Command,
    DeploymentResult,
    Operation,
    RankedNumbers,
    RankedProviders,
    Training,
)
from paas_stream.records.training import LONGEST_S

ABORTED = frozenset({"cancelled", "template_refused", "vanished", "provider_paused", "quota"})
REASON_MAX = 2000  # characters of a reason
_DEADLINE_SLACK = timedelta(seconds=1)

Fallback = Literal["model", "rates", "rule", "sla"]


@dataclass(frozen=True)
class Served:
    """What of a ranking goes into training rows."""

    template_name: str
    submission_time: datetime
    fallback: Fallback
    providers: tuple[dict[str, Any], ...]  # RankedNumbers, as JSON without defaults
    user_group: str | None = None
    deadline: datetime | None = None
    model_version: str | None = None
    features_schema: str | None = None
    propensity: float | None = None


@dataclass(frozen=True)
class Tried:
    """What of an attempt's result goes into its training row."""

    attempt: int
    provider_name: str
    region_name: str
    success: bool
    told_at: datetime
    failure: str | None = None  # class
    reason: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def took_s(self) -> float:
        """Seconds, within what a record may say: a clock that was set may have told the two moments."""
        if self.started_at is None or self.ended_at is None:
            return 0.0
        return min(max((self.ended_at - self.started_at).total_seconds(), 0.0), LONGEST_S)


@dataclass(frozen=True)
class TrainingRow:
    """One deployment. It is deleted by the final result of its create, once all attempts are joined,
    or else by the tracker's `forget`.
    """

    served: Served | None = None  # None: the ranking has not come yet
    waiting: tuple[Tried, ...] = ()  # attempts that came before the ranking
    told: tuple[int, ...] = ()  # numbers of the attempts whose rows were sent
    ended: bool = False  # the final result came before the ranking


Event = RankedProviders | DeploymentResult | Command


def step(row: TrainingRow, event: Event) -> tuple[TrainingRow | None, list[Training]]:
    """The next row (None: delete it), and the training rows to be sent."""
    match event:
        case RankedProviders(revision=1) if row.served is None:
            row = replace(row, served=_served(event))
        case DeploymentResult(kind="attempt", operation=Operation.CREATE):
            row = _waiting(row, event)
        case DeploymentResult(kind="final", operation=Operation.CREATE):
            row = replace(row, ended=True)
        case DeploymentResult(kind="final", operation=Operation.DELETE) | Command(command="forget"):
            return None, []
    if row.served is None:
        # without an attempt there is nothing to be joined: no ranking is worth waiting for
        return (row if row.waiting else None), []
    messages = [_training(row.served, event.uuid, one) for one in row.waiting]
    row = replace(row, waiting=(), told=(*row.told, *(one.attempt for one in row.waiting)))
    return (None if row.ended else row), messages


def _served(event: RankedProviders) -> Served:
    numbers = set(RankedNumbers.model_fields)
    return Served(
        template_name=event.template_name,
        submission_time=event.submission_time or event.timestamp,
        fallback=event.fallback,
        providers=tuple(
            one.model_dump(mode="json", include=numbers, exclude_defaults=True)
            for one in event.ranked_providers
        ),
        user_group=event.user_group,
        deadline=event.deadline,
        model_version=event.model_version,
        features_schema=event.features_schema,
        propensity=event.propensity,
    )


def _waiting(row: TrainingRow, event: DeploymentResult) -> TrainingRow:
    if event.attempt is None or event.provider_name is None or event.region_name is None:
        raise InvalidMessageError("the result of an attempt names its number, provider and region")
    if event.attempt in row.told or any(one.attempt == event.attempt for one in row.waiting):
        return row
    tried = Tried(
        attempt=event.attempt,
        provider_name=event.provider_name,
        region_name=event.region_name,
        success=bool(event.success),
        told_at=event.timestamp,
        failure=event.failure,
        reason=event.reason and event.reason[:REASON_MAX],
        started_at=event.started_at,
        ended_at=event.ended_at,
    )
    return replace(row, waiting=(*row.waiting, tried))


def status(tried: Tried, deadline: datetime | None) -> AttemptStatus:
    """What an attempt's end says about its provider."""
    if tried.success:
        return AttemptStatus.COMPLETE
    ended = tried.ended_at or tried.told_at
    cut_off = deadline is not None and ended >= deadline - _DEADLINE_SLACK
    if tried.failure in ABORTED or (tried.failure == "timeout" and cut_off):
        return AttemptStatus.ABORTED
    return AttemptStatus.FAILED


def _training(served: Served, uuid: str, tried: Tried) -> Training:
    how = status(tried, served.deadline)
    failed = how is AttemptStatus.FAILED
    return Training.model_validate(
        {
            **_numbers(served, tried),
            "uuid": uuid,
            "timestamp": tried.told_at,
            "attempt": tried.attempt,
            "template_name": served.template_name,
            "user_group": served.user_group,
            "status": how,
            "status_reason": tried.reason,
            "failure": tried.failure,
            "n_failures": int(failed),
            "tot_failure_time_s": tried.took_s if failed else 0.0,
            "completion_time_s": tried.took_s if tried.success else 0.0,
            "submission_time": served.submission_time,
            "started_at": tried.started_at,
            "ended_at": tried.ended_at,
            "fallback": served.fallback,
            "model_version": served.model_version,
            "features_schema": served.features_schema,
            "propensity": served.propensity,
        }
    )


def _numbers(served: Served, tried: Tried) -> dict[str, Any]:
    """The provider as it was ranked; of one that the ranking does not have, all is unknown.

    Attempt number n is at the n-th of the ranking. Of two projects at one provider and region the
    number tells which it was.
    """
    site = {"provider_name": tried.provider_name, "region_name": tried.region_name}
    tried_in_order = served.providers[tried.attempt - 1 : tried.attempt]
    for one in (*tried_in_order, *served.providers):
        if one.items() >= site.items():
            return one
    return site
