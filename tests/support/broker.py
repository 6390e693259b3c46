"""What tests ask of the real Kafka, and do to it."""

import asyncio
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError, GroupLoadInProgressError, for_code
from support.waiting import wait_until

PARTITIONS = 2

Position = dict[tuple[str, int], int]  # an offset for each (topic, partition)


class Broker:
    """A client for everything: records, topics, their configuration, committed offsets."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2**21)
        self._reader: AIOKafkaConsumer | None = None  # made when something is read
        self._reading = asyncio.Lock()  # it is assigned to what one caller reads

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._reader is not None:
            await self._reader.stop()
        await self._producer.stop()
        await self._admin.close()

    async def topics(self) -> set[str]:
        """Names of all topics that are not the broker's own."""
        return {name for name in await self._admin.list_topics() if not name.startswith("__")}

    async def create(self, *names: str, partitions: int = PARTITIONS, **config: str) -> None:
        """Create topics; in `config`, `_` is a dot."""
        new = [NewTopic(name, partitions, 1, topic_configs=_dotted(config)) for name in names]
        response = await self._admin.create_topics(new)
        for _, code, *_ in response.topic_errors:
            if code:
                raise for_code(code)

    async def delete(self, *names: str) -> None:
        """Delete topics and wait until they are gone."""
        if names:
            await self._admin.delete_topics(list(names))
            await wait_until(lambda: self._are_gone(names), what=f"deletion of {names}")

    async def _are_gone(self, names: tuple[str, ...]) -> bool:
        return not set(names) & await self.topics()

    async def configure(self, topic: str, **config: str) -> None:
        """Set options of a topic, all others become the defaults; in `config`, `_` is a dot."""
        await self._alter(ConfigResource(ConfigResourceType.TOPIC, topic, _dotted(config)))

    async def configure_brokers(self, **config: str) -> None:
        """Set options of every broker while it runs, all others become what it was started with."""
        for broker in self._producer.client.cluster.brokers():
            name = str(broker.nodeId)
            await self._alter(ConfigResource(ConfigResourceType.BROKER, name, _dotted(config)))

    async def _alter(self, resource: ConfigResource) -> None:
        for answer in await self._admin.alter_configs([resource]):
            for code, *_ in answer.resources:
                if code:
                    raise for_code(code)

    async def send(
        self,
        topic: str,
        value: bytes | None,
        key: str | bytes | None = None,
        partition: int | None = None,
    ) -> tuple[str, int, int]:
        """Write one record. Returns topic, partition and offset."""
        raw = key.encode() if isinstance(key, str) else key
        sent = await self._producer.send_and_wait(topic, value, key=raw, partition=partition)
        return sent.topic, sent.partition, sent.offset

    async def committed(self, group: str, *topics: str) -> Position:
        """The group's committed offsets; partitions without one are left out."""
        try:
            found = await self._admin.list_consumer_group_offsets(group)
        except (GroupCoordinatorNotAvailableError, GroupLoadInProgressError):
            return {}  # a broker that has no group yet, or was started just now
        return {
            (tp.topic, tp.partition): meta.offset
            for tp, meta in found.items()
            if meta.offset >= 0 and (not topics or tp.topic in topics)
        }

    async def ends(self, *topics: str) -> Position:
        """The offset after the last record of each partition."""
        consumer = await self._consumer()
        ends = await consumer.end_offsets(await self._partitions(topics))
        return {(tp.topic, tp.partition): end for tp, end in ends.items()}

    async def is_handled(self, group: str, *topics: str) -> bool:
        """Whether the group has committed all that stands in the topics now."""
        ends = {place: end for place, end in (await self.ends(*topics)).items() if end}
        committed = await self.committed(group, *topics)
        return all(committed.get(place, 0) >= end for place, end in ends.items())

    async def records(self, *topics: str) -> list[Any]:
        """All records that stand in the topics now, in the order of each partition."""
        found: list[Any] = []
        consumer, tps = await self._consumer(), await self._partitions(topics)
        ends = await consumer.end_offsets(tps)
        async with self._reading:
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            while any([await consumer.position(tp) < ends[tp] for tp in tps]):
                for batch in (await consumer.getmany(timeout_ms=200)).values():
                    found += batch
        return found

    async def _consumer(self) -> AIOKafkaConsumer:
        async with self._reading:
            if self._reader is None:
                reader = AIOKafkaConsumer(
                    bootstrap_servers=self.bootstrap, enable_auto_commit=False
                )
                await reader.start()
                self._reader = reader
        return self._reader

    async def _partitions(self, topics: tuple[str, ...]) -> list[TopicPartition]:
        return [
            TopicPartition(topic, partition)
            for topic in topics
            for partition in sorted(await self._producer.partitions_for(topic))
        ]


def _dotted(config: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in config.items()}
