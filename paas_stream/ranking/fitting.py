"""Trains the ranking model on training rows: split by time, stopped early, calibrated, judged.

    |---------------- by time of the request ----------------|
      fitted (70 %)          tuned (15 %)     judged (15 %)

Boosters are fitted on the first part; the second says when to stop, how to calibrate the probabilities
and what makes the means of the times right; the third is looked at only to judge. What is published is
fitted once more on all rows, with as many rounds as were found. The same rows and seed give the same
model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from paas_stream.errors import PermanentError
from paas_stream.ranking import boosters
from paas_stream.ranking.boosters import PARTS, Boosters, Guess, Scale, Vector
from paas_stream.ranking.features import Matrix
from paas_stream.ranking.rates import Sigma

if TYPE_CHECKING:  # when something is trained: it takes a second or more
    import xgboost

FITTED, TUNED = 0.70, 0.15  # shares of the rows
MIN_ROWS = 200
MIN_OF_EACH = 30  # successes, and failures
_ROUNDS = 400  # at most
_PATIENCE = 40  # rounds without a better one
_LEAST_TO_TUNE = 20  # times of this kind, or the factor is 1
_TRUSTED_SLOPE = (0.3, 3.0)
# A scale is believed as far as there are rows for it: a few hundred of them, the last ones before the
# next drift, would else make the probabilities worse
_SCALE_PRIOR = 100.0  # weight of "slope 1, intercept 0" (a normal prior's 1 / variance)
_FACTOR_PRIOR = 50.0  # attempts that were just as expected
_SIGMA_PRIOR = 10.0  # attempts that scattered as is usual

_TREES: Final[dict[str, Any]] = {
    "tree_method": "hist",
    "max_depth": 3,
    "eta": 0.04,
    "subsample": 0.6,
    "colsample_bytree": 0.5,
    "min_child_weight": 4,
    "lambda": 3.0,
    "nthread": 1,  # more threads give sums in another order, and so another model
}


class TooFewRowsError(PermanentError):
    """There is too little to learn from."""

    code = "too_few_rows"


@dataclass(frozen=True)
class Rows:
    """Attempts by the time of their request."""

    x: Matrix
    succeeded: npt.NDArray[np.bool_]
    took_s: Vector
    deployment: Sequence[str]  # uuid
    asked_at: Vector  # seconds since the epoch

    def __len__(self) -> int:
        return len(self.x)

    def part(self, begin: int, end: int) -> "Rows":
        """Some of them."""
        cut = slice(begin, end)
        return Rows(
            self.x[cut],
            self.succeeded[cut],
            self.took_s[cut],
            self.deployment[cut],
            self.asked_at[cut],
        )


@dataclass(frozen=True)
class Judged:
    """How good a way to expect was on rows that it had not seen."""

    rows: int
    brier: float  # mean squared error of the probability of success
    log_loss: float
    time_to_success_s: float  # mean, see `replayed_s`


@dataclass(frozen=True)
class Fit:
    """A trained model, and how it did before it was fitted on all rows."""

    model: Boosters
    judged: Judged
    rounds: dict[str, int]
    judged_rows: Rows  # those that it was judged by
    guesses: list[Guess]  # what it expected of them


def by_time(rows: Rows) -> Rows:
    """The same rows, the earliest request first."""
    order = np.argsort(rows.asked_at, kind="stable")
    names = [rows.deployment[place] for place in order]
    return Rows(
        rows.x[order], rows.succeeded[order], rows.took_s[order], names, rows.asked_at[order]
    )


def fit(rows: Rows, seed: int, failure_cost_s: float) -> Fit:
    """Train on these rows. Raises TooFewRowsError."""
    successes = int(rows.succeeded.sum())
    failures = len(rows) - successes
    if len(rows) < MIN_ROWS or min(successes, failures) < MIN_OF_EACH:
        raise TooFewRowsError(
            f"{len(rows)} attempts with features ({failures} failures) are too few: {MIN_ROWS} are "
            f"needed, of which {MIN_OF_EACH} have succeeded and {MIN_OF_EACH} have failed"
        )
    rows = by_time(rows)
    first, second = int(FITTED * len(rows)), int((FITTED + TUNED) * len(rows))
    fitted, tuned, last = (
        rows.part(0, first),
        rows.part(first, second),
        rows.part(second, len(rows)),
    )
    model, rounds = _fitted(fitted, tuned, seed)
    guesses = model.guesses(last.x)
    judged = judge(guesses, last, failure_cost_s)
    return Fit(_on_all(rows, rounds, model.scale, seed), judged, rounds, last, guesses)


def _fitted(fitted: Rows, tuned: Rows, seed: int) -> tuple[Boosters, dict[str, int]]:
    made, rounds = {}, {}
    for part in PARTS:
        made[part], rounds[part] = _stopped(part, fitted, tuned, seed)
    raw = Boosters(**made, scale=Scale())
    return Boosters(**made, scale=_scale(raw, tuned)), rounds


def _of_part(part: str, rows: Rows) -> tuple[Matrix, Vector]:
    """The rows that a part is made from, and what it is to say of them."""
    if part == "p":
        return rows.x, rows.succeeded.astype(np.float64)
    which = rows.succeeded == (part == "t_success")
    return rows.x[which], np.log1p(rows.took_s[which])


def _data(part: str, rows: Rows) -> "xgboost.DMatrix":
    import xgboost

    x, target = _of_part(part, rows)
    return xgboost.DMatrix(x, label=target, base_margin=boosters.start(part, x), nthread=1)


def _params(part: str, seed: int) -> dict[str, Any]:
    none = 0.5 if part == "p" else 0.0  # what a booster says without trees: nothing, see `start`
    return _TREES | {"objective": boosters.OBJECTIVES[part], "base_score": none, "seed": seed}


def _stopped(part: str, fitted: Rows, tuned: Rows, seed: int) -> tuple["xgboost.Booster", int]:
    """A booster that ends where the tuned rows get no better, and how many rounds it has."""
    import xgboost

    params, train = _params(part, seed), _data(part, fitted)
    late = _data(part, tuned)
    if late.num_row() < _LEAST_TO_TUNE:
        return xgboost.train(params, train, _ROUNDS // 5), _ROUNDS // 5
    booster = xgboost.train(
        params,
        train,
        _ROUNDS,
        evals=[(late, "late")],
        early_stopping_rounds=_PATIENCE,
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    return booster[:rounds], rounds


def _on_all(rows: Rows, rounds: dict[str, int], scale: Scale, seed: int) -> Boosters:
    import xgboost

    made = Boosters(
        **{
            part: xgboost.train(_params(part, seed), _data(part, rows), rounds[part])
            for part in PARTS
        },
        scale=scale,
    )
    return boosters.load(made.parts(), scale)  # what is served is what was written


def _scale(model: Boosters, tuned: Rows) -> Scale:
    slope, intercept = platt(model.says("p", tuned.x), tuned.succeeded)
    usual = Sigma()
    success, success_sigma = _of_times(model, "t_success", tuned, usual.success)
    failure, failure_sigma = _of_times(model, "t_failure", tuned, usual.failure)
    return Scale(slope, intercept, success, failure, success_sigma, failure_sigma)


def _of_times(model: Boosters, part: str, tuned: Rows, usual_sigma: float) -> tuple[float, float]:
    """What makes the mean right, and how far the logarithms scatter around it."""
    x, logs = _of_part(part, tuned)
    if len(x) < _LEAST_TO_TUNE:
        return 1.0, usual_sigma
    said = model.says(part, x)
    expected = boosters.seconds(said, 1.0)
    usual = _FACTOR_PRIOR * expected.mean()
    factor = float((np.expm1(logs).sum() + usual) / (expected.sum() + usual))
    square = ((logs - said) ** 2).sum() + _SIGMA_PRIOR * usual_sigma**2
    return factor, float(np.sqrt(square / (len(x) + _SIGMA_PRIOR)))


def platt(odds: Vector, succeeded: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of the log-odds with the least log loss (Platt 1999, with his targets).

    Newton's method; with less than both kinds, or without a sensible slope, they stay as they are.
    """
    positive, negative = int(succeeded.sum()), int((~succeeded).sum())
    if min(positive, negative) < MIN_OF_EACH // 2:
        return 1.0, 0.0
    target = np.where(succeeded, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, intercept = 1.0, 0.0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(slope * odds + intercept)))
        error, weight = p - target, np.maximum(p * (1 - p), 1e-9)
        gradient = np.array([(error * odds).sum(), error.sum()])
        gradient += _SCALE_PRIOR * np.array([slope - 1, intercept])
        mixed = (weight * odds).sum()
        hessian = np.array([[(weight * odds * odds).sum(), mixed], [mixed, weight.sum()]])
        hessian += _SCALE_PRIOR * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        slope, intercept = slope - step[0], intercept - step[1]
        if np.abs(step).max() < 1e-8:
            break
    if not _TRUSTED_SLOPE[0] <= slope <= _TRUSTED_SLOPE[1]:
        return 1.0, 0.0
    return float(slope), float(intercept)


