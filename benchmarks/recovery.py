"""How long a worker needs after a kill -9: `python benchmarks/recovery.py` (about ten minutes).

For each number of live deployments (see stored.py) the time from the start of the process to ready is
measured: with the data directory lost, kept after a kill -9, and kept after a clean stop. The baseline
is a plain aiokafka consumer that reads the same changelogs to their ends, in the same run.

The last line is JSON: for each number `lost_N_s, killed_N_s, stopped_N_s, raw_N_s, mib_N`.
"""

import argparse
import asyncio
import json
import shutil
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from stand import Stand
from stored import Stored, one_stored, until_listed

NUMBERS = (1_000, 10_000, 100_000)


async def start(stand: Stand) -> float:
    """Start the worker; the seconds until it is ready."""
    begun = time.monotonic()
    await stand.start_worker()
    return time.monotonic() - begun


async def measure(stored: Stored, count: int) -> dict[str, float]:
    """All figures for one number of deployments."""
    stand = stored.stand
    raw = await stored.logs.read(stored.uuid)
    shutil.rmtree(stand.folder / "worker" / "workers")
    lost = await start(stand)
    await until_listed(stand, count)
    stand.kill("worker")
    killed = await start(stand)
    await until_listed(stand, count)
    stand.stop("worker")
    stopped = await start(stand)
    await until_listed(stand, count)
    stand.stop("worker")
    found = {"lost": lost, "killed": killed, "stopped": stopped, "raw": raw}
    told = {f"{name}_{count}_s": round(value, 1) for name, value in found.items()}
    told[f"mib_{count}"] = round(stored.logs.size / 2**20)
    print(told, flush=True)
    return told


async def main() -> None:
    """Run it and print the result."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--numbers", type=int, nargs="+", default=list(NUMBERS))
    given = options.parse_args()
    result: dict[str, float] = {}
    async with one_stored() as stored:
        for count in sorted(given.numbers):
            await stored.grow(count)
            result |= await measure(stored, count)
    print(json.dumps(result))


if __name__ == "__main__":
    asyncio.run(main())
