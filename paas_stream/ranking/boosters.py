"""The ranking model: three small boosters, and what they say of a request's candidates.

    p           probability that an attempt succeeds, `binary:logistic`, calibrated (Platt) on attempts
                that are later than those it was trained on
    t_success   seconds of an attempt that succeeds, `reg:squarederror` on log(1 + s), successes only
    t_failure   seconds of an attempt that fails, the same, failures only

Each starts from what the rates expect and learns only what they miss, so that a model of few attempts
is close to the rates.

The exponential of a mean of logs is the median and not the mean, so the times are multiplied by what
makes the mean right on attempts that the booster was not trained on.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from paas_stream.errors import PermanentError
from paas_stream.ranking.features import NAMES, Matrix
from paas_stream.ranking.rates import P_LEAST, P_MOST, Sigma

if TYPE_CHECKING:  # with the first model: it takes a second or more, and most processes need none
    import xgboost

Vector = npt.NDArray[np.float64]

PARTS: Final = ("p", "t_success", "t_failure")
OBJECTIVES: Final = {
    "p": "binary:logistic",
    "t_success": "reg:squarederror",
    "t_failure": "reg:squarederror",
}
_LONGEST_S = 30 * 86400.0  # no attempt is expected to take longer
_SIGMA_MOST = 20.0  # of logarithms of seconds; no time is a number any more from 700 on
_LEAF = re.compile(r"leaf=([^\s,]+)")
_RATE_P, _FEDERATION_P = NAMES.index("rate_success"), NAMES.index("federation_success")
_RATE_S = {"t_success": NAMES.index("rate_success_s"), "t_failure": NAMES.index("rate_failure_s")}


class ModelError(PermanentError):
    """A model cannot be used; the sentence says why."""

    code = "ranking_model"


_NO_NUMBER = "it says something that is no number"


class Scale(NamedTuple):
    """What is done with what the boosters say, and how far times scatter around it (see `Sigma`)."""

    slope: float = 1.0  # of the log-odds
    intercept: float = 0.0
    t_success: float = 1.0  # factor
    t_failure: float = 1.0
    sigma_success: float = Sigma().success
    sigma_failure: float = Sigma().failure

    @property
    def sigma(self) -> Sigma:
        """Of both times."""
        return Sigma(self.sigma_success, self.sigma_failure)


class Guess(NamedTuple):
    """What the model expects of one attempt; seconds."""

    p_success: float
    t_success_s: float
    t_failure_s: float


@dataclass(frozen=True)
class Boosters:
    """A model that can be asked. Asking is safe from one thread at a time."""

    p: "xgboost.Booster"
    t_success: "xgboost.Booster"
    t_failure: "xgboost.Booster"
    scale: Scale

    def guesses(self, rows: Matrix) -> list[Guess]:
        """One for each row (see `features.rows`). Raises ModelError when one of them is no number."""
        if not len(rows):
            return []
        p = calibrated(self.says("p", rows), self.scale)
        success_s = seconds(self.says("t_success", rows), self.scale.t_success)
        failure_s = seconds(self.says("t_failure", rows), self.scale.t_failure)
        if not np.isfinite(p + success_s + failure_s).all():
            raise ModelError(_NO_NUMBER)
        return [
            Guess(*each)
            for each in zip(p.tolist(), success_s.tolist(), failure_s.tolist(), strict=True)
        ]

    def contributions(self, rows: Matrix) -> npt.NDArray[np.float32]:
        """What each feature adds to the log-odds of success: (rows, features)."""
        import xgboost

        asked = xgboost.DMatrix(rows, nthread=1)
        found: npt.NDArray[np.float32] = self.p.predict(asked, pred_contribs=True)[:, :-1]
        found[:, _RATE_P] += start("p", rows) - _log_odds(rows[:, _FEDERATION_P])
        return found * np.float32(self.scale.slope)

    def says(self, part: str, rows: Matrix) -> Vector:
        """Log-odds of success, or log(1 + s), before the scale."""
        booster: xgboost.Booster = getattr(self, part)
        said = booster.inplace_predict(rows, predict_type="margin", validate_features=False)
        # added here, since xgboost starts all its threads to be told of a start
        return np.asarray(said + start(part, rows), dtype=np.float64)

    def parts(self) -> dict[str, bytes]:
        """As UBJSON, by name."""
        return {name: bytes(getattr(self, name).save_raw("ubj")) for name in PARTS}


def start(part: str, rows: Matrix) -> Matrix:
    """What the rates expect, from which a booster starts: log-odds, or log(1 + s)."""
    found: Matrix = _log_odds(rows[:, _RATE_P]) if part == "p" else rows[:, _RATE_S[part]]
    return found


def _log_odds(p: Matrix) -> Matrix:
    clipped = np.clip(p, P_LEAST, P_MOST)
    found: Matrix = np.log(clipped / (1 - clipped))
    return found


def calibrated(odds: Vector, scale: Scale) -> Vector:
    """Log-odds as probabilities; nothing is certain."""
    p: Vector = 1 / (1 + np.exp(-(scale.slope * odds + scale.intercept)))
    return np.clip(p, P_LEAST, P_MOST)


def seconds(logs: Vector, factor: float) -> Vector:
    """log(1 + s) as seconds."""
    made: Vector = np.expm1(np.minimum(logs, math.log1p(_LONGEST_S))) * factor
    return np.clip(made, 1.0, _LONGEST_S)


def load(parts: dict[str, bytes], scale: Scale) -> Boosters:
    """A model from its parts, ready to be asked.

    Raises ModelError when a part is missing or cannot be read, has other columns or another objective,
    or may say something that is no number. Bytes that are no booster's can also end the process: what
    others wrote is looked at elsewhere first.
    """
    import xgboost

    found = {}
    for name in PARTS:
        if name not in parts:
            raise ModelError(f"its part {name} is missing")
        if not (parts[name].startswith(b"{") and parts[name].endswith(b"}")):
            raise ModelError(f"its part {name} cannot be read")  # some such bytes end the process
        booster = xgboost.Booster({"nthread": 1})
        try:
            booster.load_model(bytearray(parts[name]))
            columns = booster.num_features()
        except (xgboost.core.XGBoostError, ValueError) as exc:
            raise ModelError(f"its part {name} cannot be read") from exc
        if columns != len(NAMES):
            raise ModelError(f"its part {name} has {columns} columns, {len(NAMES)} are served")
        booster.set_param({"nthread": 1})
        _check(name, booster)
        found[name] = booster
    _check_scale(scale)
    model = Boosters(**found, scale=scale)
    model.guesses(np.zeros((1, len(NAMES)), dtype=np.float32))
    return model


def _check(part: str, booster: "xgboost.Booster") -> None:
    """Raises ModelError for trees of another kind, or with a leaf that is no number."""
    objective = json.loads(booster.save_config())["learner"]["objective"]["name"]
    if objective != OBJECTIVES[part]:
        raise ModelError(f"its part {part} was fitted for {objective}, not {OBJECTIVES[part]}")
    # one request alone may come to such a leaf, so that no probe tells
    leaves = (leaf for tree in booster.get_dump() for leaf in _LEAF.findall(tree))
    if not all(math.isfinite(float(leaf)) for leaf in leaves):
        raise ModelError(_NO_NUMBER)


def _check_scale(scale: Scale) -> None:
    """Raises ModelError for one that turns numbers into none, or the order around."""
    least, most = min(scale.sigma), max(scale.sigma)
    if not all(math.isfinite(number) for number in scale) or least < 0 or most > _SIGMA_MOST:
        raise ModelError(_NO_NUMBER)
    if min(scale.slope, scale.t_success, scale.t_failure) <= 0:
        raise ModelError("its scale has a slope or a factor that is not above zero")
