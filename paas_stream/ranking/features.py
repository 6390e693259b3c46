"""What the ranking model looks at: one list, in the order of its columns.

Everything is known before the attempt: the candidate's numbers as the selector has sent them, and the
ranker's memory, which holds outcomes that were told by then. The row of a request is written into the
ranking and from there into the training row, so that a model learns from what was served.

Missing is NaN, never a number: -1 of a quota means unlimited, -1 of a Rally window means no test.
"""

import hashlib
import math
from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from paas_stream.ranking.history import NAME_MAX, NONE, Summary
from paas_stream.ranking.rates import PRIOR, Estimate, Memory
from paas_stream.records import Candidate

Matrix = npt.NDArray[np.float32]
Column = npt.NDArray[np.float64]

NAN = math.nan
_DIGITS = 6  # significant ones that are kept in messages

_QUOTAS = (
    ("vcpus", "vCPU", "vCPUs"),
    ("ram_gb", "GiB", "RAM"),
    ("n_instances", "machines", "machines"),
    ("storage_gb", "GiB", "storage"),
    ("n_volumes", "volumes", "volumes"),
    ("floating_ips", "addresses", "public addresses"),
)
_NUMBERS = (
    *(f"{prefix}_{what}" for what in ("quota", "usage", "requ") for prefix, _, _ in _QUOTAS),
    "gpus_requ",
    "exact_flavors",
    "test_failure_perc_1d",
    "test_failure_perc_7d",
    "test_failure_perc_30d",
    "overbooking_cpu",
    "overbooking_ram",
    "bandwidth_in",
    "bandwidth_out",
)
_NUMBERS_OF = attrgetter(*_NUMBERS)
_REMEMBERED = (
    *(f"{what}_{days}d" for days in (1, 7, 30) for what in ("failures", "attempts")),
    "failures_in_a_row",
    "down",
    "silence_h",
    "failures_same_template",
    "attempts_same_template",
    "rate_success",
    "rate_success_s",
    "rate_failure_s",
)


_NOTHING = tuple(NAN if name == "silence_h" else 0.0 for name in _REMEMBERED[:-3])


class Seen(NamedTuple):
    """All that the rows of a request are made of: numbers by candidate, and what all have alike."""

    numbers: dict[str, Column]  # of the candidates, as they are named there
    free: Column  # of each quota: (quotas, candidates)
    share: Column  # the same of the quota
    remembered: dict[str, Column]  # of the candidates' sites
    usual: Estimate  # the rates' estimate for this template anywhere
    federation: float  # share of successes of all attempts, shrunken


class Feature(NamedTuple):
    """One column."""

    name: str
    unit: str
    source: str
    why: str
    of: Callable[[Seen], Column | float]


_FEEDER = "Feeder, at the request"
_RALLY = "Rally, at the request"
_SELECTOR = "selector, from the template"
_MEMORY = "ranker memory: outcomes told before the request"


def _free(place: int) -> Callable[[Seen], Column]:
    return lambda seen: seen.free[place]


def _share(place: int) -> Callable[[Seen], Column]:
    return lambda seen: seen.share[place]


def _tightest(seen: Seen) -> Column:
    least: Column = np.fmin.reduce(seen.share, axis=0)
    return least


def _number(name: str) -> Callable[[Seen], Column]:
    return lambda seen: seen.numbers[name]


def _rally(name: str) -> Callable[[Seen], Column]:
    def share(seen: Seen) -> Column:
        value = seen.numbers[name]
        return np.where(value < 0, NAN, value)

    return share


def _failures(name: str) -> Callable[[Seen], Column]:
    """The share of failures, drawn toward what is usual for the template."""

    def share(seen: Seen) -> Column:
        failures = seen.remembered[f"failures_{name}"]
        attempts = seen.remembered[f"attempts_{name}"]
        return (failures + PRIOR * (1 - seen.usual.p_success)) / (attempts + PRIOR)

    return share


def _log1p(name: str) -> Callable[[Seen], Column]:
    return lambda seen: np.log1p(seen.remembered[name])


def _known(name: str) -> Callable[[Seen], Column]:
    return lambda seen: seen.remembered[name]


_WINDOWS = (("1d", "today (UTC)"), ("7d", "seven days"), ("30d", "30 days"))

