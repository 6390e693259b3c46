"""Very many deployments of one worker: one goes through the line, and its rows are written again.

They are written to the changelogs under other uuids. So the rows are as large as real ones, and each
changelog has one record for each row, as after a compaction.
"""

import asyncio
import tempfile
import time
import uuid as uuids
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from im_front import ImFront
from stand import ROOT, Stand, free_port

from paas_stream.durable.producer import partition_of_key

TEMPLATE_TEXT = (ROOT / "examples" / "vm.yaml").read_text()
PARTITIONS = 8
END_S = 60.0
_AT_ONCE = 2000  # sends before the confirmations are awaited


@asynccontextmanager
async def one_stored() -> AsyncIterator["Stored"]:
    """Kafka, an IM that answers at once, and a worker that has had one deployment and is stopped."""
    with tempfile.TemporaryDirectory(prefix="paas-stream-bench-") as folder:
        async with ImFront(free_port()) as front:
            stand = Stand(Path(folder), front.url)
            try:
                await stand.start_services()
                await stand.start_worker()
                uuid = await one_deployment(stand)
                stand.stop("worker")
                logs = Changelogs(stand.bootstrap)
                await logs.read(uuid)
                yield Stored(stand, uuid, logs)
            finally:
                await asyncio.to_thread(stand.close)


class Stored:
    """The deployments of a worker that is not running."""

    def __init__(self, stand: Stand, uuid: str, logs: "Changelogs") -> None:
        """`uuid`: the one that the others are copies of."""
        self.stand, self.uuid, self.logs = stand, uuid, logs
        self._count = 1

    async def grow(self, count: int) -> None:
        """Let there be so many."""
        await self.logs.fill(self.uuid, max(0, count - self._count))
        self._count = max(self._count, count)


async def one_deployment(stand: Stand) -> str:
    """Deploy the example and wait for its end; its uuid."""
    body = {"template": TEMPLATE_TEXT, "userGroup": "demo"}
    async with aiohttp.ClientSession() as session, asyncio.timeout(END_S):
        async with session.post(f"{stand.url}/deployments", json=body) as answer:
            uuid = str((await answer.json())["uuid"])
        while True:
            async with session.get(f"{stand.url}/deployments/{uuid}") as answer:
                if (await answer.json()).get("status") == "CREATE_COMPLETE":
                    return uuid
            await asyncio.sleep(0.2)


class Changelogs:
    """The changelogs of the tables that have rows of deployments."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self.rows: dict[str, tuple[bytes, bytes]] = {}  # its last row by topic: key, value
        self.size = 0  # bytes written

    async def read(self, uuid: str) -> float:
        """Read all of them to their ends; the seconds that it takes. Keeps the rows of `uuid`."""
        begun = time.monotonic()
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, enable_auto_commit=False)
        await consumer.start()
        try:
            cluster = await consumer._client.fetch_all_metadata()
            places = [
                TopicPartition(name, number)
                for name in cluster.topics()
                if name.endswith("-changelog")
                for number in cluster.partitions_for_topic(name) or ()
            ]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            await consumer.seek_to_beginning(*places)
            while any([await consumer.position(place) < ends[place] for place in places]):
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    for record in batch:
                        key, row = record.key, record.value
                        # what is held of a quota lies in one partition, and ends with the create
                        spread = len(cluster.partitions_for_topic(record.topic)) == PARTITIONS
                        if spread and row and uuid.encode() in (key or b""):
                            self.rows[record.topic] = key, row
        finally:
            await consumer.stop()
        return time.monotonic() - begun

    async def fill(self, uuid: str, count: int) -> None:
        """Write the rows again under `count` other uuids."""
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap, linger_ms=20, max_batch_size=2**19
        )
        await producer.start()
        try:
            waiting = []
            for _ in range(count):
                new = str(uuids.uuid4())
                partition = partition_of_key(new.encode(), list(range(PARTITIONS)), [])
                for topic, pair in self.rows.items():
                    key, row = (part.replace(uuid.encode(), new.encode()) for part in pair)
                    self.size += len(key) + len(row)
                    waiting.append(await producer.send(topic, row, key=key, partition=partition))
                if len(waiting) >= _AT_ONCE:
                    await asyncio.gather(*waiting)
                    waiting.clear()
            await asyncio.gather(*waiting)
        finally:
            await producer.stop()


async def until_listed(stand: Stand, count: int) -> None:
    """Every deployment must be there again."""
    url = f"{stand.url}/deployments?size=1"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        found = (await answer.json())["page"]["totalElements"]
    if found < count:
        raise SystemExit(f"only {found} of {count} deployments are there")
