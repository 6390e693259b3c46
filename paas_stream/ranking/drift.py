"""Whether what is served now is still like what the live model was made from.

The population stability index of a feature, over the bins of the model's card, missing as one more:

    PSI = sum over bins of (now - then) * ln(now / then)

Below 0.1 nothing has moved, from 0.25 on it has moved much (the usual reading of the index).
"""

import math
from dataclasses import dataclass

import numpy as np

from paas_stream.ranking import fitting, models
from paas_stream.ranking.fitting import Rows
from paas_stream.ranking.models import Model
from paas_stream.records.models import Spread

MOVED = 0.25
RECENT = 200  # the last attempts, of which the Brier score is told
BRIER_WORSE = 0.05  # than when the model was judged
_LEAST = 1e-4  # share of an empty bin
_FEW = 50  # rows, below which nothing is said


@dataclass(frozen=True)
class Drift:
    """What has moved since a model was made."""

    rows: int  # later than the model's
    psi: dict[str, float]  # by feature, the largest first
    brier: float | None  # of the live model on the last attempts; None: too few
    brier_then: float

    @property
    def moved(self) -> list[str]:
        """The features that have moved much."""
        return [name for name, value in self.psi.items() if value >= MOVED]

    @property
    def is_worse(self) -> bool:
        """Whether the model expects worse than it did."""
        return self.brier is not None and self.brier > self.brier_then + BRIER_WORSE


def drift(model: Model, rows: Rows) -> Drift:
    """Of rows by time; those up to the model's last one are left out."""
    later = int(np.searchsorted(rows.asked_at, model.card.data_to.timestamp(), side="right"))
    new = rows.part(later, len(rows))
    if len(new) < _FEW:
        return Drift(len(new), {}, None, model.card.judged.brier)
    found = {
        spread.name: _psi(spread, new.x[:, place].astype(float))
        for place, spread in enumerate(model.card.spreads)
    }
    last = new.part(max(0, len(new) - RECENT), len(new))
    judged = fitting.judge(model.boosters.guesses(last.x), last, model.card.failure_cost_s)
    ordered = dict(sorted(found.items(), key=lambda one: -one[1]))
    return Drift(len(new), ordered, judged.brier, model.card.judged.brier)


def _psi(then: Spread, values: "np.typing.NDArray[np.float64]") -> float:
    known = values[~np.isnan(values)]
    missing = 1 - len(known) / len(values)
    bins = models.shares(known, then.edges) if len(known) else [0.0] * (len(then.edges) + 1)
    before = then.shares or (0.0,) * (len(then.edges) + 1)
    pairs = [
        (now * (1 - missing), old * (1 - then.missing))
        for now, old in zip(bins, before, strict=True)
    ]
    return sum(_term(now, old) for now, old in (*pairs, (missing, then.missing)))


def _term(now: float, then: float) -> float:
    now, then = max(now, _LEAST), max(then, _LEAST)
    return (now - then) * math.log(now / then)
