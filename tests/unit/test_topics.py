"""The topics: one table that code, admin client and documentation share."""

import pytest

from paas_stream import records, topics
from paas_stream.settings import KafkaSettings, Settings, StreamSettings
from paas_stream.topics import TOPICS, TopicSpec

SETTINGS = Settings(
    stream=StreamSettings(partitions=5), kafka=KafkaSettings(min_insync=2), topics={}
)
BY_DEPLOYMENT = [spec for spec in TOPICS.values() if spec.per_deployment]
REFERENCE = [spec for spec in TOPICS.values() if not spec.per_deployment]


def test_every_constant_names_a_topic_and_every_topic_has_a_constant() -> None:
    constants = [value for name, value in vars(topics).items() if name.isupper()]
    assert {one for one in constants if isinstance(one, str)} == set(TOPICS)


def test_the_missions_topics_are_there() -> None:
    assert set(TOPICS) >= {
        "feeder",
        "rally",
        "template",
        "validated-templates",
        "inference",
        "ranked-providers",
        "deployment-results",
        "training",
        "errors",
        "procedure-status",
    }


@pytest.mark.parametrize("spec", BY_DEPLOYMENT, ids=lambda spec: spec.name)
def test_topics_by_deployment_share_their_partition_count_and_name_the_uuid(
    spec: TopicSpec,
) -> None:
    assert spec.partitions(SETTINGS) == 5
    assert "uuid" in spec.model.model_fields
    assert not spec.compact


@pytest.mark.parametrize("spec", REFERENCE, ids=lambda spec: spec.name)
def test_reference_topics_have_one_partition(spec: TopicSpec) -> None:
    assert spec.partitions(SETTINGS) == 1


@pytest.mark.parametrize("name", ["feeder", "rally"])
def test_what_foreign_producers_write_is_not_compacted(name: str) -> None:
    assert not TOPICS[name].compact  # their records have no key, and a compacted topic refuses them


@pytest.mark.parametrize("spec", TOPICS.values(), ids=lambda spec: spec.name)
def test_the_configuration_says_how_long_records_are_kept(spec: TopicSpec) -> None:
    config = spec.config(SETTINGS)
    assert config["min.insync.replicas"] == "2"
    if spec.compact:
        assert config["cleanup.policy"] == "compact"
        assert "retention.ms" not in config
    else:
        assert config["cleanup.policy"] == "delete"
        assert int(config["retention.ms"]) == spec.retention_days * 24 * 3600 * 1000


def test_a_topic_may_have_another_name_on_the_broker() -> None:
    renamed = Settings(topics={"feeder": "federation-registry-feeder"})
    assert TOPICS["feeder"].broker_name(renamed) == "federation-registry-feeder"
    assert TOPICS["rally"].broker_name(renamed) == "rally"


def test_every_message_has_one_topic() -> None:
    models = [spec.model for spec in TOPICS.values() if spec.model is not records.Message]
    assert len(models) == len(set(models))
