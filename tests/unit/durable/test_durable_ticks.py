"""Ticks: what is due becomes an event, and one that gets lost is produced again."""

import asyncio
import time
from typing import Any

import pytest

from paas_stream.durable import ticks as module
from paas_stream.durable.app import DurableApp
from paas_stream.durable.ticks import Ticks
from paas_stream.records import DispatchEvent, Message

UUIDS = [f"6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b{number:02x}" for number in range(5)]


@pytest.fixture
def sent(app: DurableApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Uuids of the ticks that were produced."""
    uuids: list[str] = []

    async def emit(*messages: Message) -> list[object]:
        uuids.extend(message.uuid for message in messages if isinstance(message, DispatchEvent))
        return []

    monkeypatch.setattr(app, "emit", emit)
    return uuids


@pytest.fixture
def rows() -> dict[str, list[float]]:
    """The moments of the worker's rows."""
    return {}


@pytest.fixture
def ticks(app: DurableApp, rows: dict[str, list[float]], monkeypatch: pytest.MonkeyPatch) -> Ticks:
    monkeypatch.setattr("paas_stream.durable.readiness.Readiness.tables_ready", True)
    return Ticks(app, "box", lambda uuid: DispatchEvent(uuid=uuid, event="tick"), rows.items)


async def test_what_is_due_becomes_an_event_once(ticks: Ticks, sent: list[str]) -> None:
    now = time.time()
    ticks.arm(UUIDS[0], [now + 0.001], now)
    ticks.arm(UUIDS[1], [now + 3600], now)
    while not sent:
        await ticks.run()
    await ticks.run()
    assert sent == UUIDS[:1]


async def test_a_moment_that_has_passed_has_had_its_effect(ticks: Ticks, sent: list[str]) -> None:
    ticks.arm(UUIDS[0], [1.0, 2.0], 5.0)
    await ticks.run()
    assert (sent, len(ticks)) == ([], 0)


async def test_the_heap_is_made_from_the_rows_and_what_is_overdue_is_due_at_once(
    ticks: Ticks, rows: dict[str, list[float]], sent: list[str]
) -> None:
    ticks.arm(UUIDS[4], [9e9], 0.0)  # of a partition that went away
    rows |= {UUIDS[0]: [1.0, 9e9], UUIDS[1]: [9e9], UUIDS[2]: []}
    await ticks._rebuild()
    assert len(ticks) == 2
    await ticks.run()
    assert sent == UUIDS[:1]


async def test_no_tick_is_forgotten_when_sending_fails(
    ticks: Ticks,
    app: DurableApp,
    rows: dict[str, list[float]],
    sent: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def refuse(*messages: Message) -> list[object]:
        raise OSError("broker")

    rows |= {uuid: [1.0] for uuid in UUIDS}
    await ticks._rebuild()
    with monkeypatch.context() as patch:
        patch.setattr(app, "emit", refuse)
        await ticks.run()  # does not raise: that would end the worker
    assert len(ticks) == len(UUIDS)

    later = time.time() + module._AGAIN_S + 1
    monkeypatch.setattr("paas_stream.durable.ticks.time.time", lambda: later)
    await ticks.run()
    assert sorted(sent) == UUIDS


async def test_nothing_is_produced_until_the_tables_are_there(
    ticks: Ticks, rows: dict[str, list[float]], sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows[UUIDS[0]] = [1.0]
    await ticks._rebuild()
    monkeypatch.setattr("paas_stream.durable.readiness.Readiness.tables_ready", False)
    await ticks.run()
    assert sent == []


async def test_the_heap_is_empty_while_partitions_move(
    ticks: Ticks, rows: dict[str, list[float]]
) -> None:
    rows[UUIDS[0]] = [9e9]
    await ticks._rebuild()
    await ticks._clear()
    assert len(ticks) == 0


class TakenOver:
    """A takeover of which the test says when it is over."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self.limits: list[float] = []

    async def end(self, limit_s: float) -> None:
        self.limits.append(limit_s)
        await self.over.wait()


@pytest.fixture
def takeover() -> TakenOver:
    return TakenOver()


@pytest.fixture
def held(app: DurableApp, rows: dict[str, list[float]], takeover: Any, ticks: Ticks) -> Ticks:
    """Ticks that come after the takeover; one is due."""
    rows[UUIDS[0]] = [1.0]
    return Ticks(app, "held", ticks._event, rows.items, after=takeover)


async def test_what_the_worker_took_over_is_handled_before_the_first_tick(
    held: Ticks, takeover: TakenOver, sent: list[str]
) -> None:
    await held._rebuild()
    for _ in range(3):
        await asyncio.sleep(0)
        await held.run()
    assert (sent, takeover.limits) == ([], [module._HELD_S])
    takeover.over.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await held.run()
    assert sent == UUIDS[:1]


async def test_ticks_are_held_anew_when_partitions_move(
    held: Ticks, takeover: TakenOver, sent: list[str]
) -> None:
    takeover.over.set()
    await held._rebuild()
    await asyncio.sleep(0)
    takeover.over.clear()
    await held._clear()
    await held._rebuild()
    await asyncio.sleep(0)
    await held.run()
    assert (sent, len(takeover.limits)) == ([], 2)
