"""What an order of candidates is worth, from the truth that no policy knows.

Attempts are independent, given the state of the federation at the request. With p the probability of
success of an attempt, s its mean time if it succeeds and f if it fails, the expected time to success of
an order, where what fails everywhere is charged with `exhausted_s` besides, is

    sum over j of  prod over i < j of (1 - p_i)  x  (p_j s_j + (1 - p_j) f_j)
    + prod over all of (1 - p_i)  x  exhausted_s

A share `fault` of the requests fails everywhere, whatever the provider: the user's own mistake. With
an overall time-out the mean depends on how the times are spread; then it is the mean of SAMPLES drawn
courses, the same ones for every order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np
import numpy.typing as npt

Vector = npt.NDArray[np.float64]
Orders = npt.NDArray[np.intp]

EXHAUSTED_S: Final = 7200.0  # what a deployment costs that fails everywhere
SAMPLES: Final = 96
SUCCESS_SPREAD, FAILURE_SPREAD = 0.3, 0.5  # sigma of the logs of the times
_P_LEAST = 1e-9


@dataclass(frozen=True)
class Courses:
    """What would happen at each candidate: (courses, candidates)."""

    succeeds: npt.NDArray[np.bool_]
    took_s: Vector


@dataclass(frozen=True)
class Truth:
    """Of one request, by candidate; seconds."""

    p: Vector
    success_s: Vector
    failure_s: Vector
    fault: float  # probability that the request fails everywhere
    deadline_s: float | None = None
    most: int | None = None  # candidates that may be tried
    courses: Courses | None = None  # with an overall time-out only

    def index(self) -> Vector:
        """By what the best order goes where nothing cuts it short; seconds."""
        p = np.maximum(self.p, _P_LEAST)
        found: Vector = self.success_s + (1 - p) / p * self.failure_s
        return found

    def costs(self, orders: Orders) -> Vector:
        """Expected time to success of each of these orders (orders, candidates)."""
        orders = orders[:, : self.most]
        if self.deadline_s is not None and self.courses is not None:
            return _drawn(orders, self.courses, self.deadline_s)
        p, failed = self.p[orders], self.failure_s[orders]
        still = np.cumprod(1 - p, axis=1)
        reached = np.hstack([np.ones((len(orders), 1)), still[:, :-1]])
        cost = (reached * (p * self.success_s[orders] + (1 - p) * failed)).sum(axis=1)
        cost += still[:, -1] * EXHAUSTED_S
        wasted = failed.sum(axis=1) + EXHAUSTED_S
        found: Vector = (1 - self.fault) * cost + self.fault * wasted
        return found

    def cost(self, order: Sequence[int]) -> float:
        """Expected time to success of one order."""
        return float(self.costs(np.array([order], dtype=np.intp))[0])

    def first_try(self, order: Sequence[int]) -> float:
        """Probability that the first attempt succeeds."""
        if self.deadline_s is not None and self.courses is not None:
            first = order[0]
            in_time = self.courses.took_s[:, first] <= self.deadline_s
            return float((self.courses.succeeds[:, first] & in_time).mean())
        return float((1 - self.fault) * self.p[order[0]])

    def best(self) -> list[int]:
        """The order with the least cost."""
        if self.deadline_s is None and (self.most is None or self.most >= len(self.p)):
            return [int(place) for place in np.argsort(self.index(), kind="stable")]
        tried = min(self.most or len(self.p), len(self.p))
        orders = np.array(list(permutations(range(len(self.p)), tried)), dtype=np.intp)
        chosen = [int(place) for place in orders[int(np.argmin(self.costs(orders)))]]
        return chosen + [place for place in range(len(self.p)) if place not in chosen]


def drawn(truth: Truth, count: int, random: np.random.Generator) -> Courses:
    """What happens in so many courses of a request."""
    shape = count, len(truth.p)
    fault = random.random((count, 1)) < truth.fault
    succeeds = (random.random(shape) < truth.p) & ~fault
    success = truth.success_s * _spread(SUCCESS_SPREAD, shape, random)
    failure = truth.failure_s * _spread(FAILURE_SPREAD, shape, random)
    return Courses(succeeds, np.where(succeeds, success, failure))


def _spread(sigma: float, shape: tuple[int, int], random: np.random.Generator) -> Vector:
    """Factors with mean 1."""
    found: Vector = np.exp(random.normal(-(sigma**2) / 2, sigma, shape))
    return found


def _drawn(orders: Orders, courses: Courses, deadline_s: float) -> Vector:
    shape = len(orders), len(courses.succeeds)
    elapsed, done = np.zeros(shape), np.zeros(shape, dtype=bool)
    for places in orders.T:
        ends = elapsed + courses.took_s[:, places].T
        succeeds = courses.succeeds[:, places].T & (ends <= deadline_s) & ~done
        elapsed = np.where(done, elapsed, np.minimum(ends, deadline_s))
        done |= succeeds
    found: Vector = (elapsed + ~done * EXHAUSTED_S).mean(axis=1)
    return found
