"""The chaos run: `make chaos` (ARGS="--deployments 1000 --faults 100 --seed 1").

A cluster of three workers on a real Kafka and a real IM gets deployments and, by a schedule that
follows from the seed, faults. Then everything is healed, and the ledger says what is not right. The
last line is JSON; the exit status is 1 when anything is.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from chaos.cluster import Cluster
from chaos.facts import Look
from chaos.ledger import Breach, Violation
from chaos.load import Load
from chaos.schedule import Fault, schedule
from chaos.wanted import wanted

WORKERS = 3
SETTLE_S = 600.0  # after the last fault everything has come to rest within this
_SHOWN = 40  # violations


@dataclass(frozen=True)
class Plan:
    """What a run is."""

    deployments: int
    faults: int
    seed: int
    duration_s: float


@dataclass(frozen=True)
class Result:
    """What came of it."""

    plan: Plan
    injected: dict[str, int]
    ended: dict[str, int]  # workers that ended by themselves
    violations: list[Violation]
    recoveries: list[float]  # seconds, sorted
    settled_s: float

    def count(self, breach: Breach) -> int:
        """How many violations of one kind."""
        return sum(1 for one in self.violations if one.breach is breach)

    def line(self) -> dict[str, float | int | None]:
        """The last line."""
        return {
            "deployments": self.plan.deployments,
            "faults": sum(self.injected.values()),
            **{str(breach): self.count(breach) for breach in Breach},
            "recovery_p50_s": _percentile(self.recoveries, 0.5),
            "recovery_p99_s": _percentile(self.recoveries, 0.99),
            "seed": self.plan.seed,
        }


def _percentile(ordered: list[float], share: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)


async def carry_out(plan: Plan, folder: Path) -> Result:
    """One run; `folder` gets all data and logs."""
    wishes = wanted(plan.seed, plan.deployments, plan.duration_s)
    async with Cluster(folder, WORKERS) as cluster:
        load = Load(cluster, wishes)
        user = asyncio.create_task(load.run())
        await _faults(cluster, schedule(plan.seed, plan.faults, plan.duration_s, WORKERS))
        await cluster.heal()
        healed = time.monotonic()
        print("healed", flush=True)
        await asyncio.wait([user], timeout=SETTLE_S)
        user.cancel()
        await asyncio.gather(user, return_exceptions=True)
        facts, wrong = await Look(cluster, wishes).until_right(SETTLE_S)
        (folder / "timelines.json").write_text(json.dumps(facts.timelines, indent=1))
        return Result(
            plan,
            {str(kind): number for kind, number in sorted(cluster.injected.items())},
            dict(cluster.ended),
            wrong + [Violation(Breach.LOST, key, why) for key, why in load.refused.items()],
            sorted(cluster.recoveries),
            time.monotonic() - healed,
        )


async def _faults(cluster: Cluster, faults: list[Fault]) -> None:
    begun = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for fault in faults:
            await asyncio.sleep(max(0.0, begun + fault.at - time.monotonic()))
            print(f"{time.monotonic() - begun:6.1f} s  {fault.kind}", flush=True)
            group.create_task(cluster.inject(fault))


def report(result: Result) -> None:
    """Print the table and the last line."""
    for kind, number in result.injected.items():
        print(f"{number:5}  {kind}")
    for code, number in Counter(result.ended).items():
        print(f"{number:5}  ended by itself: {code}")
    for one in result.violations[:_SHOWN]:
        print(f"{one.breach}: {one.what}: {one.why}")
    if len(result.violations) > _SHOWN:
        print(f"and {len(result.violations) - _SHOWN} more")
    print(f"at rest {result.settled_s:.0f} s after the last fault")
    print(json.dumps(result.line()))


def main() -> int:
    """Run once, as the command line says."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--deployments", type=int, default=200)
    options.add_argument("--faults", type=int, default=30)
    options.add_argument("--seed", type=int, default=random.randrange(10**6))
    options.add_argument("--seconds", type=float, help="default: 5 for each fault")
    given = options.parse_args()
    plan = Plan(
        given.deployments, given.faults, given.seed, given.seconds or 5.0 * max(given.faults, 6)
    )
    folder = Path(tempfile.mkdtemp(prefix="paas-stream-chaos-"))
    print(f"seed {plan.seed}", flush=True)
    result = asyncio.run(carry_out(plan, folder))
    report(result)
    if result.violations:
        print(f"logs and data are in {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
