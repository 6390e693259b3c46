"""The best order of a few candidates when not all of them can be tried.

By ascending expected time to success is best as long as every candidate may be tried. When only some
may (the request's cap), or the overall time-out leaves no time for all, it matters which ones come
into play at all: then every order of the few is tried out on paper. With an overall time-out it also
matters how far the times scatter around their means: an attempt that takes 40 minutes on the mean may
well succeed within 35. So every order is gone through in COURSES made-up courses of events, the same
ones for all orders, in which the times are spread as those of past attempts were (log-normal).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from paas_stream.ranking.rates import Estimate, Sigma

EXACT = Sigma(0.0, 0.0)  # every attempt takes what is expected
MOST = 6  # candidates; 720 orders take a fraction of a millisecond, with a time-out two
COURSES = 32

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Limits:
    """What a request allows; seconds."""

    most: int | None = None  # providers that may be tried
    remaining_s: float | None = None  # until the overall time-out
    failure_cost_s: float = 0.0
    exhausted_s: float = 0.0  # what a deployment costs that fails everywhere
    sigma: Sigma = EXACT

    def bind(self, estimates: Sequence[Estimate]) -> bool:
        """Whether perhaps not every candidate can be tried."""
        if self.most is not None and self.most < len(estimates):
            return True
        if self.remaining_s is None or not estimates:
            return False
        failures_s = sum(one.t_failure_s for one in estimates) * math.exp(self.sigma.failure)
        last_s = max(one.t_success_s for one in estimates) * math.exp(self.sigma.success)
        return failures_s + last_s > self.remaining_s


def best(estimates: Sequence[Estimate], limits: Limits) -> list[int]:
    """Places of the candidates in their best order; of equal ones the first in the given order.

    Those that cannot be tried follow in the given order. At most MOST candidates.
    """
    tried = min(limits.most or len(estimates), len(estimates))
    if not tried:
        return []
    found = _orders(len(estimates), tried)
    chosen = [int(place) for place in found[int(np.argmin(_costs_s(found, estimates, limits)))]]
    return [*chosen, *(place for place in range(len(estimates)) if place not in chosen)]


def cost_s(order: Sequence[Estimate], limits: Limits) -> float:
    """Expected time to the end, with the cost of failed attempts and of failing everywhere.

    An attempt that would come to success only after the time-out cannot succeed.
    """
    if not order:
        return limits.exhausted_s
    return float(_costs_s(np.arange(len(order))[None, :], order, limits)[0])


@lru_cache(maxsize=MOST * MOST)
def _orders(count: int, tried: int) -> npt.NDArray[np.intp]:
    return np.array(list(permutations(range(count), tried)), dtype=np.intp)


def _costs_s(found: npt.NDArray[np.intp], estimates: Sequence[Estimate], limits: Limits) -> Vector:
    """Of each of these orders (orders, tried)."""
    p = np.array([one.p_success for one in estimates])
    success_s = np.array([one.t_success_s for one in estimates])
    failure_s = np.array([one.t_failure_s for one in estimates])
    still = np.cumprod(1 - p[found], axis=1)
    reached = np.hstack([np.ones((len(found), 1)), still[:, :-1]])
    if limits.remaining_s is None:
        failed = (1 - p) * (failure_s + limits.failure_cost_s)
        cost = reached * (p * success_s + failed)[found]
        total: Vector = cost.sum(axis=1) + still[:, -1] * limits.exhausted_s
        return total
    success = _scattered(success_s, limits.sigma.success, 0)
    failure = _scattered(failure_s, limits.sigma.failure, 1)
    room = np.full((len(found), COURSES), float(limits.remaining_s))  # seconds that are left
    spent, in_time = np.zeros_like(room), np.zeros_like(room)
    for places, arrives in zip(found.T, reached.T, strict=True):  # one attempt of each order
        succeeds, fails = (arrives * p[places])[:, None], (arrives * (1 - p[places]))[:, None]
        spent += succeeds * np.minimum(success[places], room)
        spent += fails * (np.minimum(failure[places], room) + limits.failure_cost_s * (room > 0))
        in_time += succeeds * (success[places] <= room)
        room = np.maximum(room - failure[places], 0.0)
    drawn: Vector = (spent + (1 - in_time) * limits.exhausted_s).mean(axis=1)
    return drawn


def _scattered(means_s: Vector, sigma: float, which: int) -> Vector:
    """These times in each course: (candidates, courses)."""
    factors = np.exp(sigma * _normals(len(means_s), which))
    found: Vector = means_s[:, None] * factors / factors.mean(axis=1, keepdims=True)
    return found


@lru_cache(maxsize=2 * MOST)
def _normals(count: int, which: int) -> Vector:
    """Latin hypercube: the same COURSES quantiles for each candidate, each in an order of its own."""
    quantiles = [NormalDist().inv_cdf((place + 0.5) / COURSES) for place in range(COURSES)]
    random = np.random.default_rng([count, which])
    return np.array([random.permutation(quantiles) for _ in range(count)])
