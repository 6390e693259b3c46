"""What a burst does to one worker: `python benchmarks/burst.py` (about eight minutes).

All POSTs come at once. Every one that is accepted must come to its end, every other one must be
answered 429 or 503 with Retry-After, and the worker's memory must stay bounded. The baseline is a
burst of a tenth of the size on the same worker before it. With `--real-im` they go to the real IM
(Dummy); otherwise a loopback sink stands in its place, which answers at once.

The last line is JSON: `posts, accepted, refused, wrong, completed, lost, seconds, rss_before_mib,
rss_small_mib, rss_peak_mib, real_im`.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

sys.path.insert(0, str(Path(__file__).resolve().parent))

from im_front import ImFront
from stand import ROOT, Stand, free_port

TEMPLATE_TEXT = (ROOT / "examples" / "vm.yaml").read_text()
CLIENTS = 500  # connections at once
END_S = 1800.0
_LOOK_S = 1.0


@dataclass
class Burst:
    """What came of one."""

    posts: int
    accepted: list[str] = field(default_factory=list)
    refused: int = 0
    wrong: Counter[str] = field(default_factory=Counter)  # answers that must not be
    seconds: float = 0.0  # until the last accepted one had ended
    statuses: Counter[str] = field(default_factory=Counter)


class Memory:
    """The worker's resident memory in MiB, looked at all the time."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self.peak = 0.0

    async def watch(self) -> None:
        """Until it is cancelled."""
        while True:
            self.peak = max(self.peak, self.now())
            await asyncio.sleep(0.2)

    def now(self) -> float:
        """At this moment."""
        return self._stand.rss_mib("worker")


async def burst(stand: Stand, posts: int) -> Burst:
    """Send all of them, each once, and wait for the end of those that were accepted."""
    found = Burst(posts)
    slots = asyncio.Semaphore(CLIENTS)
    body = {"template": TEMPLATE_TEXT, "userGroup": "demo"}
    timeout = aiohttp.ClientTimeout(total=120)
    connector = aiohttp.TCPConnector(limit=CLIENTS)

    async def post(session: aiohttp.ClientSession) -> None:
        async with slots, session.post(f"{stand.url}/deployments", json=body) as answer:
            if answer.status == 201:
                found.accepted.append((await answer.json())["uuid"])
            elif answer.status in (429, 503) and "Retry-After" in answer.headers:
                found.refused += 1
            else:
                found.wrong[f"{answer.status} {(await answer.text())[:100]}"] += 1

    begun = time.monotonic()
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        await asyncio.gather(*(post(session) for _ in range(posts)))
        sent = time.monotonic() - begun
        print(
            f"{posts} POSTs in {sent:.1f} s: {len(found.accepted)} accepted, {found.refused} to come"
            f" again, {sum(found.wrong.values())} wrong",
            flush=True,
        )
        await _ended(session, stand, found)
    found.seconds = time.monotonic() - begun
    return found


async def _ended(session: aiohttp.ClientSession, stand: Stand, found: Burst) -> None:
    async with asyncio.timeout(END_S):
        while True:
            left = await _number(session, stand, "CREATE_COMPLETE,CREATE_FAILED")
            if left == 0:
                break
            await asyncio.sleep(_LOOK_S)
        for uuid in found.accepted:
            async with session.get(f"{stand.url}/deployments/{uuid}") as answer:
                known = (await answer.json()) if answer.status == 200 else {}
                found.statuses[known.get("status", str(answer.status))] += 1


async def _number(session: aiohttp.ClientSession, stand: Stand, excluded: str) -> int:
    url = f"{stand.url}/deployments?size=1&excludedStatus={excluded}"
    async with session.get(url) as answer:
        return int((await answer.json())["page"]["totalElements"])


async def main() -> int:
    """Run it and print the result; 1 when something was lost or answered wrongly."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, help="default: 5000, with the real IM 300")
    options.add_argument("--real-im", action="store_true")
    given = options.parse_args()
    count = given.count or (300 if given.real_im else 5000)
    with tempfile.TemporaryDirectory(prefix="paas-stream-bench-") as folder:
        async with ImFront(free_port()) as front:
            stand = Stand(Path(folder), front.url)
            try:
                await stand.start_services()
                front.upstream = stand.settings.im.endpoint if given.real_im else None
                await stand.start_worker()
                result = await measure(stand, count)
            finally:
                await asyncio.to_thread(stand.close)
    print(json.dumps(result | {"real_im": given.real_im}))
    return 1 if result["lost"] or result["wrong"] else 0


async def measure(stand: Stand, count: int) -> dict[str, float]:
    """The small burst, then the whole one."""
    memory = Memory(stand)
    before = memory.now()
    watch = asyncio.create_task(memory.watch())
    try:
        await burst(stand, max(1, count // 10))
        small, memory.peak = memory.peak, 0.0
        whole = await burst(stand, count)
    finally:
        watch.cancel()
    for text, number in whole.wrong.items():
        print(f"{number} times {text}")
    print(f"ended as {dict(whole.statuses)} after {whole.seconds:.0f} s")
    completed = whole.statuses["CREATE_COMPLETE"]
    return {
        "posts": whole.posts,
        "accepted": len(whole.accepted),
        "refused": whole.refused,
        "wrong": sum(whole.wrong.values()),
        "completed": completed,
        "lost": len(whole.accepted) - completed,
        "seconds": round(whole.seconds, 1),
        "rss_before_mib": round(before),
        "rss_small_mib": round(small),
        "rss_peak_mib": round(memory.peak),
    }


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
