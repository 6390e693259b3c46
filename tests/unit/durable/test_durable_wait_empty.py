"""What a stop and a rebalance wait for: agents at work, and nothing that will never come."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from paas_stream.durable.boxes import Boxes
from paas_stream.durable.consumer import DurableConsumer

SOON_S = 5.0


class Consumer(DurableConsumer):
    """Without a broker: only what waiting needs."""

    should_stop = False

    def __init__(self, boxes: Boxes) -> None:
        self.app = SimpleNamespace(boxes=boxes, producer=SimpleNamespace(flush=self._flush))
        self.loop = asyncio.get_running_loop()
        self._unacked_messages: Any = {"taken by one agent, cleared from the queue of another"}
        self._waiting_for_ack: Any = None
        self.commits = 0
        self.flushes = 0

    async def _flush(self) -> None:
        self.flushes += 1

    async def commit_and_end_transactions(self) -> None:
        self.commits += 1


@pytest.fixture
def boxes() -> Boxes:
    return Boxes()


@pytest.fixture
async def consumer(boxes: Boxes) -> Consumer:
    return Consumer(boxes)


async def test_a_record_that_no_agent_works_on_is_not_waited_for(
    consumer: Consumer, boxes: Boxes
) -> None:
    boxes.box("agent", is_agent=True)
    await asyncio.wait_for(consumer.wait_empty(), SOON_S)
    assert consumer.commits == 1
    assert consumer.flushes == 1, "a commit that was under way may have missed the last rows"


async def test_an_agent_that_works_is_waited_for_before_the_commit(
    consumer: Consumer, boxes: Boxes
) -> None:
    box = boxes.box("agent", is_agent=True)
    work = box.begin("inference")
    waiting = asyncio.ensure_future(consumer.wait_empty())
    for _ in range(10):
        await asyncio.sleep(0)
    assert not waiting.done()
    assert consumer.commits == 0
    box.end(work)
    consumer._waiting_for_ack.set_result(None)
    await asyncio.wait_for(waiting, SOON_S)
    assert consumer.commits == 1


async def test_work_that_is_no_agents_is_not_waited_for(consumer: Consumer, boxes: Boxes) -> None:
    boxes.box("rest-api").begin("GET /deployments")
    await asyncio.wait_for(consumer.wait_empty(), SOON_S)


async def test_an_agent_whose_records_are_all_acknowledged_is_not_waited_for(
    consumer: Consumer, boxes: Boxes
) -> None:
    boxes.box("agent", is_agent=True).begin("inference")
    consumer._unacked_messages.clear()
    await asyncio.wait_for(consumer.wait_empty(), SOON_S)
