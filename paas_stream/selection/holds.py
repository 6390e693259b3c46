"""Quota in flight: what deployments under way are about to take of a project's quotas.

A site counts a machine as used once it is there and the Feeder has read it. Until then whoever else
asks would be shown the same room. So each attempt holds what it is about to take, and the decisions on
one project are made one after the other. A hold ends

- by the release: the attempt has ended and nothing of it is left, or it never created anything;
- by the first reading of the project that began after the machines were there: it counts them;
- by its expiry, some time after the attempt's deadline.

Only what is bounded at that project is held. Requests may come again: a hold that is there is granted
again, and what is not held is released without a word.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from paas_stream.records import QuotaRequest
from paas_stream.selection import quotas
from paas_stream.selection.quotas import NOT_TAKEN, Budget
from paas_stream.selection.rows import ProviderRow

_QUOTAS = "quotas/"  # parts of a reading that are about quotas


@dataclass(frozen=True)
class Hold:
    """Room that one attempt holds; moments are seconds since the epoch."""

    project: str  # provider/region/project, as in `feeder`
    uuid: str
    attempt: int
    demand: Mapping[str, float]  # by resource, as in `selection.quotas`
    expires_at: float
    owner: str = ""  # subject
    created_at: float | None = None  # since when all its machines are there

    @property
    def key(self) -> str:
        """Whose it is."""
        return key_of(self.uuid, self.attempt)


@dataclass(frozen=True)
class Decision:
    """What a request leads to."""

    granted: bool | None = None  # None: nobody waits for an answer
    reason: str | None = None  # why it is refused
    put: Hold | None = None  # to be stored
    drop: tuple[str, ...] = ()  # keys of holds that have ended


@dataclass(frozen=True)
class _Live:
    """The holds of one project that still count."""

    holds: Mapping[str, Hold]
    over: tuple[str, ...] = field(default=())  # keys of those that do not


def key_of(uuid: str, attempt: int) -> str:
    """The key of an attempt's hold."""
    return f"{uuid}/{attempt}"


def decide(
    request: QuotaRequest, known: Iterable[Hold], site: ProviderRow | None, now: float
) -> Decision:
    """What is to be done about `request` at the moment `now` (seconds since the epoch).

    `known`: all holds of its project; `site`: what is known of the project, None: nothing, and then
    nothing bounds it either.
    """
    key = key_of(request.uuid, request.attempt)
    match request.request:
        case "release":
            return Decision(drop=tuple(one.key for one in known if one.key == key))
        case "created":
            return Decision(put=_created(key, known, request))
    live = _live(known, site, now)
    if key in live.holds:
        return Decision(granted=True, drop=live.over)
    bounded = {} if site is None else _bounded(request.demand, site.budget)
    if site is None or not bounded:
        return Decision(granted=True, drop=live.over)
    reason = _refusal(request, site.budget, live.holds.values())
    if reason is not None:
        return Decision(granted=False, reason=reason, drop=live.over)
    expires_at = request.expires_at.timestamp() if request.expires_at else now
    hold = Hold(request.key, request.uuid, request.attempt, bounded, expires_at, request.owner)
    return Decision(granted=True, put=hold, drop=tuple(one for one in live.over if one != key))


def _created(key: str, known: Iterable[Hold], request: QuotaRequest) -> Hold | None:
    """The hold with the moment from which a reading counts its machines: the first one told."""
    for one in known:
        if one.key == key and one.created_at is None:
            return replace(one, created_at=request.timestamp.timestamp())
    return None


def read_at(site: ProviderRow) -> float:
    """Of when the quotas of a project are: a part that could not be read lately is older."""
    since = [at for part, at in site.kept.items() if part.startswith(_QUOTAS)]
    return min([site.feeder.timestamp, *since]).timestamp()


def _live(known: Iterable[Hold], site: ProviderRow | None, now: float) -> _Live:
    read = None if site is None else read_at(site)
    holds, over = {}, []
    for one in known:
        counted = read is not None and one.created_at is not None and read > one.created_at
        if counted or now >= one.expires_at:
            over.append(one.key)
        else:
            holds[one.key] = one
    return _Live(holds, tuple(over))


def _bounded(demand: Mapping[str, float], budget: Budget) -> dict[str, float]:
    return {
        resource: number
        for resource, number in demand.items()
        if number > 0
        and resource not in NOT_TAKEN
        and any(
            resource in lines and lines[resource].limit >= 0
            for lines in (budget.project, budget.per_user)
        )
    }


def _refusal(request: QuotaRequest, budget: Budget, others: Iterable[Hold]) -> str | None:
    """Why there is no room; None: there is."""
    held: dict[str, float] = defaultdict(float)
    own: dict[str, float] = defaultdict(float)  # held by the same user
    count = 0
    for one in others:
        count += 1
        for resource, number in one.demand.items():
            held[resource] += number
            if one.owner == request.owner:
                own[resource] += number
    shortages, _ = quotas.compare(request.demand, quotas.less(budget, held, own))
    if not shortages:
        return None
    told = "; ".join(reason.sentence for reason in shortages)
    if not count:
        return told
    some = "another deployment" if count == 1 else f"{count} other deployments"
    return f"{told}; what {some} under way will take counts as used"
