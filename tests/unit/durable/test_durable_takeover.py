"""What stood in an agent's topics when its partitions came here: views wait until it is handled."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from paas_stream.durable.positions import Positions
from paas_stream.durable.takeover import Takeover

MINE, EMPTY, OTHER = TP("template", 0), TP("template", 1), TP("another", 0)


class Consumer:
    """What the broker has in the partitions of this worker."""

    def __init__(self, **ends: int) -> None:
        self.end = ends.get("end", 5)
        self.committed = ends.get("committed", 3)
        self.asked = 0
        self.fault: Exception | None = None
        self._committed_offset = {MINE: self.committed}

    def assignment(self) -> set[TP]:
        return {MINE, EMPTY, OTHER}

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        assert OTHER not in tps
        return {tp: self.end if tp == MINE else 0 for tp in tps}


class Here:
    """A worker that has just got its partitions."""

    def __init__(self, **ends: int) -> None:
        self.consumer = Consumer(**ends)
        self.positions = Positions()
        app: Any = SimpleNamespace(consumer=self.consumer)
        self.takeover = Takeover(app, self.positions, "tracker", frozenset({"template"}))

    def handles(self, offset: int) -> None:
        self.positions.handled("tracker", *MINE, offset)

    async def is_over(self, timeout_s: float = 0.03) -> bool:
        return await self.takeover.is_over(timeout_s)


async def test_it_is_over_where_all_was_committed() -> None:
    assert await Here(end=5, committed=5).is_over()


async def test_it_is_not_over_before_what_comes_again_is_handled() -> None:
    here = Here(end=5, committed=3)
    assert not await here.is_over()
    here.handles(3)
    assert not await here.is_over()
    here.handles(4)
    assert await here.is_over()


async def test_who_waits_is_told_when_it_is_handled() -> None:
    here = Here(end=5, committed=3)
    waiting = asyncio.create_task(here.is_over(30.0))
    await asyncio.sleep(0.03)
    assert not waiting.done()
    here.handles(4)
    assert await waiting


async def test_what_comes_later_is_not_waited_for_and_the_broker_is_asked_once() -> None:
    here = Here(end=5, committed=5)
    assert await here.is_over()
    here.consumer.end = 9
    assert await here.is_over()
    assert here.consumer.asked == 1


async def test_it_begins_anew_when_partitions_move() -> None:
    here = Here(end=5, committed=5)
    assert await here.is_over()
    await here.takeover.forget()
    here.consumer.end = 9
    assert not await here.is_over()


async def test_partitions_that_move_while_somebody_waits_are_not_taken_for_handled() -> None:
    here = Here(end=5, committed=3)
    waiting = asyncio.create_task(here.is_over(30.0))
    await asyncio.sleep(0.03)
    await here.takeover.forget()
    assert not await waiting


@pytest.mark.parametrize("fault", [KafkaConnectionError(), TimeoutError()])
async def test_a_broker_that_does_not_answer_makes_it_unknown(fault: Exception) -> None:
    here = Here(end=5, committed=5)
    here.consumer.fault = fault
    assert not await here.is_over()
    here.consumer.fault = None
    assert await here.is_over()


async def test_its_end_is_waited_for_while_the_broker_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("paas_stream.durable.takeover._AGAIN_S", 0.01)
    here = Here(end=5, committed=5)
    here.consumer.fault = KafkaConnectionError()
    waiting = asyncio.create_task(here.takeover.end(30.0))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    here.consumer.fault = None
    await waiting


async def test_one_that_does_not_end_is_not_waited_for_for_ever() -> None:
    begun = time.monotonic()
    await Here(end=5, committed=3).takeover.end(0.05)
    assert time.monotonic() - begun >= 0.05
