"""The topic `errors` as a store: what is in it, and the records that its errors are about."""

import base64
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from paas_stream.cli.broker_topics import quiet
from paas_stream.clients import kafka
from paas_stream.errors import PaasError, PermanentError
from paas_stream.records import REPLAYED, ErrorRecord, Source
from paas_stream.settings import Settings
from paas_stream.topics import ERRORS, TOPICS

_BATCH_MS = 500
_ANSWER_S = 20.0  # a partition that tells nothing for so long is an error
_LARGEST = 2 * 1024 * 1024  # bytes of a record
_ID = re.compile(r"(\d{1,6})-(\d{1,18})")


@dataclass(frozen=True)
class ErrorId:
    """Where an error stands in `errors`; written as `partition-offset`."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}-{self.offset}"

    @classmethod
    def read(cls, text: str) -> Self:
        """Raises PermanentError for anything else than `partition-offset`."""
        found = _ID.fullmatch(text)
        if found is None:
            raise PermanentError(f"{text!r} names no error: its id is partition-offset, as in 3-17")
        return cls(int(found[1]), int(found[2]))


@dataclass(frozen=True)
class KeptError:
    """One error, and whether its record was sent again.

    Several boxes may have failed on one record; it is sent again once for all of them.
    """

    id: ErrorId
    error: ErrorRecord
    replayed: bool = False

    @property
    def place(self) -> str | None:
        """Names the record that the error is about."""
        return None if self.error.source is None else _name(self.error.source)


class ErrorRecords:
    """`async with`: a reader of `errors` and a writer of the topics that its records came from."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = TOPICS[ERRORS].broker_name(settings)
        self._names = {spec.broker_name(settings) for spec in TOPICS.values()}
        options = kafka.connection(settings.kafka)
        options["request_timeout_ms"] = int(settings.kafka.request_timeout_s * 1000)
        self._consumer = AIOKafkaConsumer(
            enable_auto_commit=False, auto_offset_reset="none", **options
        )
        self._producer = AIOKafkaProducer(acks="all", max_request_size=_LARGEST, **options)

    async def __aenter__(self) -> Self:
        try:
            with quiet():
                await self._consumer.start()
                await self._producer.start()
        except KafkaError:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        await self._producer.stop()
        await self._consumer.stop()

    async def all(self) -> list[KeptError]:
        """Every error that is kept, by time. Records that cannot be read are left out."""
        errors: dict[ErrorId, ErrorRecord] = {}
        replayed: set[ErrorId] = set()
        async for id_, error in self._each(await self._partitions()):
            if error.code == REPLAYED and error.source is not None:
                replayed.add(ErrorId(error.source.partition, error.source.offset))
            else:
                errors[id_] = error
        found = [KeptError(id_, one) for id_, one in errors.items()]
        again = {one.place for one in found if one.id in replayed}
        found = [replace(one, replayed=one.place in again) for one in found]
        return sorted(found, key=lambda one: one.error.timestamp)

    async def one(self, id_: ErrorId) -> KeptError:
        """The error of this id. Raises PermanentError when there is none."""
        known = {one.id: one for one in await self.all()}
        if id_ not in known:
            raise PermanentError(f"there is no error {id_} in `errors`")
        return known[id_]

    async def record(self, error: ErrorRecord) -> bytes:
        """The value of the record that the error is about.

        Raises PermanentError when it is about none, or the record is not kept any more.
        """
        if error.source is None:
            raise PermanentError("the error is about no record")
        if error.payload_base64 is not None:
            return base64.b64decode(error.payload_base64)
        source = error.source
        place = TopicPartition(source.topic, source.partition)
        if source.topic not in self._names:
            raise PermanentError(f"{source.topic} is no topic of this application")
        self._consumer.assign([place])
        first = (await self._consumer.beginning_offsets([place]))[place]
        end = (await self._consumer.end_offsets([place]))[place]
        if not first <= source.offset < end:
            raise PermanentError(f"{_name(source)} is not kept any more")
        self._consumer.seek(place, source.offset)
        for record in await self._batch():
            if record.offset == source.offset:
                return record.value or b""
            break
        raise PermanentError(f"{_name(source)} is not kept any more")

    async def replay(self, kept: KeptError) -> str:
        """Send the record of an error again, under its key, and note that in `errors`.

        Returns what was done, in a sentence. Raises PermanentError as `record` does.
        """
        value = await self.record(kept.error)
        source = kept.error.source
        assert source is not None  # noqa: S101 - `record` refuses an error without one
        key = source.key.encode() if source.key else None
        sent = await self._producer.send_and_wait(
            source.topic, value, key=key, partition=source.partition
        )
        note = ErrorRecord(
            uuid=kept.error.uuid,
            component="operator",
            step="replay",
            code=REPLAYED,
            message=f"{_name(source)} was sent again as offset {sent.offset}",
            retriable=True,
            source=Source(topic=self._topic, partition=kept.id.partition, offset=kept.id.offset),
        )
        await self._producer.send_and_wait(
            self._topic,
            note.encode(),
            key=(kept.error.uuid or source.topic).encode(),
            partition=kept.id.partition,
        )
        return note.message

    async def _partitions(self) -> list[TopicPartition]:
        # known topics only: asking for one by its name would create it on some brokers
        metadata = await self._consumer._client.fetch_all_metadata()
        if self._topic not in metadata.topics():
            raise PermanentError(f"there is no topic {self._topic} yet; has a worker been started?")
        numbers = sorted(metadata.partitions_for_topic(self._topic) or ())
        return [TopicPartition(self._topic, number) for number in numbers]

    async def _each(
        self, places: list[TopicPartition]
    ) -> AsyncIterator[tuple[ErrorId, ErrorRecord]]:
        self._consumer.assign(places)
        firsts = await self._consumer.beginning_offsets(places)
        ends = await self._consumer.end_offsets(places)
        for place in places:
            self._consumer.seek(place, firsts[place])
        left = {place for place in places if firsts[place] < ends[place]}
        while left:
            for record in await self._batch():
                place = TopicPartition(record.topic, record.partition)
                try:
                    error = ErrorRecord.decode(record.value)
                except PaasError:
                    continue
                yield ErrorId(record.partition, record.offset), error
            left = {one for one in left if await self._consumer.position(one) < ends[one]}

    async def _batch(self) -> list[Any]:
        """The next records. Raises PermanentError when none comes."""
        for _ in range(int(_ANSWER_S * 1000 / _BATCH_MS)):
            found = (await self._consumer.getmany(timeout_ms=_BATCH_MS)).values()
            if found:
                return [record for records in found for record in records]
        raise PermanentError(f"Kafka sent no record within {_ANSWER_S:.0f} s")


def _name(source: Source) -> str:
    return f"{source.topic}/{source.partition}@{source.offset}"
