"""The best order of a few candidates when not all of them can be tried.

By ascending expected time to success is best as long as every candidate may be tried. When only some
may (the request's cap), or the overall time-out leaves no time for all, it matters which ones come
into play at all: then every order of the few is tried out on paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

from paas_stream.ranking.rates import Estimate

MOST = 6  # candidates; 720 orders take some milliseconds


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
    places = range(len(estimates))
    tried = min(limits.most or len(estimates), len(estimates))
    chosen = min(
        permutations(places, tried),
        key=lambda order: cost_s([estimates[place] for place in order], limits),
    )
    return [*chosen, *(place for place in places if place not in chosen)]


def cost_s(order: Sequence[Estimate], limits: Limits) -> float:
    """Expected time to the end, with the cost of failed attempts and of failing everywhere.

    An attempt that would come to success only after the time-out cannot succeed.
    """
    cost, still_trying, elapsed = 0.0, 1.0, 0.0
    for one in order:
        in_time = limits.remaining_s is None or elapsed + one.t_success_s <= limits.remaining_s
        p = one.p_success if in_time else 0.0
        failed_s = one.t_failure_s + limits.failure_cost_s
        cost += still_trying * (p * one.t_success_s + (1 - p) * failed_s)
        still_trying *= 1 - p
        elapsed += one.t_failure_s
    return cost + still_trying * limits.exhausted_s
