"""Rules 16, 16a and 16b: what takes long runs beside the agents and survives what happens to them."""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.broker import Broker
from support.events import event, uuid_number
from support.waiting import wait_until

from paas_stream.topics import DISPATCH_EVENTS

pytestmark = pytest.mark.kafka

UUIDS = [uuid_number(number) for number in range(8)]


def started(uuids: list[str]) -> list[Any]:
    return [event(uuid, "start") for uuid in uuids]


def uuids_of(application: Any, what: str, **wanted: object) -> list[str]:
    """Whose entries `what` are in the journal, in that order."""
    return [entry["uuid"] for entry in application.journal(what) if wanted.items() <= entry.items()]


def are_done(application: Any, uuids: list[str]) -> Callable[[], bool]:
    return lambda: set(uuids) <= set(uuids_of(application, "handled", word="done"))


async def test_events_are_handled_while_an_effect_runs(
    application: Callable[[str], Any],
) -> None:
    async def guarded() -> None:
        effects = application("effects")
        gate = effects.directory / "gate"
        await begin(effects, gate)
        await effects.send(*map(event, UUIDS[1:]))
        await wait_until(lambda: set(UUIDS) == set(uuids_of(effects, "handled")))
        assert effects.journal("ended") == []
        gate.touch()
        await wait_until(are_done(effects, UUIDS[:1]))

    async def without() -> None:
        effects = application("effects")
        gate = effects.directory / "gate"
        await begin(effects, gate, INLINE="1")
        await effects.send(*map(event, UUIDS[1:]))
        gate.touch()
        await wait_until(lambda: set(UUIDS) == set(uuids_of(effects, "handled")))
        whats = [entry["what"] for entry in effects.journal()]
        assert whats.index("ended") < whats.index("handled")

    await asyncio.gather(guarded(), without())


async def begin(effects: Any, gate: Path, **env: str) -> None:
    """Start a worker and one effect."""
    worker = effects.worker(GATE=str(gate), **env).start()
    await wait_until(lambda: worker.is_ready)
    await effects.send(*started(UUIDS[:1]))
    await wait_until(lambda: effects.journal("begun"))


async def test_effects_under_way_at_a_stop_or_a_kill_end_or_are_issued_again(
    application: Callable[[str], Any], broker: Broker
) -> None:
    async def stopped() -> None:
        effects = application("effects")
        gate = effects.directory / "gate"
        worker = effects.worker(GATE=str(gate), DRAIN_S="3").start()
        await wait_until(lambda: worker.is_ready)
        await effects.send(*started(UUIDS))
        await wait_until(lambda: set(UUIDS) == set(uuids_of(effects, "begun")))
        quick, endless = UUIDS[:4], UUIDS[4:]
        worker.sigterm()
        await wait_until(lambda: effects.journal("draining"))
        for uuid in quick:
            Path(f"{gate}.{uuid}").touch()
        assert await worker.exited() == 0
        assert set(quick) == set(uuids_of(effects, "ended"))

        gate.touch()
        worker.start(AHEAD="1")  # the heap is made from the rows: those that are overdue
        await wait_until(are_done(effects, UUIDS))
        begun = Counter(uuids_of(effects, "begun"))
        assert begun == dict.fromkeys(quick, 1) | dict.fromkeys(endless, 2)

    async def killed() -> None:
        effects = application("effects")
        gate = effects.directory / "gate"
        worker = effects.worker(GATE=str(gate), SLOTS="5").start()
        await wait_until(lambda: worker.is_ready)
        await effects.send(*started(UUIDS))
        await wait_until(lambda: len(effects.journal("begun")) == 5)  # the others are queued
        await wait_until(lambda: broker.is_handled(effects.id, effects.topic(DISPATCH_EVENTS)))
        worker.kill9()

        gate.touch()
        worker.start(AHEAD="1")
        await wait_until(are_done(effects, UUIDS))
        assert max(Counter(uuids_of(effects, "begun")).values()) == 2

    await asyncio.gather(stopped(), killed())


async def test_queued_effects_are_left_to_the_next_owner(
    application: Callable[[str], Any],
) -> None:
    effects = application("effects")
    gate = effects.directory / "gate"
    first = effects.worker("w0", GATE=str(gate), SLOTS="1").start()
    await wait_until(lambda: first.is_ready)
    await effects.send(*started(UUIDS))
    await wait_until(lambda: len(uuids_of(effects, "handled", word="start")) == len(UUIDS))
    [running] = uuids_of(effects, "begun")

    second = effects.worker("w1", GATE=str(gate), AHEAD="1").start()
    await wait_until(lambda: second.is_ready)
    assert effects.journal("revoked")[-1]["left"] == [running]

    gate.touch()  # what runs comes to its end on the worker that has begun it
    await wait_until(are_done(effects, [running]))
    first.sigterm()
    assert first.wait_exit() == 0
    await wait_until(are_done(effects, UUIDS))
    by_first = uuids_of(effects, "begun", worker="w0")
    assert (by_first, uuids_of(effects, "begun").count(running)) == ([running], 1)
