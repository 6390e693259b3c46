"""How long the ranking model takes for the candidates of one request.

Wall clock, in process, one thread. The boosters are asked for 100 and for 5 candidates; then features
and boosters together. The baseline, in the same run, are two random forests with scikit-learn's
defaults, trained on the same attempts and asked for the 100 rows at once.

    python benchmarks/ranking/latency.py [--runs N]

The last line is JSON, milliseconds: `p50_ms_100, p99_ms_100, p50_ms_5, with_features_p50_ms_100,
forest_p50_ms_100`.
"""

import argparse
import json
import time
from collections.abc import Callable

import numpy as np
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from paas_stream.ranking import features
from paas_stream.ranking.simulation.experience import Experience
from paas_stream.ranking.simulation.policies import Random
from paas_stream.ranking.simulation.scenarios import BY_NAME
from paas_stream.ranking.simulation.world import World
from paas_stream.records import Candidate

FOREST_RUNS = 60
TEMPLATE = "template-1"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    given = parser.parse_args()
    experience, many = _learned()
    model = experience.model
    if model is None:
        raise SystemExit("there is no model")
    memory = experience.memory(experience.attempts[-1].ended_at)
    rows = features.rows(many, TEMPLATE, memory)
    forests = _forests(experience)
    filled = np.nan_to_num(rows, nan=-1.0)

    def with_features() -> None:
        model.guesses(features.rows(many, TEMPLATE, memory))

    hundred = _times(lambda: model.guesses(rows), given.runs)
    figures = {
        "p50_ms_100": np.percentile(hundred, 50),
        "p99_ms_100": np.percentile(hundred, 99),
        "p50_ms_5": np.percentile(_times(lambda: model.guesses(rows[:5]), given.runs), 50),
        "with_features_p50_ms_100": np.percentile(_times(with_features, given.runs), 50),
        "forest_p50_ms_100": np.percentile(
            _times(lambda: [one(filled) for one in forests], FOREST_RUNS), 50
        ),
    }
    for name, value in figures.items():
        print(f"{name:>26}  {value:.2f}")
    print(json.dumps({name: round(float(value), 2) for name, value in figures.items()}))


def _learned() -> tuple[Experience, list[Candidate]]:
    """A model of all attempts of one federation, and 100 candidates, each a site of its own."""
    experience, random = Experience(1), Random()
    candidates: list[Candidate] = []
    for request in World(BY_NAME["random-logs"], 1).requests():
        experience.settle(request.at)
        asked = experience.asked(request)
        experience.try_in(random.order(asked), asked)
        candidates.extend(request.candidates)
    experience.train(0.0)
    many = [
        one.model_copy(update={"region_name": "north" if place < 8 else f"region-{place}"})
        for place, one in enumerate(candidates[:100])
    ]
    return experience, many


def _forests(experience: Experience) -> list[Callable[[object], object]]:
    x = np.nan_to_num(np.array([one.features for one in experience.attempts]), nan=-1.0)
    succeeded = [one.succeeded for one in experience.attempts]
    took = [one.took_s for one in experience.attempts]
    likely = RandomForestClassifier(random_state=1).fit(x, succeeded)
    return [likely.predict_proba, RandomForestRegressor(random_state=1).fit(x, took).predict]


def _times(what: Callable[[], object], runs: int) -> list[float]:
    """Milliseconds; the first tenth is to get warm."""
    found = []
    for _ in range(runs + runs // 10):
        begun = time.perf_counter()
        what()
        found.append(1000 * (time.perf_counter() - begun))
    return found[runs // 10 :]


if __name__ == "__main__":
    main()
