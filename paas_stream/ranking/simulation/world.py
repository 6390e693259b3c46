"""A federation with known truth: providers, templates, users, and what they ask for in 45 days.

What drives the truth, hour by hour (all numbers drawn from the seed):

    log-odds of success   quality of the provider + ease of the template + how the two get on
                          - what load above 60 % costs + drift (a random walk, and one step)
    outages               come and go (Markov), 5 % succeed in one
    quota refusals        less stays free than is asked for; nobody sees it before: the reading is old
    seconds               of the template, times speed of the provider, load, overbooking
    failed attempts       of the template, times a factor of the provider; refusals are quick

Policies see the numbers that the Feeder and Rally give: readings that are an hour old and never quite
right, and tests that meet the site's health by chance. One provider has no tests.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from paas_stream.ranking.simulation.scenarios import Scenario
from paas_stream.ranking.simulation.truth import SAMPLES, Courses, Truth, Vector, drawn
from paas_stream.records import Candidate
from paas_stream.records.candidates import Target

DAYS = 45
PER_DAY = 28  # requests
START = datetime(2026, 1, 5, tzinfo=UTC)
_PROVIDERS, _TEMPLATES, _GROUPS = 8, 8, 6
_HOURS = DAYS * 24
_FAULT = 0.03  # of the requests fail everywhere
_REFUSED_P, _OUTAGE_P = 0.02, 0.05
_REFUSED_S, _EQUAL_S = 45.0, 900.0
_BROKEN_P = 0.03
_RESOURCES = ("vcpus", "ram_gb", "n_instances", "storage_gb", "n_volumes", "floating_ips")
_TARGET = Target(type="dummy", endpoint="https://site.example.org")


@dataclass(frozen=True)
class Probe:
    """What the monitoring of the old rule-based ranker measured at a provider; seconds."""

    create_s: float
    run_s: float
    delete_s: float
    ok: bool


@dataclass(frozen=True)
class Request:
    """One request: what policies may see of it, and the truth."""

    number: int
    at: float  # seconds since the epoch
    template: str
    candidates: tuple[Candidate, ...]  # in no order
    places: tuple[int, ...]  # the candidates' numbers in the federation
    probes: tuple[Probe, ...]
    truth: Truth
    happens: Courses  # one course: what the attempts at each candidate would come to

    @property
    def day(self) -> int:
        """From 0."""
        return int((self.at - START.timestamp()) // 86400)


class World:
    """One federation. The same scenario and seed give the same one."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario = scenario
        random = self._random = np.random.default_rng([seed, 7])
        count = self.count = _PROVIDERS + (scenario.joins_day is not None)
        self._quality = random.normal(1.3, 0.8, count)
        self._speed = np.exp(random.normal(0, 0.35, count))
        self._failing = np.exp(random.uniform(math.log(0.15), math.log(3), count))
        self._overbooking = random.uniform(1, 4, (2, count))
        self._bandwidth = random.uniform(1, 40, (2, count))
        self._agreed = [START - timedelta(days=int(d)) for d in random.integers(30, 900, count)]
        vcpus = random.uniform(60, 400, count)
        self._quota = np.array(
            [
                vcpus,
                vcpus * random.uniform(2, 5, count),
                vcpus * random.uniform(0.25, 0.5, count),
                vcpus * random.uniform(10, 40, count),
                vcpus * random.uniform(0.3, 1, count),
                random.integers(3, 20, count).astype(float),
            ]
        ).round()
        self._ease = random.normal(0.2, 0.6, _TEMPLATES)
        self._length_s = np.exp(random.uniform(math.log(120), math.log(2400), _TEMPLATES))
        self._fit = random.normal(0, 0.5, (count, _TEMPLATES))
        self._fit[random.random((count, _TEMPLATES)) < 0.05] -= 3.0  # never works there
        self._exact = np.where(random.random((count, _TEMPLATES)) < 0.975, 1.0, 0.5)
        machines = random.integers(1, 6, _TEMPLATES).astype(float)
        cores = machines * random.choice([1, 2, 4, 8], _TEMPLATES)
        self._asked = np.array(
            [
                cores,
                cores * random.choice([2, 4], _TEMPLATES),
                machines,
                machines * random.choice([10, 20, 100], _TEMPLATES),
                random.integers(0, 3, _TEMPLATES).astype(float),
                random.integers(0, 2, _TEMPLATES).astype(float),
            ]
        )
        self._gpus = np.where(np.arange(_TEMPLATES) == _TEMPLATES - 1, 1.0, 0.0)
        self._outage = _outages(count, random)
        self._load = _loads(count, random)
        self._drift = _drifts(count, random)
        self._tests = self._rally(random)
        self._untested = int(random.integers(count))
        self._groups = [self._group() for _ in range(_GROUPS)]
        self._wants = random.dirichlet(np.ones(_TEMPLATES), _GROUPS)
        self.broken = self._best_known()

    def _group(self) -> list[int]:
        scenario = self.scenario
        size = int(self._random.integers(scenario.least, scenario.most + 1))
        seen = [int(one) for one in self._random.permutation(_PROVIDERS)[:size]]
        return seen if scenario.joins_day is None else [*seen[:5], _PROVIDERS]

    def _best_known(self) -> int:
        """Of the providers that most groups see, the best one: it is what begins to fail."""
        seen = [sum(one in group for group in self._groups) for one in range(self.count)]
        return max(range(self.count), key=lambda one: (seen[one] >= 2, self._quality[one]))

    def _rally(self, random: np.random.Generator) -> Vector:
        """Failed tests of each hour; one test an hour, with 2 % noise."""
        health = 1 / (1 + np.exp(-(self._quality[:, None] + 1.0 + self._drift)))
        fails = np.where(self._outage, 0.9, 1 - health)
        failed: Vector = (random.random(fails.shape) < np.clip(fails, 0.02, 1)).astype(float)
        return failed

    def requests(self) -> Iterator[Request]:
        """All of them, the earliest first."""
        random = self._random
        begin, number = START.timestamp(), 0
        for day in range(DAYS):
            count = int(random.poisson(PER_DAY))
            by_day = random.normal(13, 3, count) % 24  # most ask around noon
            for hour in sorted(by_day.tolist()):
                yield self._request(number, begin + day * 86400 + hour * 3600)
                number += 1

    def _request(self, number: int, at: float) -> Request:
        random, scenario = self._random, self.scenario
        hour = int((at - START.timestamp()) // 3600)
        group = int(random.integers(_GROUPS))
        template = int(random.choice(_TEMPLATES, p=self._wants[group]))
        joined = scenario.joins_day is None or hour >= 24 * scenario.joins_day
        seen = [one for one in self._groups[group] if one < _PROVIDERS or joined]
        places = np.array(seen)[random.permutation(len(seen))]
        free = self._quota[:, places] * (1 - self._load[:, places, hour])
        refused = np.any(free < self._asked[:, [template]], axis=0)
        truth = self._truth(places, template, hour, refused)
        if scenario.deadline_s is not None:
            courses = drawn(truth, SAMPLES, random)
            truth = Truth(
                truth.p,
                truth.success_s,
                truth.failure_s,
                truth.fault,
                scenario.deadline_s,
                scenario.max_providers,
                courses,
            )
        return Request(
            number,
            at,
            f"template-{template}",
            tuple(self._candidate(int(one), template, hour) for one in places),
            tuple(int(one) for one in places),
            tuple(self._probe(int(one), hour) for one in places),
            truth,
            drawn(truth, 1, random),
        )

    def _truth(
        self,
        places: "np.typing.NDArray[np.int_]",
        template: int,
        hour: int,
        refused: "np.typing.NDArray[np.bool_]",
    ) -> Truth:
        scenario = self.scenario
        load = self._load[0, places, hour]
        odds = self._quality[places] + self._ease[template] + self._fit[places, template]
        odds = odds - 6.0 * np.maximum(load - 0.6, 0) + self._drift[places, hour]
        p = 1 / (1 + np.exp(-odds))
        p = np.where(self._outage[places, hour], _OUTAGE_P, p)
        p = np.where(refused, _REFUSED_P, p)
        if scenario.breaks_day is not None and hour >= 24 * scenario.breaks_day:
            p = np.where(places == self.broken, _BROKEN_P, p)
        slower = 1 + 0.3 * load * self._overbooking[0, places]
        success_s = self._length_s[template] * self._speed[places] * slower
        failure_s = self._length_s[template] * self._failing[places]
        failure_s = np.where(refused, _REFUSED_S, failure_s)
        if scenario.equal_failures:
            failure_s = np.full(len(places), _EQUAL_S)
        return Truth(p, success_s, failure_s, _FAULT, most=scenario.max_providers)

    def _candidate(self, one: int, template: int, hour: int) -> Candidate:
        """As the selector would send it: the reading is of the hour before, and never quite right."""
        random = self._random
        load = self._load[:, one, max(hour - 1, 0)] + random.normal(0, 0.02, len(_RESOURCES))
        used = (self._quota[:, one] * np.clip(load, 0, 1)).round()
        numbers: dict[str, Any] = {}
        for place, name in enumerate(_RESOURCES):
            numbers[f"{name}_quota"] = float(self._quota[place, one])
            numbers[f"{name}_usage"] = float(used[place])
            numbers[f"{name}_requ"] = float(self._asked[place, template])
        for days in (1, 7, 30):
            numbers[f"test_failure_perc_{days}d"] = self._failed(one, hour, days)
        return Candidate.model_construct(
            None,
            provider_name=f"site-{one}",
            region_name="north",
            overbooking_cpu=float(self._overbooking[0, one]),
            overbooking_ram=float(self._overbooking[1, one]),
            bandwidth_in=float(self._bandwidth[0, one]),
            bandwidth_out=float(self._bandwidth[1, one]),
            exact_flavors=float(self._exact[one, template]),
            gpus_requ=float(self._gpus[template]),
            sla_start=f"{self._agreed[one]:%Y-%m-%d}",
            target=_TARGET,
            **numbers,
        )

    def _failed(self, one: int, hour: int, days: int) -> float:
        """The share of tests that failed; -1 = there was none."""
        first = max(hour - 24 * days, 0)
        if self.scenario.joins_day is not None and one == _PROVIDERS:
            first = max(first, 24 * self.scenario.joins_day)
        if hour <= first or one == self._untested:
            return -1.0
        return round(float(self._tests[one, first:hour].mean()), 3)

    def _probe(self, one: int, hour: int) -> Probe:
        noise = float(np.exp(self._random.normal(0, 0.2)))
        create = 20 * float(self._speed[one]) * noise * (1 + float(self._load[0, one, hour]))
        ok = not self._outage[one, hour] and not self._tests[one, hour]
        return Probe(create, 1.5 * create, 0.5 * create, bool(ok))


def _outages(count: int, random: np.random.Generator) -> "np.typing.NDArray[np.bool_]":
    """Whether each provider is out, by hour; every 6 to 20 days, for 6 to 30 hours on the mean."""
    between, lasts = random.uniform(6 * 24, 20 * 24, count), random.uniform(6, 30, count)
    out = np.zeros((count, _HOURS), dtype=bool)
    for hour in range(1, _HOURS):
        draw = random.random(count)
        out[:, hour] = np.where(out[:, hour - 1], draw > 1 / lasts, draw < 1 / between)
    return out


def _loads(count: int, random: np.random.Generator) -> Vector:
    """Share of each quota in use: a level, the day's course, and what comes by chance."""
    hours = np.arange(_HOURS)
    day = 0.12 * np.sin(2 * np.pi * (hours % 24 - 8) / 24)
    level = random.uniform(0.3, 0.8, count)[:, None]
    noise = np.zeros((count, _HOURS))
    for hour in range(1, _HOURS):
        noise[:, hour] = 0.95 * noise[:, hour - 1] + random.normal(0, 0.03, count)
    of_resource = random.normal(0, 0.08, (len(_RESOURCES), count, 1))
    return np.clip(level + day + noise + of_resource, 0.02, 0.99)


def _drifts(count: int, random: np.random.Generator) -> Vector:
    """What is added to the log-odds, by hour: a slow walk, and one step at some time for one in three."""
    walk = np.cumsum(random.normal(0, 0.02, (count, _HOURS)), axis=1)
    when = random.integers(0, _HOURS, count)[:, None]
    size = np.where(random.random(count) < 1 / 3, random.normal(-0.5, 1.0, count), 0.0)[:, None]
    found: Vector = walk + np.where(np.arange(_HOURS) >= when, size, 0.0)
    return found
