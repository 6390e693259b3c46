"""Several events under way at once: how many, in which order, and what ends with them."""

import asyncio

import pytest

from paas_stream.durable.lanes import Lanes


class Work:
    """Pieces of work that end when they are told to."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def piece(self, name: str):
        self._ends[name] = asyncio.Event()

        async def work() -> None:
            self.begun.append(name)
            await self._ends[name].wait()

        return work

    async def end(self, *names: str) -> None:
        for name in names:
            self._ends[name].set()
        await asyncio.sleep(0.01)


@pytest.fixture
def work() -> Work:
    return Work()


async def test_events_of_different_keys_are_under_way_together(work: Work) -> None:
    lanes = Lanes(3)
    for name in "abc":
        await lanes.begin(name, work.piece(name))
    await asyncio.sleep(0)
    assert work.begun == ["a", "b", "c"]


async def test_there_are_never_more_than_the_limit(work: Work) -> None:
    lanes = Lanes(2)
    for name in "ab":
        await lanes.begin(name, work.piece(name))
    third = asyncio.create_task(lanes.begin("c", work.piece("c")))
    await asyncio.sleep(0.01)
    assert not third.done()
    await work.end("b")
    assert third.done()
    assert work.begun == ["a", "b", "c"]


async def test_events_of_one_key_come_one_after_the_other_in_their_order(work: Work) -> None:
    lanes = Lanes(5)
    for number in "123":
        await lanes.begin("key", work.piece(number))
    await lanes.begin("other", work.piece("other"))
    await asyncio.sleep(0.01)
    assert work.begun == ["1", "other"]
    await work.end("1")
    await work.end("2")
    assert work.begun == ["1", "other", "2", "3"]


async def test_nothing_is_kept_of_what_has_ended(work: Work) -> None:
    lanes = Lanes(3)
    for name, key in (("1", "a"), ("2", "a"), ("3", "b")):
        await lanes.begin(key, work.piece(name))
    await work.end("1", "2", "3")
    assert len(lanes) == 0
