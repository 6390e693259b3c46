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

from paas_stream.records import Candidate, RankedCandidate

UNKNOWN_HEALTH = 0.5  # neither proven good nor bad


def rank(candidates: Iterable[Candidate]) -> tuple[RankedCandidate, ...]:
    """The same candidates, best first, with their score."""
    scored = [(score(candidate), candidate) for candidate in candidates]
    scored.sort(key=lambda pair: (-pair[0], *_name(pair[1])))
    return tuple(
        RankedCandidate.model_construct(**{**dict(candidate), "score": number})
        for number, candidate in scored
    )


def score(candidate: Candidate) -> float:
    """How much free quota, and how healthy: 0 to 1, the larger the better."""
    return (int(100 * free_share(candidate)) + health(candidate)) / 101


def free_share(candidate: Candidate) -> float:
    """The smallest share of a quota that stays free once the template is deployed, 0 to 1."""
    return min(_shares(candidate), default=1.0)


def _shares(candidate: Candidate) -> Iterator[float]:
    c = candidate
    for requested, quota, usage in (
        (c.vcpus_requ, c.vcpus_quota, c.vcpus_usage),
        (c.ram_gb_requ, c.ram_gb_quota, c.ram_gb_usage),
        (c.n_instances_requ, c.n_instances_quota, c.n_instances_usage),
        (c.floating_ips_requ, c.floating_ips_quota, c.floating_ips_usage),
        (c.storage_gb_requ, c.storage_gb_quota, c.storage_gb_usage),
        (c.n_volumes_requ, c.n_volumes_quota, c.n_volumes_usage),
    ):
        if requested <= 0:
            continue
        if quota < 0:
            yield 1.0
        else:
            free = quota - usage - requested
            yield min(max(free / quota, 0.0), 1.0) if quota else 0.0


def health(candidate: Candidate) -> float:
    """1 = no Rally test failed, 0 = all did; the most recent window that has data counts."""
    windows = (
        candidate.test_failure_perc_1d,
        candidate.test_failure_perc_7d,
        candidate.test_failure_perc_30d,
    )
    known = (share for share in windows if share >= 0)
    failures = next(known, None)
    return UNKNOWN_HEALTH if failures is None else 1 - min(failures, 1.0)


def _name(candidate: Candidate) -> tuple[str, str, str]:
    return candidate.provider_name, candidate.region_name, candidate.target.project
