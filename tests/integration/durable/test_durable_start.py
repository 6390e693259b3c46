"""Rule 17: what a worker says and does while Kafka is away, and until its tables are filled."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.ports import free_port
from support.waiting import wait_until

from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.settings import Settings

pytestmark = pytest.mark.kafka

SOON_S = 10.0  # a worker that has nothing to finish has ended within this


@pytest.fixture
def late_kafka(tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker of this test alone that is not started yet."""
    settings = Settings(
        state={"dir": tmp_path / "kafka"}, kafka={"url": None, "port": free_port(2)}
    )
    embedded = EmbeddedKafka(settings)
    yield embedded
    embedded.stop()


async def test_a_worker_waits_for_kafka_and_says_so(
    worker: Callable[..., Any], late_kafka: EmbeddedKafka
) -> None:
    address = late_kafka.settings.bootstrap
    waiting = worker(kafka_url=address).start()
    await wait_until(lambda: waiting.get("/healthz")[0] == 200)

    status, headers, body = waiting.get("/readyz")
    assert (status, headers["Retry-After"]) == (503, "2")
    assert f"Kafka at {address} does not answer" in body["message"]
    for path in ("/deployments", "/deployments/6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b5e"):
        status, headers, body = waiting.get(path)
        assert (status, headers["Retry-After"]) == (503, "2"), path
        assert "not ready: " in body["message"], path

    await asyncio.to_thread(late_kafka.start)
    await wait_until(lambda: waiting.is_ready)
    assert waiting.get("/deployments")[0] == 200
    assert waiting.log.count("[^Worker]: Starting...") == 1


async def test_a_worker_that_waits_for_kafka_stops_at_once(
    application: Callable[[str], Any],
) -> None:
    async def stops(address: str) -> None:
        waiting = application("steps").worker(kafka=address).start()
        await wait_until(lambda: waiting.get("/readyz")[0] == 503)
        waiting.sigterm()
        assert await waiting.exited(SOON_S) == 0
        assert "Traceback" not in waiting.log

    with socket.create_server(("127.0.0.1", 0)) as silent:
        nobody, mute = free_port(), silent.getsockname()[1]
        await asyncio.gather(*(stops(f"127.0.0.1:{port}") for port in (nobody, mute)))
