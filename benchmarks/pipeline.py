"""How fast the line is: `python benchmarks/pipeline.py` (about four minutes).

1. *Throughput*: deployments per second from `template` to `ranked-providers` on one worker, with steps,
   timeline, state and the dispatcher's intents beside it, and the same of `raw_line.py`, a plain
   aiokafka program. Both get the same records in turns; the median counts. What stands in the IM's
   place withholds its answers during a round, so that creating is not part of what is measured. Two
   more figures are printed and do not count: the worker's with answers at once, and the raw program's
   when each record is confirmed before it takes the next.
2. *Latency*: from the POST to the first call that reaches the IM, at 20 deployments per second with a
   loopback sink in the IM's place, and at 2 per second with the real IM (Dummy) behind a
   relay. The load is open-loop: a POST is due by the clock, whatever the others do, and its latency
   counts from when it was due.

The last line is JSON: `deployments_per_s, raw_per_s, ratio, latency_p50_ms, latency_p99_ms,
im_latency_p99_ms`.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
import uuid as uuids
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

sys.path.insert(0, str(Path(__file__).resolve().parent))

from im_front import ImFront
from raw_line import AT_ONCE, PREFIX
from stand import ROOT, Stand, free_port

from paas_stream import topics
from paas_stream.records import Owner, Request, Template

TEMPLATE_TEXT = (ROOT / "examples" / "vm.yaml").read_text()
PARTITIONS = 8
ROUND_S = 300.0  # a round that takes longer has failed
RAW_TOPICS = [
    PREFIX + name
    for name in (
        topics.TEMPLATE,
        topics.VALIDATED_TEMPLATES,
        topics.INFERENCE,
        topics.RANKED_PROVIDERS,
    )
]


def template() -> Template:
    """What the REST API sends for a POST of the example."""
    now = datetime.now(UTC)
    return Template(
        uuid=str(uuids.uuid4()),
        timestamp=now,
        template=TEMPLATE_TEXT,
        request=Request(
            owner=Owner(issuer="urn:paas-stream:none", subject="anonymous"),
            user_group="demo",
            deadline=now + timedelta(hours=1),
            per_provider_timeout=60,
        ),
    )


class Rounds:
    """Sends templates and waits until all are ranked."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    async def __aenter__(self) -> "Rounds":
        self._producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, linger_ms=5)
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def run(self, prefix: str, count: int) -> float:
        """Deployments per second: from the first send to the last record in `ranked-providers`."""
        messages = [template() for _ in range(count)]
        waiting = {one.uuid for one in messages}
        async with _at_end(self._bootstrap, prefix + topics.RANKED_PROVIDERS) as ranked:
            begun = time.monotonic()
            for one in messages:
                await self._producer.send(
                    prefix + topics.TEMPLATE, one.encode(), key=one.uuid.encode()
                )
            async with asyncio.timeout(ROUND_S):
                while waiting:
                    for batch in (await ranked.getmany(timeout_ms=1000)).values():
                        waiting -= {record.key.decode() for record in batch}
            return count / (time.monotonic() - begun)


class _at_end:
    """A consumer of what comes from now on."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, fetch_max_wait_ms=50)
        self._topic = topic

    async def __aenter__(self) -> AIOKafkaConsumer:
        await self._consumer.start()
        places = [TopicPartition(self._topic, number) for number in range(PARTITIONS)]
        self._consumer.assign(places)
        await self._consumer.seek_to_end(*places)
        for place in places:
            await self._consumer.position(place)
        return self._consumer

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()


async def throughput(
    stand: Stand, front: ImFront, count: int, rounds: int
) -> tuple[list[float], list[float]]:
    """Rounds of the worker and of the raw program, in turns, after one of each that does not count."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stand.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in RAW_TOPICS])
    await admin.close()
    await stand.start_raw(AT_ONCE)
    ours, raw = [], []
    async with Rounds(stand.bootstrap) as run:
        for number in range(rounds + 1):
            before = stand.cpu_s("worker"), stand.cpu_s("raw")
            front.answers.clear()
            ours.append(await run.run("", count))
            within = stand.cpu_s("worker")
            front.answers.set()
            await at_rest(stand)
            between = stand.cpu_s("worker"), stand.cpu_s("raw")
            raw.append(await run.run(PREFIX, count))
            spent = within - before[0], between[0] - within, stand.cpu_s("raw") - between[1]
            print(
                f"{'warm-up' if number == 0 else f'round {number}'}: worker {ours[-1]:.1f}/s"
                f" ({1000 * spent[0] / count:.1f} ms of processor each, and"
                f" {1000 * spent[1] / count:.1f} ms after it, for all that follows),"
                f" raw {raw[-1]:.1f}/s ({1000 * spent[2] / count:.1f} ms)",
                flush=True,
            )
        whole = await run.run("", count)
        await at_rest(stand)
        print(f"worker, with an IM that answers at once: {whole:.1f}/s", flush=True)
        stand.stop("raw")
        await stand.start_raw(1)
        alone = await run.run(PREFIX, count)
        print(f"raw, each record confirmed before the next is taken: {alone:.1f}/s", flush=True)
    stand.stop("raw")
    return ours[1:], raw[1:]


