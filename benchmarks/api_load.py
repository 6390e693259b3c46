"""The load of api.py, in a process of its own: `python api_load.py < PLAN`.

PLAN is JSON: `url`, `method`, `paths` (asked for in turn), `body` (of POSTs), `connections`, `seconds`,
and `once` when each path is asked for once.
Each connection sends its next request when it has the whole answer to the last. Prints JSON: `rps` of
good answers, `p50_ms`, `p99_ms`, `good`, and `others` by status.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from itertools import cycle
from typing import Any

import aiohttp
import uvloop

_TIMEOUT = aiohttp.ClientTimeout(total=60)


async def run(plan: dict[str, Any]) -> dict[str, Any]:
    """All requests of the plan."""
    paths = iter(plan["paths"]) if plan.get("once") else cycle(plan["paths"])
    body = plan.get("body")
    times: list[float] = []
    others: Counter[str] = Counter()
    connector = aiohttp.TCPConnector(limit=plan["connections"])
    begun = time.perf_counter()
    ends = begun + plan["seconds"]

    async def send(session: aiohttp.ClientSession) -> None:
        for path in paths:
            if (sent := time.perf_counter()) >= ends:
                return
            async with session.request(plan["method"], plan["url"] + path, json=body) as answer:
                await answer.read()
            if answer.status in (200, 201):
                times.append(time.perf_counter() - sent)
            else:
                others[str(answer.status)] += 1

    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        await asyncio.gather(*(send(session) for _ in range(plan["connections"])))
    took = time.perf_counter() - begun
    times.sort()
    return {
        "rps": round(len(times) / took, 1),
        "p50_ms": round(_percentile(times, 50), 2),
        "p99_ms": round(_percentile(times, 99), 2),
        "good": len(times),
        "others": dict(others),
    }


def _percentile(times: list[float], percent: int) -> float:
    """In milliseconds; of sorted times."""
    return 1000 * times[min(len(times) - 1, len(times) * percent // 100)] if times else 0.0


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(json.load(sys.stdin)))))
