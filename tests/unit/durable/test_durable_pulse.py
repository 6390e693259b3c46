"""A worker that stood still for too long ends before anything leaves it."""

import asyncio
from typing import Any

import pytest

from paas_stream.durable import pulse as module
from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.durable.pulse import Pulse
from paas_stream.records import DispatchEvent


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pulse(clock: Clock, ends: Any, monkeypatch: pytest.MonkeyPatch) -> Pulse:
    def end(code: Exit, reason: str) -> None:
        raise ends(code, reason)

    monkeypatch.setattr(module, "end_process", end)
    return Pulse(8.0, clock)


def test_before_the_first_beat_there_is_no_membership_to_lose(pulse: Pulse, clock: Clock) -> None:
    clock.now += 3600
    pulse.look()


@pytest.mark.parametrize("deed", ["look", "beat"])
def test_a_gap_that_is_too_long_ends_the_process(
    pulse: Pulse, clock: Clock, ends: Any, deed: str
) -> None:
    pulse.beat()
    clock.now += 8.0
    getattr(pulse, deed)()
    pulse.beat()
    clock.now += 8.1
    with pytest.raises(ends) as ended:
        getattr(pulse, deed)()
    assert ended.value.code == Exit.STOOD_STILL


async def test_it_beats_by_itself(pulse: Pulse, clock: Clock, monkeypatch: Any) -> None:
    beats = 0

    async def sleep(seconds: float) -> None:
        nonlocal beats
        beats += 1
        clock.now += seconds
        if beats == 100:
            raise asyncio.CancelledError

    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await pulse.run()
    pulse.look()


async def test_no_message_leaves_a_worker_that_stood_still(app: DurableApp, ends: Any) -> None:
    def stood_still() -> None:
        raise ends(Exit.STOOD_STILL, "in this test")

    app.pulse.look = stood_still
    with pytest.raises(ends):
        await app.emit(DispatchEvent(uuid="6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b5e", event="tick"))
