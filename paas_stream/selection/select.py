"""Provider selector: who can host this template, and why the others cannot.

Called by the selector agent and by dry runs. The cheap rules come first: of a provider that is not
open to the request's group only that is told. At all others every rule is applied, and every one
that fails is recorded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from heapq import nsmallest
from itertools import islice
from typing import NamedTuple

from paas_stream.records import Candidate, Discarded, NodeRequirement, Request
from paas_stream.selection import candidate, eligibility
from paas_stream.selection.matching import Match, Matcher
from paas_stream.selection.reasons import Reason
from paas_stream.selection.rows import ProviderRow

MAX_CANDIDATES = 100  # a message of 100 candidates stays well below 1 MB
MAX_CLOSED = 20  # providers of other groups that are named; the others are counted


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


def select(
    requirements: tuple[NodeRequirement, ...],
    providers: Iterable[ProviderRow],
    *,
    request: Request,
    today: date,
    now: datetime,
    stale_s: float,
) -> Selection:
    """The providers that can host a template with these nodes, and why the others cannot.

    At most MAX_CANDIDATES are named: those with the most exact flavors, of these the ones with
    most quota left. `today` is the date by which SLAs are valid; a provider whose last message is
    older than `stale_s` seconds at `now` is left out.
    """
    matcher = Matcher(requirements)
    refusals: list[Refusal] = []
    closed: list[ProviderRow] = []
    opened: set[tuple[str, str]] = set()

    def fitting() -> Iterator[Match]:
        for row in providers:
            if not eligibility.is_open(row.feeder, request):
                closed.append(row)
                continue
            opened.add(row.site)
            match = matcher.match(row)
            reasons = [*_row_reasons(row, request, today, now, stale_s), *match.reasons]
            if reasons:
                refusals.extend(Refusal(row, reason) for reason in reasons)
            else:
                yield match

    candidates = _best(matcher, fitting())
    # A site with a project for this group is told once, whatever its other projects are for.
    elsewhere = {row.site: row for row in closed if row.site not in opened}
    refusals.extend(
        Refusal(row, eligibility.closed_reason(row.feeder, request))
        for row in islice(elsewhere.values(), MAX_CLOSED)
    )
    return Selection(candidates, tuple(refusals), max(len(elsewhere) - MAX_CLOSED, 0))


def _best(matcher: Matcher, fitting: Iterator[Match]) -> tuple[Candidate, ...]:
    # Only the best are kept while the providers pass: ten thousand matches would cost more in
    # garbage collection than in work.
    best = nsmallest(
        MAX_CANDIDATES, fitting, key=lambda m: (-matcher.exactness(m), -m.headroom, m.row.name)
    )
    best.sort(key=lambda m: m.row.name)
    return tuple(candidate.build(m, matcher.requirements, matcher.exactness(m)) for m in best)


def _row_reasons(
    row: ProviderRow, request: Request, today: date, now: datetime, stale_s: float
) -> Iterator[Reason]:
    yield from eligibility.wish_reasons(row.feeder, request)
    yield from eligibility.sla_reasons(row.feeder, today)
    yield from eligibility.stale_reasons(row.received_at, now, stale_s)