FEATURES: tuple[Feature, ...] = (
    *(
        Feature(
            f"{prefix}_free",
            unit,
            _FEEDER,
            f"{what} that stay free: below zero the site refuses",
            _free(place),
        )
        for place, (prefix, unit, what) in enumerate(_QUOTAS)
    ),
    *(
        Feature(
            f"{prefix}_free_share",
            "share",
            _FEEDER,
            f"the same of the quota: a site that is nearly full of {what} fails more",
            _share(place),
        )
        for place, (prefix, _, what) in enumerate(_QUOTAS)
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
            _failures(name),
        )
        for name, text in _WINDOWS
    ),
    *(
        Feature(
            f"attempts_{name}",
            "log(1 + n)",
            _MEMORY,
            f"how many there were within {text}: what the share is worth",
            _log1p(f"attempts_{name}"),
        )
        for name, text in _WINDOWS
    ),
    Feature(
        "failures_in_a_row",
        "attempts",
        _MEMORY,
        "a site that has begun to fail goes on failing for a while",
        _known("failures_in_a_row"),
    ),
    Feature(
        "down",
        "probability",
        _MEMORY,
        "that the site is down, by its failures since the last success and the time since",
        _known("down"),
    ),
    Feature(
        "silence_h",
        "log(1 + h)",
        _MEMORY,
        "since the last outcome: the longer, the less it says",
        _log1p("silence_h"),
    ),
    Feature(
        "failures_same_template",
        "share",
        _MEMORY,
        "some templates never work at some sites; shrunken",
        _failures("same_template"),
    ),
    Feature(
        "attempts_same_template",
        "log(1 + n)",
        _MEMORY,
        "what that share is worth",
        _log1p("attempts_same_template"),
    ),
    Feature(
        "rate_success",
        "probability",
        _MEMORY,
        "what the rates expect of site and template: the last outcomes count most",
        _known("rate_success"),
    ),
    Feature(
        "rate_success_s",
        "log(s)",
        _MEMORY,
        "how long attempts take there with this template, when they succeed",
        _log1p("rate_success_s"),
    ),
    Feature(
        "rate_failure_s",
        "log(s)",
        _MEMORY,
        "the same, when they fail",
        _log1p("rate_failure_s"),
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


def rows(candidates: Iterable[Candidate], template: str, memory: Memory) -> Matrix:
    """One row for each candidate of a request, as known at this moment: (candidates, features).

    What is too large for a number of 32 bits is missing: boosters take no infinity, and the model would
    be passed over for all candidates because of one.
    """
    given = tuple(candidates)
    made = np.empty((len(given), len(FEATURES)), dtype=np.float32)
    if not given:
        return made
    with np.errstate(over="ignore", invalid="ignore"):
        seen = _seen(given, template, memory)
        for place, one in enumerate(FEATURES):
            made[:, place] = one.of(seen)
    made[np.isinf(made)] = NAN
    return made


def _seen(given: tuple[Candidate, ...], template: str, memory: Memory) -> Seen:
    table = np.array([_NUMBERS_OF(one) for one in given], dtype=np.float64).T
    quota, usage, requested = np.split(table[: 3 * len(_QUOTAS)], 3)
    limited = np.where(quota < 0, NAN, quota)
    free = limited - usage - requested
    share = free / np.where(limited > 0, limited, NAN)
    known = [_of_site(one, template, memory) for one in given]
    remembered = np.array(known, dtype=np.float64).T
    overall = memory.overall
    return Seen(
        dict(zip(_NUMBERS, table, strict=True)),
        free,
        share,
        dict(zip(_REMEMBERED, remembered, strict=True)),
        memory.template(template),
        (overall.successes + 1) / (overall.attempts + 2),
    )


def _of_site(one: Candidate, template: str, memory: Memory) -> tuple[float, ...]:
    """What is remembered of a candidate's site, in the order of _REMEMBERED."""
    place = one.provider_name, one.region_name
    site: Summary | None = memory.summary(*place)
    estimate = memory.estimate(*place, template)
    expected = estimate.p_success, estimate.t_success_s, estimate.t_failure_s
    if site is None:
        return (*_NOTHING, *expected)
    day, week = site.of_days
    month, same = site.overall, site.templates.get(template[:NAME_MAX], NONE)
    return (
        day.failures,
        day.successes + day.failures,
        week.failures,
        week.successes + week.failures,
        month.failures,
        month.successes + month.failures,
        site.failures_in_a_row,
        estimate.down,
        memory.silence_s(site) / 3600,
        same.failures,
        same.successes + same.failures,
        *expected,
    )


def told(row: npt.NDArray[np.float32]) -> tuple[float | None, ...]:
    """A row as it stands in a message: null is missing."""
    return tuple(None if math.isnan(x) else float(f"{x:.{_DIGITS}g}") for x in row.tolist())


def read(values: Iterable[float | None]) -> list[float]:
    """A row of a message."""
    return [NAN if value is None else value for value in values]
