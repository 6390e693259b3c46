"""The topics `training` and `models` as commands read and write them: to the end of what is there now."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError

from paas_stream.cli.broker_topics import quiet
from paas_stream.clients import kafka
from paas_stream.errors import InvalidMessageError, PermanentError, TemporaryError
from paas_stream.ranking.shelf import RECORD_MAX, Shelf
from paas_stream.records import ModelPart
from paas_stream.settings import Settings
from paas_stream.topics import MODELS, TOPICS

T = TypeVar("T")
Counts = Callable[[bytes | None], bool]
_BATCH_MS = 500
_LARGEST = 1_000_000  # bytes of a record, as the workers' producer has it


@dataclass(frozen=True)
class Kept:
    """The last record of each key of a compacted topic, in the order of the topic."""

    values: list[bytes]
    end: int  # the offset after the last record


def run(work: Coroutine[Any, Any, T], settings: Settings) -> T:
    """The result of `work`. Raises TemporaryError, which says why, when Kafka could not be used."""
    try:
        with quiet():
            return asyncio.run(work)
    except KafkaError as exc:
        raise kafka.told(settings.kafka, exc) from exc


async def last_of_each(
    settings: Settings, name: str, newest: int | None = None, *, counts: Counts | None = None
) -> Kept:
    """What stands in topic `name` now, with `newest` only the records of so many last offsets.

    A record that does not count is passed over: the one before it with its key stays.

    Raises PermanentError when the topic is not there, TemporaryError when it was not read in time.
    """
    topic = TOPICS[name].broker_name(settings)
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        request_timeout_ms=int(settings.kafka.request_timeout_s * 1000),
        **kafka.connection(settings.kafka),
    )
    try:
        async with asyncio.timeout(settings.trainer.timeout_s):
            await consumer.start()
            return await _read(consumer, topic, newest, counts)
    except TimeoutError as exc:
        text = f"{topic} was not read within {settings.trainer.timeout_s:g} s"
        raise TemporaryError(text) from exc
    finally:
        await consumer.stop()


async def _read(
    consumer: AIOKafkaConsumer, topic: str, newest: int | None, counts: Counts | None
) -> Kept:
    metadata = await consumer._client.fetch_all_metadata()  # known topics only: none is created
    if topic not in metadata.topics():
        raise PermanentError(f"there is no topic {topic} yet; has a worker been started?")
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    first = (await consumer.beginning_offsets([place]))[place]
    end = (await consumer.end_offsets([place]))[place]
    consumer.seek(place, first if newest is None else max(first, end - newest))
    found: dict[bytes, bytes] = {}
    while await consumer.position(place) < end:
        for records in (await consumer.getmany(timeout_ms=_BATCH_MS)).values():
            for record in records:
                if counts is not None and not counts(record.value):
                    continue
                found.pop(record.key, None)  # its place is that of the last one
                if record.offset < end and record.value is not None:
                    found[record.key] = record.value
    return Kept(list(found.values()), end)


async def shelf(settings: Settings) -> Shelf:
    """What is in `models`. Records that cannot be read change nothing, as in the register's table."""
    kept = await last_of_each(settings, MODELS, counts=_is_part)
    return Shelf(ModelPart.decode(value) for value in kept.values)


def _is_part(value: bytes | None) -> bool:
    try:
        ModelPart.decode(value)
    except InvalidMessageError:
        return False
    return True


async def send(settings: Settings, records: Sequence[ModelPart]) -> None:
    """Write records to `models`, in this order; all of them are small enough, or none is written.

    Raises PermanentError for one that is too large for our clients or for the broker.
    """
    for one in records:
        size = len(one.encode())
        if size > RECORD_MAX:
            raise PermanentError(
                f"the part {one.part} of {one.version} is too large for a record: "
                f"{size} bytes, {RECORD_MAX} at most"
            )
    topic = TOPICS[MODELS].broker_name(settings)
    producer = AIOKafkaProducer(
        acks="all",
        max_request_size=_LARGEST,
        request_timeout_ms=int(settings.kafka.request_timeout_s * 1000),
        **kafka.connection(settings.kafka),
    )
    try:
        await producer.start()
        for one in records:
            await producer.send_and_wait(topic, one.encode(), key=one.key.encode(), partition=0)
    except (MessageSizeTooLargeError, RecordListTooLargeError) as exc:
        raise PermanentError(
            f"the broker takes no record as large as the part {one.part} of {one.version} "
            f"({len(one.encode())} bytes): see max.message.bytes of {topic}"
        ) from exc
    finally:
        await producer.stop()
