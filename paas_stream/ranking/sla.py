"""SLA order: the last resort of the fallback chain, when nothing is known of quotas and health.

The provider with the oldest agreement with the user's group comes first, one whose agreement has no
date last; then by provider, region and project.
"""

from collections.abc import Iterable

from paas_stream.records import Candidate

_NO_DATE = "9999-12-31"


def order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The same candidates, the oldest agreement first."""
    return sorted(candidates, key=lambda one: (one.sla_start or _NO_DATE, *place(one)))


def place(candidate: Candidate) -> tuple[str, str, str]:
    """Provider, region and project: what ties are broken by."""
    return candidate.provider_name, candidate.region_name, candidate.target.project
