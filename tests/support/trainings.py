"""The topics and commands of trainings on the real Kafka.

The training records are what the real chain would have written for made-up requests (`support.played`).
"""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from click.testing import Result
from support import played
from support.broker import Broker

from paas_stream.cli import model_records
from paas_stream.ranking.shelf import Shelf
from paas_stream.records import Training
from paas_stream.settings import Settings

NAMES = {"training": "trained-training", "models": "trained-models"}  # of the topics
Run = Callable[..., Result]  # a command of ours, to its end

BEGIN = 1_700_000_000.0  # of the made-up requests, epoch seconds: those to come are passed over


def past_records(number: int) -> list[Training]:
    """Training records of so many requests."""
    return played.play(played.requests(number, 1, BEGIN)).records


def fill(kafka: str, records: list[Training], *others: bytes) -> None:
    """Send records of training, and whatever else may lie in its topic."""

    async def send() -> None:
        async with Broker(kafka) as broker:
            for one in records:
                await broker.send(NAMES["training"], one.encode(), one.key)
            for number, value in enumerate(others):
                await broker.send(NAMES["training"], value, f"other-{number}")

    asyncio.run(send())


def shelf(settings: Settings) -> Shelf:
    """The models that are published."""
    return model_records.run(model_records.shelf(settings), settings)


def trained(run: Run, *options: str, **environment: str) -> dict[str, Any]:
    """What a training that succeeds says."""
    result = run("train", "--json", *options, **environment)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def listed(run: Run) -> dict[str, str]:
    """States by version, the newest first."""
    result = run("models", "list", "--json")
    assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {one["version"]: one["state"] for one in found}
