"""Nothing leaves a worker that the group may have given up."""

import asyncio
from typing import Any

import pytest

from paas_stream.durable import membership as module
from paas_stream.durable.exits import Exit
from paas_stream.durable.membership import Membership


class World:
    """A clock, and a broker."""

    def __init__(self) -> None:
        self.now = 100.0
        self.is_reachable = True
        self.asked = 0

    def clock(self) -> float:
        return self.now

    async def answers(self) -> bool:
        self.asked += 1
        return self.is_reachable


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def membership(world: World, ends: Any, monkeypatch: pytest.MonkeyPatch) -> Membership:
    def end(code: Exit, reason: str) -> None:
        raise ends(code, reason)

    turn = asyncio.sleep

    async def sleep(seconds: float) -> None:
        world.now += seconds
        await turn(0)

    monkeypatch.setattr(module, "end_process", end)
    monkeypatch.setattr(module.asyncio, "sleep", sleep)
    return Membership(10.0, world.answers, world.clock)


class Coordinator:
    """As the client's."""

    def __init__(self, *answers: bool) -> None:
        self.answers = list(answers)

    async def _do_heartbeat(self) -> bool:
        return self.answers.pop(0)


async def test_before_the_first_heartbeat_there_is_no_membership_to_lose(
    membership: Membership, world: World
) -> None:
    world.now += 3600
    await membership.proven()
    membership.look()


async def test_it_is_proven_for_one_session_from_when_the_heartbeat_was_sent(
    membership: Membership, world: World
) -> None:
    membership.joined()
    world.now += 10
    assert membership.is_proven
    world.now += 0.1
    assert not membership.is_proven


async def test_good_heartbeats_are_heard_and_others_are_not(
    membership: Membership, world: World
) -> None:
    coordinator = Coordinator(True, False)
    membership.joined()
    membership.watch(coordinator)
    world.now += 8
    assert await coordinator._do_heartbeat() is True
    assert membership.silent_s == 0
    world.now += 8
    assert await coordinator._do_heartbeat() is False
    assert membership.silent_s == 8


async def test_what_leaves_waits_for_the_next_good_heartbeat(
    membership: Membership, world: World
) -> None:
    membership.joined()
    world.is_reachable = False
    world.now += 12
    waiting = asyncio.ensure_future(membership.proven())
    await asyncio.wait({waiting}, timeout=0.01)
    assert not waiting.done()
    membership.heard(world.now)
    await waiting


async def test_a_worker_that_the_group_does_not_answer_ends(
    membership: Membership, world: World, ends: Any
) -> None:
    membership.joined()
    world.now += 11
    with pytest.raises(ends) as ended:
        await membership.proven()
    assert ended.value.code == Exit.LOST_MEMBERSHIP
    assert world.now == pytest.approx(121, abs=0.2)


async def test_while_the_broker_is_away_it_waits_for_as_long_as_it_takes(
    membership: Membership, world: World, ends: Any
) -> None:
    membership.joined()
    world.is_reachable = False
    world.now += 11
    waiting = asyncio.ensure_future(membership.proven())
    while world.asked < 5:
        await asyncio.wait({waiting}, timeout=0.01)
    assert not waiting.done()
    membership.heard(world.now)
    await waiting


async def test_partitions_that_are_given_up_too_late_end_it(
    membership: Membership, world: World, ends: Any
) -> None:
    membership.joined()
    membership.look()
    world.now += 11
    with pytest.raises(ends) as ended:
        membership.look()
    assert ended.value.code == Exit.LOST_MEMBERSHIP


async def test_while_the_group_is_formed_anew_no_heartbeat_is_needed(
    membership: Membership, world: World
) -> None:
    membership.joined()
    membership.left()
    world.now += 60
    await membership.proven()
    membership.joined()
    world.now += 11
    assert not membership.is_proven
