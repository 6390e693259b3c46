"""The best order of a few candidates when not all of them can be tried.

By ascending expected time to success is best as long as every candidate may be tried. When only some
may (the request's cap), or the overall time-out leaves no time for all, it matters which ones come
into play at all: then every order of the few is tried out on paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import numpy as np
import numpy.typing as npt

from paas_stream.ranking.rates import Estimate

MOST = 6  # candidates; 720 orders take a fraction of a millisecond


@dataclass(frozen=True)
class Limits:
    """What a request allows; seconds."""

    most: int | None = None  # providers that may be tried
    remaining_s: float | None = None  # until the overall time-out
    failure_cost_s: float = 0.0
    exhausted_s: float = 0.0  # what a deployment costs that fails everywhere

    def bind(self, estimates: Sequence[Estimate]) -> bool:
        """Whether perhaps not every candidate can be tried."""
        if self.most is not None and self.most < len(estimates):
            return True
        if self.remaining_s is None or not estimates:
            return False
        longest = sum(one.t_failure_s for one in estimates)
        return longest + max(one.t_success_s for one in estimates) > self.remaining_s


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


def _costs_s(
    found: npt.NDArray[np.intp], estimates: Sequence[Estimate], limits: Limits
) -> npt.NDArray[np.float64]:
    """Of each of these orders (orders, tried)."""
    p = np.array([one.p_success for one in estimates])[found]
    success_s = np.array([one.t_success_s for one in estimates])[found]
    failure_s = np.array([one.t_failure_s for one in estimates])[found]
    if limits.remaining_s is not None:
        begins = np.cumsum(failure_s, axis=1) - failure_s
        p = np.where(begins + success_s <= limits.remaining_s, p, 0.0)
    still = np.cumprod(1 - p, axis=1)
    reached = np.hstack([np.ones((len(found), 1)), still[:, :-1]])
    cost = reached * (p * success_s + (1 - p) * (failure_s + limits.failure_cost_s))
    total: npt.NDArray[np.float64] = cost.sum(axis=1) + still[:, -1] * limits.exhausted_s
    return total
