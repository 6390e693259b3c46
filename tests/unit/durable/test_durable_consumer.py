"""What the fetching thread is asked for, and how long the broker may keep it waiting."""

from typing import Any

import pytest
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from paas_stream.durable.app import DurableApp
from paas_stream.durable.consumer import FETCH_WAIT_MS, DurableConsumer, DurableConsumerThread

CHANGELOG = TP("rows-changelog", 0)


@pytest.fixture
def thread(app: DurableApp) -> DurableConsumerThread:
    consumer = app._new_consumer()
    assert isinstance(consumer, DurableConsumer)
    return consumer._thread


async def test_what_is_paused_while_a_fetch_waits_does_not_make_it_fetch_everything(
    thread: DurableConsumerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = {CHANGELOG}

    async def fetch(self: Any, partitions: Any, timeout: float) -> Any:
        active.clear()  # Faust pauses the last partition: an empty set would mean all
        return partitions

    monkeypatch.setattr(AIOKafkaConsumerThread, "getmany", fetch)
    assert await thread.getmany(active, 1.0) == {CHANGELOG}
    assert await thread.getmany(None, 1.0) is None


def test_questions_do_not_wait_long_behind_a_fetch(
    thread: DurableConsumerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Client:
        _fetch_max_wait_ms = 1500

    monkeypatch.setattr(AIOKafkaConsumerThread, "_create_worker_consumer", lambda *_: Client())
    made = thread._create_worker_consumer(None)
    assert made._fetch_max_wait_ms == FETCH_WAIT_MS
