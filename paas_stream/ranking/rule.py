"""The rule: candidates ordered by the quota that stays free, then by Rally failures.

The step of the ranker's fallback chain that needs no model and no history. With, for each resource
r that the template takes,

    share(r) = (quota(r) - usage(r) - requested(r)) / quota(r), at least 0; unlimited: 1
    free     = the smallest share(r), in whole percent, 0 to 100; nothing taken: 100
    health   = 1 - Rally failure share of the shortest window that has data; without data: 1/2
    score    = (free + health) / 101

the order is by descending score, then by provider, region and project. `score` is in [0, 1]. Free
quota is compared in whole percent, so that health decides between providers that are equally
empty; less than a percent of quota says nothing about an attempt's success.
"""

from collections.abc import Iterable, Iterator

from paas_stream.ranking.sla import place
from paas_stream.records import Candidate

UNKNOWN_HEALTH = 0.5  # neither proven good nor bad


def order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """The same candidates, best first."""
    return sorted(candidates, key=lambda one: (-score(one), *place(one)))


def is_applicable(candidates: Iterable[Candidate]) -> bool:
    """Whether a quota or the health of any candidate is known; else the rule says nothing."""
    return any(tightest(one) is not None or window(one) is not None for one in candidates)


def score(candidate: Candidate) -> float:
    """How much free quota, and how healthy: 0 to 1, the larger the better."""
    return (int(100 * free_share(candidate)) + health(candidate)) / 101


def free_share(candidate: Candidate) -> float:
    """The smallest share of a quota that stays free once the template is deployed, 0 to 1."""
    found = tightest(candidate)
    return 1.0 if found is None else found[1]


def tightest(candidate: Candidate) -> tuple[str, float] | None:
    """The resource of which the smallest share stays free, and that share; None: none is limited."""
    return min(_shares(candidate), key=lambda found: found[1], default=None)


def _shares(candidate: Candidate) -> Iterator[tuple[str, float]]:
    c = candidate
    for name, requested, quota, usage in (
        ("vCPU", c.vcpus_requ, c.vcpus_quota, c.vcpus_usage),
        ("RAM", c.ram_gb_requ, c.ram_gb_quota, c.ram_gb_usage),
        ("instance", c.n_instances_requ, c.n_instances_quota, c.n_instances_usage),
        ("public address", c.floating_ips_requ, c.floating_ips_quota, c.floating_ips_usage),
        ("storage", c.storage_gb_requ, c.storage_gb_quota, c.storage_gb_usage),
        ("volume", c.n_volumes_requ, c.n_volumes_quota, c.n_volumes_usage),
    ):
        if requested <= 0 or quota < 0:
            continue
        free = quota - usage - requested
        yield name, min(max(free / quota, 0.0), 1.0) if quota else 0.0


def health(candidate: Candidate) -> float:
    """1 = no Rally test failed, 0 = all did; the most recent window that has data counts."""
    found = window(candidate)
    return UNKNOWN_HEALTH if found is None else 1 - found[1]


def window(candidate: Candidate) -> tuple[str, float] | None:
    """The shortest Rally window that has data, and the share of failures in it, 0 to 1."""
    windows = (
        ("1 day", candidate.test_failure_perc_1d),
        ("7 days", candidate.test_failure_perc_7d),
        ("30 days", candidate.test_failure_perc_30d),
    )
    known = ((name, min(share, 1.0)) for name, share in windows if share >= 0)
    return next(known, None)
