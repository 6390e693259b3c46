"""The effect runner: leases, one effect a key, what is dropped and what is drained."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from paas_stream.durable.effects import EffectRunner, Leased


class World:
    """Effects are words; each ends when the test says so. The clock stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.begun: list[str] = []
        self.reported: list[tuple[str, str]] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.on_report: Callable[[str], None] = lambda word: None

    def runner(self, limit: int = 10) -> EffectRunner[str, str]:
        return EffectRunner(
            self.perform, self.report, self.failed, limit=limit, clock=lambda: self.now
        )

    async def perform(self, word: str) -> str:
        self.begun.append(word)
        await self.ends.setdefault(word, asyncio.Event()).wait()
        if word.startswith("bad"):
            raise OSError("no route")
        return f"{word} is done"

    async def report(self, leased: Leased[str], result: str) -> None:
        self.on_report(leased.effect)
        self.reported.append((leased.effect, result))

    def failed(self, word: str, exc: BaseException) -> str:
        return f"{word} failed: {type(exc).__name__}"

    def leased(self, word: str, key: str | None = None, seconds: float = 60.0) -> Leased[str]:
        return Leased(key or word, word, self.now + seconds)

    async def end(self, *words: str) -> None:
        for word in words:
            self.ends.setdefault(word, asyncio.Event()).set()
        await settle()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def world() -> World:
    return World()


async def test_a_result_is_reported(world: World) -> None:
    runner = world.runner()
    assert runner.submit(world.leased("create"))
    await settle()
    assert "create" in runner
    assert world.reported == []
    await world.end("create")
    assert world.reported == [("create", "create is done")]
    assert "create" not in runner


async def test_what_raises_is_reported_as_failed(world: World) -> None:
    runner = world.runner()
    runner.submit(world.leased("bad"))
    await world.end("bad")
    assert world.reported == [("bad", "bad failed: OSError")]


async def test_one_effect_a_key_is_under_way(world: World) -> None:
    runner = world.runner(limit=1)
    assert runner.submit(world.leased("first", key="k"))
    assert not runner.submit(world.leased("second", key="k"))  # queued
    await settle()
    assert not runner.submit(world.leased("second", key="k"))  # running
    await world.end("first")
    assert runner.submit(world.leased("second", key="k"))
    await world.end("second")
    assert world.begun == ["first", "second"]


async def test_the_key_is_free_when_the_result_is_reported(world: World) -> None:
    """The event may be handled, and lead to the next effect, before its sender has its answer."""
    runner, taken = world.runner(), []
    world.on_report = lambda word: taken.append(runner.submit(world.leased("next", key="k")))
    runner.submit(world.leased("first", key="k"))
    await world.end("first")
    assert taken == [True]


async def test_an_effect_ends_with_its_lease(world: World) -> None:
    runner = world.runner()
    runner.submit(world.leased("slow", seconds=0.01))
    await asyncio.wait_for(_until(lambda: bool(world.reported)), 5)
    assert world.reported == [("slow", "slow failed: TimeoutError")]


async def test_an_effect_whose_lease_ran_out_in_the_queue_does_not_begin(world: World) -> None:
    runner = world.runner(limit=1)
    runner.submit(world.leased("first"))
    runner.submit(world.leased("late", seconds=5))
    await settle()
    world.now += 6
    await world.end("first")
    assert world.begun == ["first"]
    assert "late" not in runner  # the tick may issue it again


async def test_queued_effects_are_dropped_and_running_ones_go_on(world: World) -> None:
    runner = world.runner(limit=1)
    runner.submit(world.leased("running"))
    runner.submit(world.leased("queued"))
    await settle()
    runner.drop_queued()
    assert "queued" not in runner
    assert "running" in runner
    await world.end("running", "queued")
    assert world.begun == ["running"]
    assert world.reported == [("running", "running is done")]


async def test_an_effect_that_is_dropped_at_once_leaves_its_key_free(world: World) -> None:
    """A task that is cancelled before its first step runs no `finally`."""
    runner = world.runner()
    runner.submit(world.leased("dropped", key="k"))
    runner.drop_queued()
    assert runner.submit(world.leased("again", key="k"))
    await world.end("again")
    assert world.begun == ["again"]
    assert "k" not in runner


async def test_dropping_gives_the_slots_to_those_that_come_after(world: World) -> None:
    runner = world.runner(limit=1)
    runner.submit(world.leased("first"))
    runner.submit(world.leased("dropped"))
    await settle()
    runner.drop_queued()
    runner.submit(world.leased("next"))
    await world.end("first", "next")
    assert world.begun == ["first", "next"]


async def test_draining_waits_for_running_effects_and_begins_no_others(world: World) -> None:
    runner = world.runner(limit=1)
    runner.submit(world.leased("running"))
    runner.submit(world.leased("queued"))
    await settle()
    draining = asyncio.create_task(runner.drain(60))
    await settle()
    assert not draining.done()
    assert not runner.submit(world.leased("too late"))
    await world.end("running")
    await asyncio.wait_for(draining, 5)
    assert world.begun == ["running"]
    assert world.reported == [("running", "running is done")]


async def test_draining_ends_after_its_time(world: World) -> None:
    runner = world.runner()
    runner.submit(world.leased("endless"))
    await settle()
    await asyncio.wait_for(runner.drain(0.01), 5)
    await settle()
    assert "endless" not in runner
    assert world.reported == []


async def test_a_result_that_cannot_be_sent_is_left_to_the_tick(world: World) -> None:
    def refuse(word: str) -> None:
        raise OSError("broker")

    runner = world.runner()
    world.on_report = refuse
    runner.submit(world.leased("create"))
    await world.end("create")
    assert runner.submit(world.leased("create"))


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


async def test_what_has_waited_too_long_for_its_room_is_not_begun_and_those_that_can_end_are(
    world: World,
) -> None:
    room = asyncio.Semaphore(1)
    runner = EffectRunner(
        world.perform,
        world.report,
        world.failed,
        limit=10,
        room=lambda word: room,
        least_s=20.0,
        clock=lambda: world.now,
    )
    for word, seconds in (("first", 60.0), ("late", 60.0), ("in time", 90.0)):
        assert runner.submit(world.leased(word, seconds=seconds))
    await settle()
    assert (world.begun, runner.running, runner.waiting) == (["first"], 1, 2)
    world.now += 45.0
    await world.end("first")
    assert world.begun == ["first", "in time"]
    assert "late" not in runner, "the tick after its lease issues it again"
    await world.end("in time")
    assert [word for word, _ in world.reported] == ["first", "in time"]


async def test_an_effect_whose_room_fails_frees_its_key(world: World) -> None:
    rooms: list[str] = []

    @asynccontextmanager
    async def room(word: str) -> AsyncIterator[None]:
        rooms.append(word)
        if len(rooms) == 1:
            raise OSError("its row cannot be read")
        yield

    runner = EffectRunner(
        world.perform, world.report, world.failed, limit=10, room=room, clock=lambda: world.now
    )
    for _ in range(2):
        assert runner.submit(world.leased("create"))
        await settle()
    assert world.begun == ["create"]
    await world.end("create")
    assert world.reported == [("create", "create is done")]
