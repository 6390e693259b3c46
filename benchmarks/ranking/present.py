"""The federation's present AI-ranker, written anew from its published facts.

Two random forests on twelve features: one for the probability of success, one for the time of an
attempt, successes and failures alike. With c the probability and g the speed among the successes of
the same provider and template in 30 days, (max - t) / (max - min) cut to 0..1 (1 where they are the
same or there are none), the order is by descending (exactness of the flavors, 0.75 c + 0.25 g).

Its history of a provider and template (share of failures, mean times) is that of the latest training
row, that row's own outcome included, which training rows have as well. As it is coded, only the first
candidate of a request gets its history, all others zeros: `only_first` does the same.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from paas_stream.ranking.simulation.experience import Asked, Attempt
from paas_stream.ranking.simulation.policies import Policy
from paas_stream.ranking.simulation.truth import Vector
from paas_stream.records import Candidate

WINDOW_S = 30 * 86400.0
CLASSIFICATION_WEIGHT, REGRESSION_WEIGHT = 0.75, 0.25


class Past(NamedTuple):
    """What is known of a provider and template."""

    failure_share: float = 0.0
    success_s: float = 0.0  # mean
    failure_s: float = 0.0  # mean
    least_s: float = 0.0  # of the successes
    most_s: float = 0.0


NOTHING = Past()


class Pasts:
    """The history of each provider and template, as on its latest row."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], deque[tuple[float, bool, float]]] = {}
        self._latest: dict[tuple[str, str], Past] = {}

    def add(self, attempt: Attempt) -> Past:
        """One row more; its history, itself included."""
        key = attempt.candidate.provider_name, attempt.template
        rows = self._rows.setdefault(key, deque())
        rows.append((attempt.asked_at, attempt.succeeded, attempt.took_s))
        while rows[0][0] <= attempt.asked_at - WINDOW_S:
            rows.popleft()
        good = [took for _, succeeded, took in rows if succeeded]
        bad = [took for _, succeeded, took in rows if not succeeded]
        self._latest[key] = found = Past(
            len(bad) / len(rows),
            sum(good) / len(good) if good else 0.0,
            sum(bad) / len(bad) if bad else 0.0,
            min(good, default=0.0),
            max(good, default=0.0),
        )
        return found

    def of(self, provider: str, template: str) -> Past:
        """Zeros where nothing is known."""
        return self._latest.get((provider, template), NOTHING)


def columns(one: Candidate, past: Past) -> list[float]:
    """The twelve features; no template is called complex."""
    return [
        one.vcpus_quota - one.vcpus_usage - one.vcpus_requ,
        one.ram_gb_quota - one.ram_gb_usage - one.ram_gb_requ,
        one.storage_gb_quota - one.storage_gb_usage - one.storage_gb_requ,
        one.n_instances_quota - one.n_instances_usage - one.n_instances_requ,
        one.floating_ips_quota - one.floating_ips_usage - one.floating_ips_requ,
        one.gpus_requ,
        one.test_failure_perc_30d,
        one.overbooking_ram,
        past.success_s,
        past.failure_s,
        past.failure_share,
        0.0,
    ]


def score(p: float, expected_s: float, past: Past) -> float:
    """0.75 of the probability and 0.25 of the speed, the latter within the provider's own range."""
    span = past.most_s - past.least_s
    speed = 1.0
    if past.most_s > 0 and span > 0:
        speed = min(max(1 - (expected_s - past.least_s) / span, 0.0), 1.0)
    return CLASSIFICATION_WEIGHT * p + REGRESSION_WEIGHT * speed


