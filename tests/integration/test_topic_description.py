"""`paas-stream topics describe` beside the real Kafka."""

import asyncio

import pytest
from support.broker import Broker
from support.processes import Process

from paas_stream.cli import broker_topics
from paas_stream.cli.broker_topics import Found
from paas_stream.durable import declare
from paas_stream.durable.declare import WantedTopic
from paas_stream.settings import Settings
from paas_stream.topics import TOPICS, TopicSpec

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("clean_topics")]


def settings(kafka: str, **names: str) -> Settings:
    return Settings(kafka={"url": kafka}, stream={"partitions": 2}, topics=names)


def looked(made: Settings, *specs: TopicSpec) -> dict[str, Found]:
    return broker_topics.look(made, list(specs))


def test_topics_as_workers_make_them_are_as_wanted(kafka: str) -> None:
    made = settings(kafka, template="described-template", training="described-training")
    specs = [TOPICS["template"], TOPICS["training"]]
    wanted = [
        WantedTopic(one.broker_name(made), one.partitions(made), one.config(made)) for one in specs
    ]
    asyncio.run(declare.ensure(made, wanted))
    found = looked(made, *specs)
    assert found["template"].partitions == 2
    assert found["training"].config["cleanup.policy"] == "compact"
    for spec in specs:
        assert broker_topics.differences(spec, made, found[spec.name]) == []


def test_a_topic_of_others_is_told_as_it_is(kafka: str) -> None:
    async def make() -> None:
        async with Broker(kafka) as broker:
            await broker.create("their-feeder", partitions=3, retention_ms="36000000000")

    asyncio.run(make())
    made = settings(kafka, feeder="their-feeder")
    found = looked(made, TOPICS["feeder"])["feeder"]
    assert found.replication == 1
    assert broker_topics.differences(TOPICS["feeder"], made, found) == [
        "it has 3 partitions, 1 are needed: no worker starts",
        "retention.ms is 36000000000, not 604800000",
    ]


def test_to_look_makes_no_topic(kafka: str) -> None:
    made = settings(kafka, rally="not-there")
    assert looked(made, TOPICS["rally"]) == {}
    assert looked(made, TOPICS["rally"]) == {}


def test_the_command_shows_both_and_warns(kafka: str, processes: list[Process], tmp_path) -> None:
    words = ["-m", "paas_stream.cli.main", "topics", "describe", "rally"]
    names = {"PAAS_KAFKA_URL": kafka, "PAAS_TOPICS": '{"rally": "not-there"}'}
    command = Process("describe", words, tmp_path, names)
    processes.append(command)
    assert command.start().wait_exit() == 0
    assert "written by     rally" in command.log
    assert "warning: topic not-there: it is not there yet" in command.log
