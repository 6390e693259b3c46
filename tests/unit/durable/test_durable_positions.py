"""How far an agent has come, and waiting until it has caught up."""

import asyncio
from types import SimpleNamespace
from typing import Any

from aiokafka.errors import KafkaConnectionError
from faust.types import TP

from paas_stream.durable.positions import Positions

PLACE = TP("template", 0)


def consumer(end: int, committed: int | None) -> Any:
    """An application whose partition ends at `end`."""

    async def highwaters(*tps: TP) -> dict[TP, int]:
        return dict.fromkeys(tps, end)

    held = SimpleNamespace(highwaters=highwaters, _committed_offset={PLACE: committed})
    return SimpleNamespace(consumer=held)


async def caught_up(positions: Positions, app: Any, timeout_s: float = 0.0) -> bool:
    return await positions.caught_up(app, "tracker", *PLACE, timeout_s or 0.02)


async def test_an_empty_partition_is_handled_at_once() -> None:
    assert await caught_up(Positions(), consumer(end=0, committed=None))


async def test_what_was_committed_before_counts_as_handled() -> None:
    assert await caught_up(Positions(), consumer(end=5, committed=5))
    assert not await caught_up(Positions(), consumer(end=5, committed=4))


async def test_what_was_handled_counts_before_it_is_committed() -> None:
    positions = Positions()
    positions.handled("tracker", *PLACE, 4)
    assert await caught_up(positions, consumer(end=5, committed=None))
    assert not await caught_up(positions, consumer(end=6, committed=None))
    assert positions.handled_total["tracker"] == 1


async def test_waiting_ends_when_the_agent_gets_there() -> None:
    positions = Positions()
    waiting = asyncio.create_task(caught_up(positions, consumer(end=5, committed=2), 30))
    await asyncio.sleep(0)
    positions.handled("tracker", *PLACE, 4)
    assert await asyncio.wait_for(waiting, 5)


async def test_other_agents_and_partitions_are_told_apart() -> None:
    positions = Positions()
    positions.handled("dispatcher", *PLACE, 4)
    positions.handled("tracker", PLACE.topic, 1, 4)
    assert not await caught_up(positions, consumer(end=5, committed=None))


async def test_a_broker_that_does_not_answer_in_time_tells_nothing() -> None:
    async def never(*_: TP) -> dict[TP, int]:
        await asyncio.sleep(3600)
        raise AssertionError

    async def away(*_: TP) -> dict[TP, int]:
        raise KafkaConnectionError

    for highwaters in (never, away):
        app = consumer(end=0, committed=None)
        app.consumer.highwaters = highwaters
        assert not await caught_up(Positions(), app)


async def test_positions_are_forgotten_when_partitions_move() -> None:
    positions = Positions()
    positions.handled("tracker", *PLACE, 4)
    await positions.forget()
    assert positions.next_offset("tracker", *PLACE) is None
