"""The baseline: the same hops as a plain aiokafka program, without Faust, tables or guards.

`template` -> `validated-templates` -> `inference` -> `ranked-providers`, with the same records, the
same core calls (the same pool of parser processes, selection, ranking), as many records under way in each
hop as in a box of the application, and every send confirmed by the broker before its record counts as
handled. It tells nobody of its steps, keeps no state, and neither tracks nor dispatches.

Its topics are those of the application with `raw-` before the name. It prints `ready` when it has all
partitions.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from paas_stream import topics
from paas_stream.ranking import chain
from paas_stream.ranking.rates import Memory
from paas_stream.records import Inference, Message, Template, ValidatedTemplate
from paas_stream.selection import policies, provider_files
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import select
from paas_stream.settings import Settings, get_settings
from paas_stream.tosca.pool import ParserPool

PREFIX = "raw-"
AT_ONCE = int(os.environ.get("RAW_AT_ONCE", "16"))  # as agents.steps; 1: one after the other


class Work:
    """The core calls of the three boxes."""

    def __init__(self, settings: Settings) -> None:
        self.pool = ParserPool(settings.parser)
        now = datetime.now(UTC)
        feeders = provider_files.read(settings.feeder.files).static_feeders(now)
        self._catalog = Catalog(ProviderRow(feeder, now).prepare() for feeder in feeders)
        known = settings.ranker
        self._policy = chain.RankingPolicy(
            known.min_attempts, known.failure_cost_s, known.exhausted_s
        )

    async def parse(self, value: bytes) -> Message:
        """As the template parser."""
        message = Template.decode(value)
        validated = await self.pool.validate(message.template, message.template_inputs)
        return validated.message(message)

    async def select(self, value: bytes) -> Message:
        """As the provider selector."""
        message = ValidatedTemplate.decode(value)
        now = datetime.now(UTC)
        selection = select(
            message.requirements,
            self._catalog,
            request=message.request,
            today=now.date(),
            now=now,
            stale_s=float("inf"),
            sla_id=policies.sla_id(message.template),
        )
        return selection.inference(message)

    async def rank(self, value: bytes) -> Message:
        """As the AI-ranker."""
        message = Inference.decode(value)
        return chain.rank(message, Memory({}), datetime.now(UTC), self._policy)


async def hop(
    bootstrap: str,
    source: str,
    target: str,
    work: Callable[[bytes], Awaitable[Message]],
    ready: asyncio.Semaphore,
) -> None:
    """One box: a consumer, a producer, some records at a time."""
    consumer = AIOKafkaConsumer(
        PREFIX + source,
        bootstrap_servers=bootstrap,
        group_id=f"{PREFIX}{source}",
        auto_offset_reset="earliest",
        auto_commit_interval_ms=1000,
    )
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks=-1)
    await producer.start()
    await consumer.start()
    while not consumer.assignment():  # noqa: ASYNC110 - it has no event
        await asyncio.sleep(0.05)
    ready.release()
    free = asyncio.Semaphore(AT_ONCE)

    async def handle(record: ConsumerRecord) -> None:
        try:
            message = await work(record.value)
            await producer.send_and_wait(PREFIX + target, message.encode(), key=record.key)
        finally:
            free.release()

    try:
        async with asyncio.TaskGroup() as group:
            async for record in consumer:
                await free.acquire()
                group.create_task(handle(record))
    finally:
        await consumer.stop()
        await producer.stop()


async def main() -> None:
    """Run until SIGTERM."""
    settings = get_settings()
    work, bootstrap = Work(settings), settings.kafka.bootstrap
    await work.pool.warm()
    ready = asyncio.Semaphore(0)
    hops = [
        (topics.TEMPLATE, topics.VALIDATED_TEMPLATES, work.parse),
        (topics.VALIDATED_TEMPLATES, topics.INFERENCE, work.select),
        (topics.INFERENCE, topics.RANKED_PROVIDERS, work.rank),
    ]
    tasks = [asyncio.create_task(hop(bootstrap, *one, ready)) for one in hops]
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    for _ in hops:
        await ready.acquire()
    print("ready", flush=True)
    ended = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, ended], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    failed = [one for one in await asyncio.gather(*tasks, return_exceptions=True) if one]
    await work.pool.close()
    real = [one for one in failed if not isinstance(one, asyncio.CancelledError)]
    if real:
        sys.exit(f"a hop ended: {real[0]!r}")


if __name__ == "__main__":
    asyncio.run(main())
