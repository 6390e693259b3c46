"""What the broker says of its topics, for commands that also work without one."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError

from paas_stream.clients import kafka
from paas_stream.settings import Settings
from paas_stream.topics import TopicSpec

_ANSWER_S = 5.0  # a person waits


@dataclass(frozen=True)
class Found:
    """A topic as it is on the broker."""

    partitions: int
    replication: int
    config: dict[str, str]  # of what we set, what is in force


@contextmanager
def quiet() -> Iterator[None]:
    """No messages of the Kafka client: what goes wrong is told in one sentence."""
    log = logging.getLogger("aiokafka")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(before)


def look(settings: Settings, specs: list[TopicSpec]) -> dict[str, Found]:
    """The topics that are there, by the mission's names. Raises TemporaryError without a broker."""
    with quiet():
        try:
            return asyncio.run(asyncio.wait_for(_look(settings, specs), _ANSWER_S))
        except (TimeoutError, KafkaError, OSError) as exc:
            raise kafka.told(settings.kafka, exc) from exc


async def _look(settings: Settings, specs: list[TopicSpec]) -> dict[str, Found]:
    admin = AIOKafkaAdminClient(**kafka.connection(settings.kafka))
    try:
        await admin.start()
        # all topics: asking for one by name would create it where the broker creates topics itself
        there = {topic["topic"]: topic["partitions"] for topic in await admin.describe_topics()}
        names = {name: spec for spec in specs if (name := spec.broker_name(settings)) in there}
        configs = await _configs(admin, list(names))
        return {
            spec.name: Found(
                len(there[name]),
                min(len(partition["replicas"]) for partition in there[name]),
                {key: configs[name].get(key, "") for key in spec.config(settings)},
            )
            for name, spec in names.items()
        }
    finally:
        await admin.close()


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    answers: list[Any] = await admin.describe_configs(wanted) if wanted else []
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in answers
        for _, _, _, name, entries in answer.resources
    }


def differences(spec: TopicSpec, settings: Settings, found: Found | None) -> list[str]:
    """What is other than the settings say, in sentences."""
    if found is None:
        return ["it is not there yet; a worker makes it when it starts"]
    told = []
    if found.partitions != spec.partitions(settings):
        told.append(
            f"it has {found.partitions} partitions, {spec.partitions(settings)} are needed:"
            " no worker starts"
        )
    if found.replication != settings.kafka.replication:
        told.append(f"replication is {found.replication}, not {settings.kafka.replication}")
    for key, value in spec.config(settings).items():
        if found.config[key] != value:
            told.append(f"{key} is {found.config[key] or 'unknown'}, not {value}")
    return told
