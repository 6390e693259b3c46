"""Our order of the candidates against others, in simulated federations of which the truth is known.

Every scenario is run with every seed; policies that are compared see the same federation, requests and
luck. What is asked is how much sooner a deployment succeeds, what the first attempt's success is, and
what the best order would have saved (regret). The baseline is the federation's present AI-ranker with
its history bug fixed (`present.py`), trained in the same run.

    python benchmarks/ranking/compare.py [--seeds N] [--scenarios A,B] [--raw FILE [--kept]] [--no-page]

Seeds 1 to N are reported; parameters were chosen on seeds from 1001 on. With --raw what was run is kept
in FILE, and is not run again; with --kept nothing is run, and FILE is all there is. The figures are
written to `docs/ranking/`, and into `docs/ranking.md` between the marks. The last line is JSON:
`scenarios, seeds` (of the scenario with the fewest), `etts_gain_s, etts_gain_low_s` (mean over the
scenarios, and the lowest end of any scenario's 95 % interval), `first_try_gain, regret_ratio,
failure_cost_s`.
"""

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
import page
import plots
from present import PresentRanker

from paas_stream.ranking.simulation import policies, run, scenarios, summary
from paas_stream.ranking.simulation.policies import Policy
from paas_stream.settings import RankerSettings

COST_S = RankerSettings().failure_cost_s
OURS = policies.ExpectedTime(COST_S).name
REFERENCE = PresentRanker(only_first=False).name
DOCS = Path(__file__).resolve().parents[2] / "docs"
BREAKS = scenarios.BEGINS_TO_FAIL.name

Job = tuple[str, int]  # scenario, seed


def main() -> None:
    """Run, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--scenarios", default=",".join([*scenarios.BY_NAME, BREAKS]))
    parser.add_argument("--raw", type=Path, help="file of what was run")
    parser.add_argument("--kept", action="store_true", help="run nothing, take what --raw has")
    parser.add_argument("--no-page", action="store_true", help="leave docs/ as they are")
    given = parser.parse_args()
    if given.seeds < 2:
        parser.error("an interval needs two seeds")
    begun = time.monotonic()
    jobs = [
        (name, seed)
        for seed in range(1, given.seeds + 1)
        for name in sorted(given.scenarios.split(","), key=_takes_long)
    ]
    if given.kept:
        kept = json.loads(given.raw.read_text())
        jobs = [job for job in jobs if "/".join(map(str, job)) in kept]
    found = _run(jobs, given.raw)
    minutes = (time.monotonic() - begun) / 60
    results = _results({f"{name}/{seed}": found[f"{name}/{seed}"] for name, seed in jobs})
    print(page.text_of(results))
    print(f"{len(jobs)} runs in {minutes:.1f} minutes")
    if not given.no_page:
        page.write(results, DOCS)
        plots.write(results, DOCS / "ranking")
    print(json.dumps(results["figures"]))


def _takes_long(name: str) -> bool:
    return name not in scenarios.BY_NAME or scenarios.BY_NAME[name].closed


def _run(jobs: Sequence[Job], raw: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw.read_text()) if raw is not None and raw.exists() else {}
    left = [job for job in jobs if "/".join(map(str, job)) not in found]
    # threads of libraries that this process has started would not live on in a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        for future in as_completed([pool.submit(_one, job) for job in left]):
            name, outcome = future.result()
            found[name] = outcome
            if raw is not None:
                raw.write_text(json.dumps(found))
    return found


def _one(job: Job) -> tuple[str, Any]:
    name, seed = job
    label = f"{name}/{seed}"
    if name == BREAKS:
        ours = policies.ExpectedTime(COST_S)
        return label, {"dropped": {OURS: run.outcomes_until_dropped(seed, ours, COST_S)}}
    scenario = scenarios.BY_NAME[name]

    def compared() -> list[Policy]:
        fixed = PresentRanker(only_first=False)
        if scenario.closed:  # each line learns on its own, and that takes long
            core = policies.core(COST_S, ())
            present = fixed, PresentRanker(only_first=True)
            core = [one for one in core if not isinstance(one, policies.LikeliestFirst)]
        else:
            core, present = policies.core(COST_S), (fixed, PresentRanker(True, twin=fixed))
        return [*core, *present]

    courses = run.run(scenario, seed, compared, COST_S)
    return label, {
        "means": {one.policy: one.means() for one in courses},
        "by_rows": {one.policy: one.by_rows() for one in courses} if scenario.closed else {},
    }


def _results(found: dict[str, Any]) -> dict[str, Any]:
    """What the page and the plots are made from."""
    names = list(dict.fromkeys(label.rpartition("/")[0] for label in found))
    by_name = {
        name: {
            int(label.rpartition("/")[2]): outcome
            for label, outcome in found.items()
            if label.rpartition("/")[0] == name
        }
        for name in names
    }
    dropped = by_name.pop(BREAKS, {})
    made = {name: _scenario(seeds) for name, seeds in sorted(by_name.items(), key=_place)}
    return {
        "ours": OURS,
        "reference": REFERENCE,
        "rows": run.ROWS,
        "scenarios": made,
        "dropped": {
            OURS: [outcome["dropped"][OURS] for outcome in dropped.values()],
        },
        "figures": _figures(made) if made else {},
    }


def _place(one: tuple[str, Any]) -> int:
    return list(scenarios.BY_NAME).index(one[0])


def _scenario(seeds: dict[int, Any]) -> dict[str, Any]:
    of_seeds = {seed: outcome["means"] for seed, outcome in seeds.items()}
    means = summary.means(of_seeds)
    return {
        "seeds": len(seeds),
        "policies": {
            policy: {
                **{name: round(value, 4) for name, value in values.items()},
                "gains": {
                    measure: [round(one.mean, 4), round(one.low, 4), round(one.high, 4)]
                    for measure, one in summary.gains(of_seeds, policy, REFERENCE).items()
                },
            }
            for policy, values in means.items()
        },
        "by_rows": _by_rows([outcome["by_rows"] for outcome in seeds.values()]),
    }


def _by_rows(seeds: Sequence[dict[str, list[float | None]]]) -> dict[str, list[float | None]]:
    made: dict[str, list[float | None]] = {}
    for policy in seeds[0]:
        columns = zip(*(one[policy] for one in seeds), strict=True)
        known = [[value for value in column if value is not None] for column in columns]
        made[policy] = [round(float(np.mean(one)), 1) if one else None for one in known]
    return made


def _figures(made: dict[str, Any]) -> dict[str, Any]:
    ours = [one["policies"][OURS] for one in made.values()]
    theirs = [one["policies"][REFERENCE] for one in made.values()]
    gains = [one["gains"]["etts_s"] for one in ours]
    regret = np.mean([one["regret_s"] for one in ours])
    return {
        "scenarios": len(made),
        "seeds": min(one["seeds"] for one in made.values()),
        "etts_gain_s": round(float(np.mean([one[0] for one in gains])), 1),
        "etts_gain_low_s": round(min(one[1] for one in gains), 1),
        "first_try_gain": round(float(np.mean([one["gains"]["first_try"][0] for one in ours])), 4),
        "regret_ratio": round(float(regret / np.mean([one["regret_s"] for one in theirs])), 3),
        "failure_cost_s": COST_S,
    }


if __name__ == "__main__":
    main()