async def at_rest(stand: Stand) -> None:
    """Wait until the worker has nothing more to do for any deployment."""
    url = f"{stand.url}/deployments?size=1&excludedStatus=CREATE_COMPLETE,CREATE_FAILED"
    async with asyncio.timeout(ROUND_S), aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as answer:
                if (await answer.json())["page"]["totalElements"] == 0:
                    return
            await asyncio.sleep(0.5)


async def latency(stand: Stand, front: ImFront, per_s: float, seconds: float) -> list[float]:
    """Milliseconds from each POST to its first call at the IM, sorted."""
    due: dict[str, float] = {}
    body = {"template": TEMPLATE_TEXT, "userGroup": "demo"}

    async def post(session: aiohttp.ClientSession, moment: float) -> None:
        async with session.post(f"{stand.url}/deployments", json=body) as answer:
            if answer.status != 201:
                raise SystemExit(f"a POST was answered {answer.status}: {await answer.text()}")
            due[(await answer.json())["uuid"]] = moment

    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as posts:
        begun = time.monotonic()
        for number in range(int(per_s * seconds)):
            moment = begun + number / per_s
            await asyncio.sleep(max(0.0, moment - time.monotonic()))
            posts.create_task(post(session, moment))
    async with asyncio.timeout(ROUND_S):
        while due.keys() - front.first.keys():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.1)
    await at_rest(stand)
    return sorted(1000 * (front.first[uuid] - moment) for uuid, moment in due.items())


def percentile(ordered: list[float], share: float) -> float:
    """The smallest value that `share` of all do not exceed."""
    return ordered[max(0, -(-int(share * 1000) * len(ordered) // 1000) - 1)]


async def main() -> None:
    """Run all of it and print the result."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--count", type=int, default=300, help="deployments per round")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=30.0, help="of each latency run")
    options.add_argument("--only", choices=["throughput", "latency"])
    options.add_argument("--launcher", default="", help="a command that starts the worker")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="paas-stream-bench-") as folder:
        async with ImFront(free_port()) as front:
            stand = Stand(Path(folder), front.url)
            try:
                await stand.start_services()
                await stand.start_worker(*given.launcher.split())
                result = await measure(stand, front, given)
            finally:
                await asyncio.to_thread(stand.close)
    print(json.dumps(result))


async def measure(
    stand: Stand, front: ImFront, given: argparse.Namespace
) -> dict[str, float | None]:
    """All figures, rounded."""
    per_s = raw_per_s = p50 = p99 = im_p99 = None
    if given.only != "latency":
        ours, raw = await throughput(stand, front, given.count, given.rounds)
        per_s, raw_per_s = statistics.median(ours), statistics.median(raw)
    if given.only != "throughput":
        await latency(stand, front, 20, 3)  # warm-up
        found = await latency(stand, front, 20, given.seconds)
        p50, p99 = percentile(found, 0.5), percentile(found, 0.99)
        print(
            f"sink, 20/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms, most {found[-1]:.0f} ms of {len(found)}"
        )
        front.upstream = stand.settings.im.endpoint
        found = await latency(stand, front, 2, given.seconds)
        im_p99 = percentile(found, 0.99)
        print(
            f"real IM, 2/s: p50 {percentile(found, 0.5):.0f} ms, p99 {im_p99:.0f} ms of {len(found)}"
        )
    return {
        "deployments_per_s": _rounded(per_s),
        "raw_per_s": _rounded(raw_per_s),
        "ratio": round(per_s / raw_per_s, 3) if per_s and raw_per_s else None,
        "latency_p50_ms": _rounded(p50),
        "latency_p99_ms": _rounded(p99),
        "im_latency_p99_ms": _rounded(im_p99),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


if __name__ == "__main__":
    asyncio.run(main())
