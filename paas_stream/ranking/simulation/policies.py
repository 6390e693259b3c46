"""Ways to order the candidates of a request, to be compared with each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from paas_stream.ranking import orders, rates, rule, sla
from paas_stream.ranking.boosters import Guess
from paas_stream.ranking.orders import Limits
from paas_stream.ranking.rates import Estimate, Sigma
from paas_stream.ranking.simulation.experience import Asked, Attempt
from paas_stream.ranking.simulation.truth import EXHAUSTED_S, Vector
from paas_stream.ranking.simulation.world import Probe
from paas_stream.records import Candidate

MIN_ATTEMPTS = 20  # of the federation, before its experience is gone by
FAILURE_COSTS_S = (0.0, 60.0, 300.0, 600.0, 1200.0, 3600.0)


class Policy:
    """One way."""

    name: str
    learns: ClassVar[bool] = True  # from past attempts
    uses_model: ClassVar[bool] = False  # the boosters

    def order(self, asked: Asked) -> list[int]:
        """Places of the candidates, the one to be tried first first."""
        raise NotImplementedError

    def p(self, asked: Asked) -> Vector | None:
        """The probability that each one succeeds, where the policy has one."""
        return None

    def told(self, attempt: Attempt) -> None:
        """An attempt has ended."""

    def train(self, attempts: Sequence[Attempt], seed: int) -> None:
        """Learn from all of them."""


class Random(Policy):
    """Any order."""

    name = "random"
    learns = False

    def order(self, asked: Asked) -> list[int]:
        draw = np.random.default_rng([asked.seed, asked.request.number, 3])
        return [int(place) for place in draw.permutation(len(asked.request.candidates))]


class OldestAgreement(Policy):
    """`ranking.sla`."""

    name = "SLA order"
    learns = False

    def order(self, asked: Asked) -> list[int]:
        return _places(sla.order(asked.request.candidates), asked)


class RuleBased(Policy):
    """The old rule-based ranker (CloudProviderRanker).

    Candidates by descending slaScore + metricsScore, where slaScore is the sum of the quotas of the
    agreement, that of computing time times 0.0166, and metricsScore is 100 / create + 100 / run +
    10 / delete, the response times of the last monitoring in seconds, left out where it failed. All
    agreements have the same weight here.
    """

    name = "old rule-based ranker"
    learns = False

    def order(self, asked: Asked) -> list[int]:
        request = asked.request
        totals = [
            _agreed(one) + _measured(probe)
            for one, probe in zip(request.candidates, request.probes, strict=True)
        ]
        return sorted(range(len(totals)), key=lambda place: -totals[place])


def _agreed(one: Candidate) -> float:
    return one.vcpus_quota + one.ram_gb_quota + one.storage_gb_quota + one.floating_ips_quota


def _measured(probe: Probe) -> float:
    if not probe.ok:
        return 0.0
    return 100 / probe.create_s + 100 / probe.run_s + 10 / probe.delete_s


@dataclass
class ExpectedTime(Policy):
    """Ours: ascending expected time to success, by the model, else by rates, else by the rule.

    The same steps as in `ranking.chain`, which adds the words and the message.
    """

    failure_cost_s: float
    uses_model = True

    @property
    def name(self) -> str:  # type: ignore[override]
        """With the cost of a failed attempt."""
        return f"expected time, {self.failure_cost_s:g} s"

    def order(self, asked: Asked) -> list[int]:
        guesses = self._guesses(asked)
        if guesses is None:
            return _places(rule.order(asked.request.candidates), asked)
        return _by_time(guesses, asked, self.failure_cost_s)

    def p(self, asked: Asked) -> Vector | None:
        guesses = self._guesses(asked)
        return None if guesses is None else np.array([one.p_success for one in guesses])

    def _guesses(self, asked: Asked) -> Sequence[Guess | Estimate] | None:
        if asked.guesses is not None:
            return asked.guesses
        return _rates(asked)


class RatesOnly(Policy):
    """Our fallback: the same order by the shrunken rates."""

    name = "rates only"

    def __init__(self, failure_cost_s: float) -> None:
        self._cost_s = failure_cost_s

    def order(self, asked: Asked) -> list[int]:
        guesses = _rates(asked)
        if guesses is None:
            return _places(rule.order(asked.request.candidates), asked)
        return _by_time(guesses, asked, self._cost_s)

    def p(self, asked: Asked) -> Vector | None:
        guesses = _rates(asked)
        return None if guesses is None else np.array([one.p_success for one in guesses])


class LikeliestFirst(ExpectedTime):
    """Descending probability of success by the model: what an endless cost of a failure comes to."""

    name = "likeliest first"

    def __init__(self) -> None:
        super().__init__(math.inf)

    def order(self, asked: Asked) -> list[int]:
        guesses = self._guesses(asked)
        if guesses is None:
            return _places(rule.order(asked.request.candidates), asked)
        return sorted(range(len(guesses)), key=lambda place: -guesses[place].p_success)


class Oracle(Policy):
    """Knows the truth: nobody can do better."""

    name = "oracle"
    learns = False

    def order(self, asked: Asked) -> list[int]:
        return asked.request.truth.best()

    def p(self, asked: Asked) -> Vector | None:
        return asked.request.truth.p * (1 - asked.request.truth.fault)


def core(default_s: float, costs_s: Sequence[float] = FAILURE_COSTS_S) -> list[Policy]:
    """All that need nothing but this package."""
    costs = sorted({*costs_s, default_s})
    return [
        Oracle(),
        *(ExpectedTime(cost) for cost in costs),
        LikeliestFirst(),
        RatesOnly(default_s),
        OldestAgreement(),
        RuleBased(),
        Random(),
    ]


def _places(ordered: Sequence[Candidate], asked: Asked) -> list[int]:
    places = {id(one): place for place, one in enumerate(asked.request.candidates)}
    return [places[id(one)] for one in ordered]


def _rates(asked: Asked) -> Sequence[Estimate] | None:
    return asked.estimates if asked.memory.overall.attempts >= MIN_ATTEMPTS else None


def _by_time(guesses: Sequence[Guess | Estimate], asked: Asked, cost_s: float) -> list[int]:
    truth = asked.request.truth
    sigma = Sigma()
    if guesses is asked.guesses and asked.model is not None:
        sigma = asked.model.scale.sigma
    known = [
        one if isinstance(one, Estimate) else Estimate(*one, asked.memory.overall)
        for one in guesses
    ]
    waits = [rates.expected_s(one, cost_s) for one in known]
    places = list(range(len(known)))
    if len(set(waits)) < len(waits):
        places = _places(rule.order(asked.request.candidates), asked)
    places.sort(key=lambda place: waits[place])
    limits = Limits(truth.most, truth.deadline_s, cost_s, EXHAUSTED_S, sigma)
    if len(places) > orders.MOST or not limits.bind(known):
        return places
    return [places[number] for number in orders.best([known[one] for one in places], limits)]
