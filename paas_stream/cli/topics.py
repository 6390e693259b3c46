"""`paas-stream topics ...`: what goes through Kafka."""

import asyncio
import json

import click
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from paas_stream.cli.broker_topics import quiet
from paas_stream.cli.topic_description import describe
from paas_stream.cli.topic_schemas import schemas
from paas_stream.clients import kafka
from paas_stream.errors import PermanentError
from paas_stream.settings import Settings, get_settings
from paas_stream.topics import TOPICS

_BATCH_MS = 500


@click.group()
def topics() -> None:
    """Look at the topics."""


topics.add_command(describe)
topics.add_command(schemas)


@topics.command()
@click.argument("name", type=click.Choice(sorted(TOPICS), case_sensitive=True))
@click.option("--from-beginning", "-b", is_flag=True, help="Also what is there already.")
@click.option("--uuid", help="Only records of this deployment.")
@click.option("--count", "-n", type=click.IntRange(1), help="Stop after so many records.")
@click.option("--no-follow", is_flag=True, help="Stop at the end of what is there now.")
def tail(
    name: str, from_beginning: bool, uuid: str | None, count: int | None, no_follow: bool
) -> None:
    """Print the records of topic NAME as they come, one JSON object a line."""
    settings = get_settings()
    topic = TOPICS[name].broker_name(settings)
    try:
        asyncio.run(_tail(settings, topic, from_beginning or no_follow, uuid, count, not no_follow))
    except KafkaError as exc:
        raise kafka.told(settings.kafka, exc) from exc
    except KeyboardInterrupt:
        return


async def _tail(
    settings: Settings,
    topic: str,
    from_beginning: bool,
    uuid: str | None,
    count: int | None,
    follow: bool,
) -> None:
    consumer = AIOKafkaConsumer(
        enable_auto_commit=False,
        # where reading starts: a seek would race with the consumer's own first look at the offsets
        auto_offset_reset="earliest" if from_beginning else "latest",
        request_timeout_ms=int(settings.kafka.request_timeout_s * 1000),
        **kafka.connection(settings.kafka),
    )
    try:
        with quiet():
            await consumer.start()
        await _print(consumer, topic, uuid, count, follow)
    finally:
        await consumer.stop()


async def _print(
    consumer: AIOKafkaConsumer,
    topic: str,
    uuid: str | None,
    count: int | None,
    follow: bool,
) -> None:
    metadata = await consumer._client.fetch_all_metadata()  # known topics only: none is created
    if topic not in metadata.topics():
        raise PermanentError(f"there is no topic {topic} yet; has a worker been started?")
    partitions = [TopicPartition(topic, p) for p in metadata.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    left = count
    while follow or not await _at(consumer, ends):
        for records in (await consumer.getmany(timeout_ms=_BATCH_MS)).values():
            for record in records:
                if uuid is not None and (record.key or b"").decode(errors="replace") != uuid:
                    continue
                click.echo(_line(record))
                if left is not None and (left := left - 1) == 0:
                    return


async def _at(consumer: AIOKafkaConsumer, ends: dict[object, int]) -> bool:
    return all([await consumer.position(partition) >= end for partition, end in ends.items()])


def _line(record: object) -> str:
    value = getattr(record, "value", None) or b""
    try:
        shown = json.loads(value)
    except ValueError:
        shown = value.decode("utf-8", "backslashreplace")
    return json.dumps(
        {
            "partition": getattr(record, "partition", None),
            "offset": getattr(record, "offset", None),
            "key": (getattr(record, "key", None) or b"").decode("utf-8", "backslashreplace"),
            "value": shown,
        }
    )
