"""What many federations say of a policy: means, and differences with a confidence interval."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

MEASURES = ("etts_s", "first_try", "regret_s", "ndcg", "brier")
_Z = NormalDist().inv_cdf(0.975)


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def paired(differences: Sequence[float]) -> Interval:
    """Student's interval of the mean of paired differences, one for each seed."""
    given = np.array(differences, dtype=float)
    mean = float(given.mean())
    if len(given) < 2:
        return Interval(mean, -math.inf, math.inf)
    half = quantile(len(given) - 1) * float(given.std(ddof=1)) / math.sqrt(len(given))
    return Interval(mean, mean - half, mean + half)


def quantile(freedom: int) -> float:
    """The 97.5 % quantile of Student's t (Abramowitz and Stegun 26.7.5); from 4 on within 1 %."""
    z, n = _Z, freedom
    first = (z**3 + z) / (4 * n)
    second = (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
    return z + first + second + third


Means = dict[str, float]  # by measure
Seeds = dict[int, dict[str, Means]]  # of one scenario: by seed and policy


def means(seeds: Seeds) -> dict[str, Means]:
    """The means over the seeds, by policy."""
    policies = list(next(iter(seeds.values())))
    return {
        policy: {
            measure: float(np.mean([found[policy][measure] for found in seeds.values()]))
            for measure in MEASURES
        }
        for policy in policies
    }


def gains(seeds: Seeds, policy: str, reference: str) -> dict[str, Interval]:
    """How much better the policy is, seed by seed: shorter, or more often right at once."""
    return {
        measure: paired(
            [
                sign * (found[policy][measure] - found[reference][measure])
                for found in seeds.values()
            ]
        )
        for measure, sign in (("etts_s", -1.0), ("regret_s", -1.0), ("first_try", 1.0))
    }
