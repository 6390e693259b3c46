"""How long it takes to train the ranking model on very many attempts.

The attempts are those of several simulated federations (`paas_stream.ranking.simulation`), one after
the other; making them is not measured. The baseline, in the same run, are the two random forests of the
present ranker (scikit-learn's defaults, one thread) on the same rows.

    python benchmarks/ranking/training.py [--rows N] [--no-forest]

The last line is JSON: `rows, train_s, brier` (on the attempts that the model was judged by), `forest_s`.
"""

import argparse
import json
import time

import numpy as np

from paas_stream.ranking import features, fitting
from paas_stream.ranking.simulation.experience import Experience
from paas_stream.ranking.simulation.policies import Random
from paas_stream.ranking.simulation.scenarios import BY_NAME
from paas_stream.ranking.simulation.world import World

COST_S = 600.0
_LATER_S = 45 * 86400.0  # one federation after the other


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--no-forest", action="store_true", help="leave the baseline out")
    given = parser.parse_args()
    rows = attempts(given.rows)
    begun = time.perf_counter()
    fit = fitting.fit(rows, 1, COST_S)
    figures = {
        "rows": len(rows),
        "train_s": round(time.perf_counter() - begun, 1),
        "brier": round(fit.judged.brier, 4),
    }
    if not given.no_forest:
        figures["forest_s"] = round(_forest_s(rows), 1)
    print(f"rounds: {fit.rounds}")
    for name, value in figures.items():
        print(f"{name:>10}  {value:g}")
    print(json.dumps(figures))


def attempts(count: int) -> fitting.Rows:
    """So many attempts in random order."""
    parts: list[Experience] = []
    seed = 5000
    while sum(len(one.attempts) for one in parts) < count:
        seed += 1
        parts.append(_one(seed))
    made = [(number, one) for number, part in enumerate(parts) for one in part.attempts][:count]
    return fitting.Rows(
        np.array([one.features for _, one in made], dtype=np.float32).reshape(
            count, len(features.NAMES)
        ),
        np.array([one.succeeded for _, one in made]),
        np.array([one.took_s for _, one in made]),
        [f"{number}/{one.uuid}" for number, one in made],
        np.array([one.asked_at + number * _LATER_S for number, one in made]),
    )


def _one(seed: int) -> Experience:
    experience, random = Experience(seed), Random()
    for request in World(BY_NAME["random-logs"], seed).requests():
        experience.settle(request.at)
        asked = experience.asked(request)
        experience.try_in(random.order(asked), asked)
    return experience


def _forest_s(rows: fitting.Rows) -> float:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    x = np.nan_to_num(rows.x, nan=-1.0)
    begun = time.perf_counter()
    RandomForestClassifier(random_state=1).fit(x, rows.succeeded)
    RandomForestRegressor(random_state=1).fit(x, rows.took_s)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
