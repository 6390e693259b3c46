"""Both topics of trainings, and our commands."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result
from support.broker import Broker
from support.trainings import NAMES, Run

from paas_stream.cli.main import cli
from paas_stream.durable import declare
from paas_stream.durable.declare import WantedTopic
from paas_stream.settings import Settings, get_settings
from paas_stream.topics import TOPICS


@pytest.fixture
def settings(kafka: str) -> Settings:
    return Settings(kafka={"url": kafka}, topics=NAMES)


@pytest.fixture
def run(kafka: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A command of ours, to its end."""
    monkeypatch.setenv("PAAS_KAFKA_URL", kafka)
    monkeypatch.setenv("PAAS_TOPICS", json.dumps(NAMES))

    def invoke(*words: str, **environment: str | None) -> Result:
        get_settings.cache_clear()
        return CliRunner(env=environment).invoke(cli, words, prog_name="paas-stream")

    yield invoke
    get_settings.cache_clear()


@pytest.fixture
def topics(kafka: str, settings: Settings) -> Iterator[None]:
    """Both topics, empty."""
    specs = [TOPICS[name] for name in NAMES]
    wanted = [
        WantedTopic(one.broker_name(settings), 1, one.config(settings) | {"segment.ms": "1000"})
        for one in specs
    ]

    async def delete() -> None:
        async with Broker(kafka) as broker:
            await broker.delete(*NAMES.values())

    asyncio.run(declare.ensure(settings, wanted))
    yield
    asyncio.run(delete())
