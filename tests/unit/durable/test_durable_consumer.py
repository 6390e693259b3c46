"""What the fetching thread is asked for, and how long the broker may keep it waiting."""

import asyncio
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


class HandOver:
    """What Faust hands to `wait_first` for each record."""

    def __init__(self) -> None:
        self.room = asyncio.Event()

    async def now(self) -> str:
        return "handed over"

    async def later(self) -> str:
        await asyncio.wait_for(self.room.wait(), 5)
        await self.room.wait()
        return "handed over"

    async def never(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture
async def consumer(app: DurableApp) -> DurableConsumer:
    made = app._new_consumer()
    made.loop = asyncio.get_running_loop()
    return made


async def test_a_hand_over_that_need_not_wait_is_done_at_once(consumer: DurableConsumer) -> None:
    hand_over, before = HandOver(), len(asyncio.all_tasks())
    result = await consumer.wait_first(hand_over.now(), hand_over.never())
    assert (result.results, result.stopped) == (["handed over"], False)
    assert len(asyncio.all_tasks()) == before


async def test_a_hand_over_that_waits_goes_on_where_it_was(consumer: DurableConsumer) -> None:
    hand_over = HandOver()
    waiting = asyncio.create_task(consumer.wait_first(hand_over.later(), hand_over.never()))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    hand_over.room.set()
    assert (await asyncio.wait_for(waiting, 5)).results == ["handed over"]


async def test_what_ends_the_wait_cancels_the_hand_over(consumer: DurableConsumer) -> None:
    hand_over, ends = HandOver(), asyncio.Event()
    waiting = asyncio.create_task(consumer.wait_first(hand_over.later(), ends.wait()))
    await asyncio.sleep(0.01)
    ends.set()
    assert (await asyncio.wait_for(waiting, 5)).results == [True]


async def test_a_hand_over_that_fails_fails_the_wait(consumer: DurableConsumer) -> None:
    async def fails_later() -> None:
        await asyncio.sleep(0)
        raise ValueError("asked to fail")

    with pytest.raises(ValueError, match="asked to fail"):
        await consumer.wait_first(fails_later(), HandOver().never())


async def test_what_was_fetched_of_a_partition_that_is_paused_meanwhile_is_handed_on(
    app: DurableApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its position has moved on: it is not fetched again."""
    consumer = app._new_consumer()
    active = {CHANGELOG, TP("rows-changelog", 1)}

    async def fetch(active_partitions: Any, timeout: float) -> dict[TP, list[str]]:
        active.discard(CHANGELOG)
        return {CHANGELOG: ["row"]}

    monkeypatch.setattr(consumer, "_get_active_partitions", lambda: active)
    monkeypatch.setattr(consumer, "_getmany", fetch)
    monkeypatch.setattr(consumer, "highwater", lambda _: 1)
    monkeypatch.setattr(consumer, "_to_message", lambda _, record: record)
    consumer.resume_flow()
    assert [one async for one in consumer.getmany(1.0)] == [(CHANGELOG, "row")]
