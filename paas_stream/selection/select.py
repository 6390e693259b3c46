"""Provider selector: who can host this template, and why the others cannot.

Called by the selector agent and by dry runs. The cheap rules come first: of a provider that is not
open to the request's group only that is told. At all others every rule is applied, and every one
that fails is recorded.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from heapq import nsmallest
from typing import NamedTuple

from paas_stream.errors import InvalidTemplateError
from paas_stream.records import (
    Candidate,
    Discarded,
    Inference,
    NodeRequirement,
    Request,
    ValidatedTemplate,
)
from paas_stream.selection import candidate, eligibility, health
from paas_stream.selection.catalog import Catalog, Site
from paas_stream.selection.health import Windows
from paas_stream.selection.matching import Match, Matcher
from paas_stream.selection.reasons import Reason
from paas_stream.selection.rows import ProviderRow

MAX_CANDIDATES = 100  # a message of 100 candidates stays well below 1 MB
MAX_CLOSED = 20  # providers of other groups that are named; the others are counted


Health = Callable[[str, str, date], Windows]  # of a provider and a region, on a day


def no_health(provider: str, region: str, today: date) -> Windows:
    """Nothing is known of any provider's health."""
    return health.UNKNOWN


class Refusal(NamedTuple):
    """One rule that failed at one provider."""

    row: ProviderRow
    reason: Reason

    def record(self) -> Discarded:
        """As it stands in a message."""
        feeder = self.row.feeder
        return Discarded(
            provider_name=feeder.provider_name,
            region_name=feeder.region_name,
            project=feeder.project_id,
            code=self.reason.code.value,
            reason=self.reason.sentence,
        )


@dataclass(frozen=True)
class Selection:
    """The outcome for one template."""

    candidates: tuple[Candidate, ...]  # by provider, region, project
    refusals: tuple[Refusal, ...]  # at the end those of providers not open to the group
    unnamed: int = 0  # further providers that are not open to the group

    @cached_property
    def discarded(self) -> tuple[Discarded, ...]:
        """Every refusal as it stands in a message."""
        return tuple(refusal.record() for refusal in self.refusals)

    def summary(self, most: int = 100) -> tuple[Discarded, ...]:
        """The first refusals, at most this many, and a line that counts the others."""
        left_out = max(len(self.refusals) - most, 0)
        counts = []
        if left_out:
            counts.append(f"{left_out} more reasons are left out")
        if self.unnamed:
            counts.append(f"{self.unnamed} more providers are not open to the user group")
        lines = [
            Discarded(provider_name="*", region_name="*", code="more", reason=sentence)
            for sentence in counts
        ]
        return (*(refusal.record() for refusal in self.refusals[:most]), *lines)

    def explanation(self, most: int = 20) -> str:
        """One sentence for an error: that there is no provider, and why for each."""
        told = [
            line.reason
            if line.provider_name == "*"
            else f"{line.provider_name}/{line.region_name}: {line.reason}"
            for line in self.summary(most)
        ]
        return "no provider can host the template: " + ("; ".join(told) or "none is known")

    def inference(self, message: ValidatedTemplate) -> Inference:
        """What the ranker is to order, for the request in `message`."""
        return Inference(
            uuid=message.uuid,
            revision=message.revision,
            template_name=message.template_name,
            submission_time=message.timestamp,
            user_group=message.user_group,
            max_providers=message.request.max_providers,
            deadline=message.request.deadline,
            providers=self.candidates,
            discarded=self.summary(),
        )


def select(
    requirements: tuple[NodeRequirement, ...],
    providers: Catalog | Iterable[ProviderRow],
    *,
    request: Request,
    today: date,
    now: datetime,
    stale_s: float,
    sla_id: str | None = None,
    trusted_issuers: Collection[str] = (),
    stale_last: bool = False,
    health_of: Health = no_health,
) -> Selection:
    """The providers that can host a template with these nodes, and why the others cannot.

    At most MAX_CANDIDATES are named: those with the most exact flavors, of these the ones with
    most quota left. `today` is the date by which SLAs are valid; a provider whose last message is
    older than `stale_s` seconds at `now` is left out, or with `stale_last` comes after all others
    and is marked. `sla_id` is the agreement that a placement policy asks for. `trusted_issuers`
    end without "/"; none at all means every issuer.

    Raises InvalidTemplateError when no provider is known to serve the agreement `sla_id`.
    """
    catalog = providers if isinstance(providers, Catalog) else Catalog(providers)
    if sla_id is not None and not catalog.has_sla(sla_id):
        raise InvalidTemplateError(
            [f"no provider serves the SLA {sla_id!r} that a policy asks for"]
        )
    matcher = Matcher(requirements)
    refusals: list[Refusal] = []
    other_issuer: dict[Site, ProviderRow] = {}
    opened: set[Site] = set()

    wishes = (
        request.target_provider_name or request.target_provider_type or request.target_region_name
    )

    def row_reasons(row: ProviderRow) -> Iterator[Reason]:
        feeder = row.feeder
        yield from eligibility.status_reasons(feeder, trusted_issuers)
        if wishes:
            yield from eligibility.wish_reasons(feeder, request)
        if sla_id:
            yield from eligibility.placement_reasons(feeder, sla_id)
        days = row.sla_days
        if days is None or not days[0] <= today <= days[1]:
            yield from eligibility.sla_reasons(feeder, today)
        if not stale_last:
            yield from eligibility.stale_reasons(row.received_at, now, stale_s)

    def is_stale(match: Match) -> bool:
        return stale_last and eligibility.is_stale(match.row.received_at, now, stale_s)

    def fitting() -> Iterator[Match]:
        for row in catalog.of_group(request.user_group):
            if not eligibility.is_open(row.feeder, request):
                other_issuer[row.site] = row
                continue
            opened.add(row.site)
            match = matcher.match(row)
            reasons = [*row_reasons(row), *match.reasons]
            if reasons:
                refusals.extend(Refusal(row, reason) for reason in reasons)
            else:
                yield match

    # Only the best are kept while the providers pass: ten thousand matches would cost more in
    # garbage collection than in work.
    best = nsmallest(
        MAX_CANDIDATES,
        fitting(),
        key=lambda m: (is_stale(m), -matcher.exactness(m), -m.headroom, m.row.name),
    )
    best.sort(key=lambda m: m.row.name)
    candidates = tuple(
        candidate.build(
            match,
            matcher.requirements,
            matcher.exactness(match),
            health_of(*match.row.site, today),
            is_stale(match),
        )
        for match in best
    )
    # Those of the group at another issuer come first: they tell the user more.
    near = [row for site, row in other_issuer.items() if site not in opened][:MAX_CLOSED]
    told = opened.union(row.site for row in near)
    far, more = catalog.sites_beside(told, MAX_CLOSED - len(near))
    closed = (Refusal(row, eligibility.closed_reason(row.feeder, request)) for row in near + far)
    return Selection(candidates, (*refusals, *closed), more)
