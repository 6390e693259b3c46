"""Creates the topics, and refuses to start on topics that do not fit.

Faust declares only what one of its agents reads, an agent on a missing topic stays idle until the
next restart, and a topic with another number of partitions than its table is no start error there:
each write fails.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, for_code

from paas_stream import topics
from paas_stream.clients import kafka
from paas_stream.errors import StartRefusedError, TemporaryError
from paas_stream.settings import Settings

_TOPIC_EXISTS = 36  # Kafka's error code
_METADATA_TRIES = 50
_METADATA_WAIT_S = 0.1


@dataclass(frozen=True)
class WantedTopic:
    """A topic as it must be on the broker."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


def wanted_topics(settings: Settings, app: Any) -> list[WantedTopic]:
    """All topics of the application and the changelogs of its tables."""
    wanted = [
        WantedTopic(spec.broker_name(settings), spec.partitions(settings), spec.config(settings))
        for spec in topics.TOPICS.values()
    ]
    insync = {"min.insync.replicas": str(settings.kafka.min_insync)}
    for table in app.tables.values():
        name, partitions = table.changelog_topic.get_topic_name(), table.partitions
        wanted.append(WantedTopic(name, partitions, insync | {"cleanup.policy": "compact"}))
    return wanted


async def ensure(settings: Settings, wanted: list[WantedTopic]) -> None:
    """Create what is missing and compare all partition counts.

    Raises TemporaryError while the broker does not answer or is not ready to create topics,
    StartRefusedError for a topic with another number of partitions or one that may not be created.
    """
    try:
        async with asyncio.timeout(settings.kafka.request_timeout_s):
            await _ensure(settings, wanted)
    except (TimeoutError, KafkaError, OSError) as exc:
        raise await kafka.fault(settings.kafka, exc) from exc


async def _ensure(settings: Settings, wanted: list[WantedTopic]) -> None:
    admin = AIOKafkaAdminClient(
        request_timeout_ms=int(settings.kafka.request_timeout_s * 1000),
        **kafka.connection(settings.kafka),
    )
    try:
        await admin.start()
        found = await _partitions(admin)
        missing = [topic for topic in wanted if topic.name not in found]
        if missing:
            await _create(admin, settings, missing)
            for _ in range(_METADATA_TRIES):
                found = await _partitions(admin)
                if all(topic.name in found for topic in wanted):
                    break
                await asyncio.sleep(_METADATA_WAIT_S)
    finally:
        await admin.close()
    check(wanted, found)


async def _partitions(admin: AIOKafkaAdminClient) -> dict[str, int]:
    described = await admin.describe_topics()
    return {topic["topic"]: len(topic["partitions"]) for topic in described}


async def _create(
    admin: AIOKafkaAdminClient, settings: Settings, missing: list[WantedTopic]
) -> None:
    new = [
        NewTopic(
            topic.name, topic.partitions, settings.kafka.replication, topic_configs=topic.config
        )
        for topic in missing
    ]
    response = await admin.create_topics(new)
    for name, code, *text in response.topic_errors:
        if code in (0, _TOPIC_EXISTS):  # another worker may have been faster
            continue
        error = for_code(code)
        sentence = f"topic {name} cannot be created: {(text and text[0]) or error.message}"
        raise TemporaryError(sentence) if error.retriable else StartRefusedError(sentence)


def check(wanted: list[WantedTopic], found: dict[str, int]) -> None:
    """Raise StartRefusedError, naming every topic that has another number of partitions."""
    faults = [
        f"topic {topic.name} has {found[topic.name]} partitions, {topic.partitions} are needed"
        if topic.name in found
        else f"topic {topic.name} is missing"
        for topic in wanted
        if found.get(topic.name) != topic.partitions
    ]
    if faults:
        raise StartRefusedError("; ".join(faults))
