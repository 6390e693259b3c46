"""What the ranking model looks at: one list, in the order of its columns.

Everything is known before the attempt: the candidate's numbers as the selector has sent them, and the
ranker's memory, which holds outcomes that were told by then. The row of a request is written into the
ranking and from there into the training row, so that a model learns from what was served.

Missing is NaN, never a number: -1 of a quota means unlimited, -1 of a Rally window means no test.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from paas_stream.ranking.history import NAME_MAX, NONE, Summary, Tally
from paas_stream.ranking.rates import PRIOR, Estimate, Memory
from paas_stream.records import Candidate

Matrix = npt.NDArray[np.float32]

NAN = math.nan
_DIGITS = 6  # significant ones that are kept in messages


class Seen(NamedTuple):
    """All that one row is made of."""

    candidate: Candidate
    estimate: Estimate  # the rates' estimate for this provider and template
    usual: Estimate  # the same for the template anywhere
    site: Summary | None  # what is remembered of the provider and region
    same: Tally  # of that, with this template
    federation: float  # share of successes of all attempts, shrunken


class Feature(NamedTuple):
    """One column."""

    name: str
    unit: str
    source: str
    why: str
    of: Callable[[Seen], float]


_QUOTAS = (
    ("vcpus", "vCPU", "vCPUs"),
    ("ram_gb", "GiB", "RAM"),
    ("n_instances", "machines", "machines"),
    ("storage_gb", "GiB", "storage"),
    ("n_volumes", "volumes", "volumes"),
    ("floating_ips", "addresses", "public addresses"),
)
_FEEDER = "Feeder, at the request"
_RALLY = "Rally, at the request"
_SELECTOR = "selector, from the template"
_MEMORY = "ranker memory: outcomes told before the request"


def _free(prefix: str) -> Callable[[Seen], float]:
    requ, quota, usage = (f"{prefix}_{what}" for what in ("requ", "quota", "usage"))

    def free(seen: Seen) -> float:
        one = seen.candidate
        limit: float = getattr(one, quota)
        return NAN if limit < 0 else limit - getattr(one, usage) - getattr(one, requ)

    return free


def _share(prefix: str) -> Callable[[Seen], float]:
    free, quota = _free(prefix), f"{prefix}_quota"

    def share(seen: Seen) -> float:
        limit: float = getattr(seen.candidate, quota)
        return free(seen) / limit if limit > 0 else NAN

    return share


_SHARES = tuple(_share(prefix) for prefix, _, _ in _QUOTAS)


def _tightest(seen: Seen) -> float:
    known = [share for of in _SHARES if not math.isnan(share := of(seen))]
    return min(known, default=NAN)


def _number(name: str) -> Callable[[Seen], float]:
    return lambda seen: float(getattr(seen.candidate, name))


def _rally(name: str) -> Callable[[Seen], float]:
    def share(seen: Seen) -> float:
        value: float = getattr(seen.candidate, name)
        return NAN if value < 0 else value

    return share


def _days(place: int) -> Callable[[Seen], Tally]:
    return lambda seen: seen.site.of_days[place] if seen.site is not None else NONE


def _month(seen: Seen) -> Tally:
    return seen.site.overall if seen.site is not None else NONE


def _failures(tally: Callable[[Seen], Tally]) -> Callable[[Seen], float]:
    """The share of failures, drawn toward what is usual for the template."""

    def share(seen: Seen) -> float:
        one = tally(seen)
        usual = 1 - seen.usual.p_success
        return (one.failures + PRIOR * usual) / (one.attempts + PRIOR)

    return share


def _count(tally: Callable[[Seen], Tally]) -> Callable[[Seen], float]:
    return lambda seen: math.log1p(tally(seen).attempts)


_WINDOWS: tuple[tuple[str, str, Callable[[Seen], Tally]], ...] = (
    ("1d", "today (UTC)", _days(0)),
    ("7d", "seven days", _days(1)),
    ("30d", "30 days", _month),
)

FEATURES: tuple[Feature, ...] = (
    *(
        Feature(
            f"{prefix}_free",
            unit,
            _FEEDER,
            f"{what} that stay free: below zero the site refuses",
            _free(prefix),
        )
        for prefix, unit, what in _QUOTAS
    ),
    *(
        Feature(
            f"{prefix}_free_share",
            "share",
            _FEEDER,
            f"the same of the quota: a site that is nearly full of {what} fails more",
            _share(prefix),
        )
        for prefix, _, what in _QUOTAS
    ),
    Feature("least_free_share", "share", _FEEDER, "the tightest of these decides", _tightest),
    *(
        Feature(name, unit, _SELECTOR, why, _number(name))
        for name, unit, why in (
            ("vcpus_requ", "vCPU", "large requests wait for longer and fail more"),
            ("ram_gb_requ", "GiB", "the same"),
            ("n_instances_requ", "machines", "one machine of many that fails, fails all"),
            ("storage_gb_requ", "GiB", "volumes take time"),
            ("gpus_requ", "GPUs", "GPUs are few"),
            ("exact_flavors", "share", "a larger flavor than asked for takes more of the site"),
        )
    ),
    *(
        Feature(
            f"test_failure_perc_{days}d",
            "share",
            _RALLY,
            f"tests that failed in {days} days: the site's own health",
            _rally(f"test_failure_perc_{days}d"),
        )
        for days in (1, 7, 30)
    ),
    *(
        Feature(name, unit, _FEEDER, why, _number(name))
        for name, unit, why in (
            ("overbooking_cpu", "ratio", "promised to real CPUs: slower machines"),
            ("overbooking_ram", "ratio", "promised to real RAM"),
            ("bandwidth_in", "Gbit/s", "images and packages come in over it"),
            ("bandwidth_out", "Gbit/s", "the same, out"),
        )
    ),
    *(
        Feature(
            f"failures_{name}",
            "share",
            _MEMORY,
            f"attempts at the site that failed within {text}, shrunken",
            _failures(tally),
        )
        for name, text, tally in _WINDOWS
    ),
    *(
        Feature(
            f"attempts_{name}",
            "log(1 + n)",
            _MEMORY,
            f"how many there were within {text}: what the share is worth",
            _count(tally),
        )
        for name, text, tally in _WINDOWS
    ),
    Feature(
        "failures_in_a_row",
        "attempts",
        _MEMORY,
        "a site that has begun to fail goes on failing for a while",
        lambda seen: float(seen.site.failures_in_a_row) if seen.site is not None else 0.0,
    ),
    Feature(
        "failures_same_template",
        "share",
        _MEMORY,
        "some templates never work at some sites; shrunken",
        _failures(lambda seen: seen.same),
    ),
    Feature(
        "attempts_same_template",
        "log(1 + n)",
        _MEMORY,
        "what that share is worth",
        _count(lambda seen: seen.same),
    ),
    Feature(
        "rate_success",
        "probability",
        _MEMORY,
        "what the rates expect of site and template: the last outcomes count most",
        lambda seen: seen.estimate.p_success,
    ),
    Feature(
        "rate_success_s",
        "log(s)",
        _MEMORY,
        "how long attempts take there with this template, when they succeed",
        lambda seen: math.log1p(seen.estimate.t_success_s),
    ),
    Feature(
        "rate_failure_s",
        "log(s)",
        _MEMORY,
        "the same, when they fail",
        lambda seen: math.log1p(seen.estimate.t_failure_s),
    ),
    Feature(
        "template_success",
        "probability",
        _MEMORY,
        "the template anywhere: this is what a name stands for",
        lambda seen: seen.usual.p_success,
    ),
    Feature(
        "template_success_s",
        "log(s)",
        _MEMORY,
        "how long the template takes anywhere, when it succeeds",
        lambda seen: math.log1p(seen.usual.t_success_s),
    ),
    Feature(
        "template_failure_s",
        "log(s)",
        _MEMORY,
        "the same, when it fails",
        lambda seen: math.log1p(seen.usual.t_failure_s),
    ),
    Feature(
        "federation_success",
        "probability",
        _MEMORY,
        "how the federation does as a whole",
        lambda seen: seen.federation,
    ),
)
NAMES = tuple(one.name for one in FEATURES)
SCHEMA = hashlib.sha256("\n".join(f"{f.name} [{f.unit}]" for f in FEATURES).encode()).hexdigest()[
    :16
]
_COMPUTE = tuple(one.of for one in FEATURES)


def rows(candidates: Iterable[Candidate], template: str, memory: Memory) -> Matrix:
    """One row for each candidate of a request, as known at this moment: (candidates, features)."""
    usual = memory.template(template)
    overall = memory.overall
    federation = (overall.successes + 1) / (overall.attempts + 2)
    made = []
    for one in candidates:
        place = one.provider_name, one.region_name
        site = memory.summary(*place)
        same = site.of(template[:NAME_MAX]) if site is not None else NONE
        seen = Seen(one, memory.estimate(*place, template), usual, site, same, federation)
        made.append([of(seen) for of in _COMPUTE])
    return np.array(made, dtype=np.float32).reshape(len(made), len(FEATURES))


def told(row: npt.NDArray[np.float32]) -> tuple[float | None, ...]:
    """A row as it stands in a message: null is missing."""
    return tuple(None if math.isnan(x) else float(f"{x:.{_DIGITS}g}") for x in row.tolist())


def read(values: Iterable[float | None]) -> list[float]:
    """A row of a message."""
    return [NAN if value is None else value for value in values]
