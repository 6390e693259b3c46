"""The memory of good tokens: bounded in time and size, and one check for many who ask."""

import asyncio

import pytest

from paas_stream.access import Caller
from paas_stream.clients.tokens import RefusedTokenError, TokenCache, Valid
from paas_stream.errors import TemporaryError

ANNA = Caller("urn:k", "anna")


class Keystone:
    """Counts checks; a token may be revoked."""

    def __init__(self) -> None:
        self.checks = 0
        self.revoked = False
        self.life_s = 3600.0
        self.answer = asyncio.Event()
        self.answer.set()

    async def check(self, token: str) -> Valid:
        self.checks += 1
        await self.answer.wait()
        if self.revoked:
            raise RefusedTokenError("unknown")
        return Valid(ANNA, self.life_s)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keystone() -> Keystone:
    return Keystone()


async def test_a_revocation_is_noticed_in_time(clock: Clock, keystone: Keystone) -> None:
    cache = TokenCache(10, 5, 60, clock)
    assert await cache.caller("t", keystone.check) == ANNA
    keystone.revoked = True
    clock.now += 59.9
    assert await cache.caller("t", keystone.check) == ANNA
    clock.now += 0.1
    with pytest.raises(RefusedTokenError) as caught:
        await cache.caller("t", keystone.check)
    assert not caught.value.is_guess  # it was good, so nobody guesses
    with pytest.raises(RefusedTokenError) as caught:
        await cache.caller("made up", keystone.check)
    assert caught.value.is_guess


async def test_the_time_of_the_check_itself_counts(clock: Clock, keystone: Keystone) -> None:
    cache = TokenCache(10, 5, 60, clock)
    keystone.answer.clear()
    asking = asyncio.ensure_future(cache.caller("t", keystone.check))
    await asyncio.sleep(0)
    clock.now += 50
    keystone.answer.set()
    assert await asking == ANNA
    clock.now += 10
    await cache.caller("t", keystone.check)
    assert keystone.checks == 2


async def test_a_token_is_not_remembered_for_longer_than_it_lives(
    clock: Clock, keystone: Keystone
) -> None:
    cache = TokenCache(10, 5, 60, clock)
    keystone.life_s = 5
    await cache.caller("t", keystone.check)
    clock.now += 5
    await cache.caller("t", keystone.check)
    assert keystone.checks == 2


async def test_many_who_ask_at_once_wait_for_one_check(clock: Clock, keystone: Keystone) -> None:
    cache = TokenCache(10, 5, 60, clock)
    keystone.answer.clear()
    asking = [asyncio.ensure_future(cache.caller("t", keystone.check)) for _ in range(50)]
    await asyncio.sleep(0)
    asking[0].cancel()  # the first one leaves; the others get their answer all the same
    await asyncio.sleep(0)
    keystone.answer.set()
    assert await asyncio.gather(*asking[1:]) == [ANNA] * 49
    assert keystone.checks == 1


async def test_only_so_many_checks_are_under_way(clock: Clock, keystone: Keystone) -> None:
    cache = TokenCache(10, 2, 60, clock)
    keystone.answer.clear()
    asking = [asyncio.ensure_future(cache.caller(f"t{one}", keystone.check)) for one in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(TemporaryError):
        await cache.caller("t2", keystone.check)
    same = asyncio.ensure_future(cache.caller("t0", keystone.check))  # nothing more to check
    keystone.answer.set()
    assert await asyncio.gather(*asking, same) == [ANNA] * 3
    assert await cache.caller("t2", keystone.check) == ANNA


async def test_only_so_many_are_remembered(clock: Clock, keystone: Keystone) -> None:
    cache = TokenCache(3, 5, 60, clock)
    for number in range(10):
        await cache.caller(f"t{number}", keystone.check)
    assert len(cache) == 3
    await cache.caller("t9", keystone.check)
    assert keystone.checks == 10


async def test_what_is_refused_is_not_remembered(clock: Clock, keystone: Keystone) -> None:
    cache = TokenCache(3, 5, 60, clock)
    keystone.revoked = True
    with pytest.raises(RefusedTokenError):
        await cache.caller("t", keystone.check)
    assert len(cache) == 0