def judge(guesses: Sequence[Guess], rows: Rows, failure_cost_s: float) -> Judged:
    """How good these guesses are."""
    p = np.array([one.p_success for one in guesses])
    hit = rows.succeeded.astype(np.float64)
    loss = -(hit * np.log(p) + (1 - hit) * np.log(1 - p))
    return Judged(
        len(rows),
        float(np.mean((p - hit) ** 2)),
        float(np.mean(loss)),
        replayed_s(guesses, rows, failure_cost_s),
    )


def replayed_s(guesses: Sequence[Guess], rows: Rows, failure_cost_s: float) -> float:
    """Mean time to success, seconds, had each deployment tried its providers in these guesses' order.

    Of deployments that came to success, over the providers that were tried: what is known of the others
    is nothing. Failures cost their time and `failure_cost_s`. NaN when there is none.
    """
    by_deployment: dict[str, list[int]] = {}
    for place, name in enumerate(rows.deployment):
        by_deployment.setdefault(name, []).append(place)
    took = []
    for places in by_deployment.values():
        if not any(rows.succeeded[place] for place in places):
            continue
        total = 0.0
        for place in sorted(places, key=lambda one: _expected_s(guesses[one], failure_cost_s)):
            total += float(rows.took_s[place])
            if rows.succeeded[place]:
                break
            total += failure_cost_s
        took.append(total)
    return float(np.mean(took)) if took else float("nan")


def _expected_s(one: Guess, failure_cost_s: float) -> float:
    odds = (1 - one.p_success) / one.p_success
    return one.t_success_s + odds * (one.t_failure_s + failure_cost_s)
