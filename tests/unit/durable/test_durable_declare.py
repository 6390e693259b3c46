"""Which topics are wanted, and what is said about those that do not fit."""

from types import SimpleNamespace
from typing import Any

import pytest

from paas_stream.durable import declare
from paas_stream.durable.app import DurableApp
from paas_stream.durable.declare import WantedTopic
from paas_stream.durable.tables import global_table, table
from paas_stream.errors import StartRefusedError, TemporaryError
from paas_stream.settings import Settings

WANTED = [WantedTopic("template", 8), WantedTopic("errors", 8), WantedTopic("feeder", 1)]


def test_topics_that_fit_are_accepted_and_others_do_not_matter() -> None:
    declare.check(WANTED, {"template": 8, "errors": 8, "feeder": 1, "foreign": 3})


def test_every_topic_that_does_not_fit_is_named() -> None:
    with pytest.raises(StartRefusedError) as caught:
        declare.check(WANTED, {"template": 4, "feeder": 1})
    assert caught.value.message == (
        "topic template has 4 partitions, 8 are needed; topic errors is missing"
    )


def test_changelogs_are_compacted_and_nothing_else(settings: Settings, app: DurableApp) -> None:
    table(app, "rows", 2)
    global_table(app, "everywhere")
    wanted = {topic.name: topic for topic in declare.wanted_topics(settings, app)}
    for name, partitions in {
        "unit-rows-changelog": 2,
        "unit-everywhere-changelog": 1,
    }.items():
        assert wanted[name].partitions == partitions
        assert wanted[name].config["cleanup.policy"] == "compact"
    assert wanted["template"].config["cleanup.policy"] == "delete"


@pytest.mark.parametrize(
    ("code", "error"),
    [(7, TemporaryError), (41, TemporaryError), (29, StartRefusedError), (44, StartRefusedError)],
)
async def test_what_may_pass_is_tried_again_and_the_rest_refuses_the_start(
    settings: Settings, code: int, error: type[Exception]
) -> None:
    async def create_topics(topics: list[Any]) -> Any:
        return SimpleNamespace(topic_errors=[("template", code, None)])

    with pytest.raises(error, match="topic template cannot be created"):
        await declare._create(SimpleNamespace(create_topics=create_topics), settings, WANTED[:1])


async def test_a_topic_that_another_worker_has_made_is_no_fault(settings: Settings) -> None:
    async def create_topics(topics: list[Any]) -> Any:
        return SimpleNamespace(topic_errors=[("template", declare._TOPIC_EXISTS, "it exists")])

    await declare._create(SimpleNamespace(create_topics=create_topics), settings, WANTED[:1])