class Forest:
    """A fitted forest asked for few rows at once: the same numbers as its own `predict`, sooner."""

    def __init__(self, trees: Sequence["object"], share: bool) -> None:
        made = [one.tree_ for one in trees]  # type: ignore[attr-defined]
        begins = np.cumsum([0, *(one.node_count for one in made)])[:-1]
        self._roots = begins
        self._feature = np.concatenate([one.feature for one in made])
        self._threshold = np.concatenate([one.threshold for one in made])
        left = [one.children_left + begin for one, begin in zip(made, begins, strict=True)]
        right = [one.children_right + begin for one, begin in zip(made, begins, strict=True)]
        self._left, self._right = np.concatenate(left), np.concatenate(right)
        values = [one.value[:, 0, :] for one in made]
        if share:
            values = [value[:, 1:] / value.sum(axis=1, keepdims=True) for value in values]
        self._value = np.concatenate(values)[:, 0]

    def means(self, rows: NDArray[np.float32]) -> Vector:
        """The trees' mean for each row."""
        nodes = np.repeat(self._roots[None, :], len(rows), axis=0)
        which = np.arange(len(rows))[:, None]
        while True:
            feature = self._feature[nodes]
            inner = feature >= 0
            if not inner.any():
                break
            goes_left = rows[which, np.maximum(feature, 0)] <= self._threshold[nodes]
            after = np.where(goes_left, self._left[nodes], self._right[nodes])
            nodes = np.where(inner, after, nodes)
        found: Vector = self._value[nodes].mean(axis=1)
        return found


class PresentRanker(Policy):
    """As described above."""

    def __init__(self, only_first: bool, twin: "PresentRanker | None" = None) -> None:
        """`twin` has seen the same attempts: what it has learned is used, to learn it only once."""
        self.name = "present AI-ranker" + (" as coded" if only_first else ", bug fixed")
        self._only_first = only_first
        self._pasts = Pasts()
        self._rows: list[list[float]] = []
        self._labels: list[tuple[bool, float]] = []
        self._forests: tuple[Forest, Forest] | None = None
        self._twin = twin
        self._last: tuple[Asked, tuple[Vector, Vector, list[Past]]] | None = None

    def told(self, attempt: Attempt) -> None:
        if self._twin is not None:
            return
        past = self._pasts.add(attempt)
        self._rows.append(columns(attempt.candidate, past))
        self._labels.append((attempt.succeeded, attempt.took_s))

    def train(self, attempts: Sequence[Attempt], seed: int) -> None:
        if self._twin is not None:
            self._pasts, self._forests = self._twin._pasts, self._twin._forests
            return
        succeeded = np.array([one for one, _ in self._labels])
        if not succeeded.any() or succeeded.all():
            return
        x = np.array(self._rows, dtype=np.float32)
        took = np.array([one for _, one in self._labels])
        likely = RandomForestClassifier(random_state=seed).fit(x, succeeded)
        times = RandomForestRegressor(random_state=seed).fit(x, took)
        self._forests = Forest(likely.estimators_, True), Forest(times.estimators_, False)

    def order(self, asked: Asked) -> list[int]:
        candidates = asked.request.candidates
        scores = [-1.0] * len(candidates)
        said = self._said(asked)
        if said is not None and len(candidates) > 1:
            p, times, pasts = said
            scores = [score(*one) for one in zip(p.tolist(), times.tolist(), pasts, strict=True)]
        keys = [(one.exact_flavors, at) for one, at in zip(candidates, scores, strict=True)]
        return sorted(range(len(keys)), key=lambda place: keys[place], reverse=True)

    def p(self, asked: Asked) -> Vector | None:
        said = self._said(asked)
        return None if said is None else said[0]

    def _served(self, asked: Asked) -> list[Past]:
        pasts = [
            self._pasts.of(one.provider_name, asked.request.template)
            for one in asked.request.candidates
        ]
        return [pasts[0], *(NOTHING for _ in pasts[1:])] if self._only_first else pasts

    def _said(self, asked: Asked) -> tuple[Vector, Vector, list[Past]] | None:
        if self._forests is None:
            return None
        if self._last is None or self._last[0] is not asked:
            pasts = self._served(asked)
            given = zip(asked.request.candidates, pasts, strict=True)
            x = np.array([columns(*one) for one in given], dtype=np.float32)
            p, times = (one.means(x) for one in self._forests)
            self._last = asked, (p, times, pasts)
        return self._last[1]
