"""How much is asked of a provider, and whether it is left alone for a while."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents.im_place import place_of
from paas_stream.app import app
from paas_stream.errors import UnreadableRowError
from paas_stream.lifecycle.attempt import Effect
from paas_stream.lifecycle.breaker import Breaker, BreakerPolicy

_settings = app.settings
_policy = BreakerPolicy(_settings.dispatch.breaker_failures, _settings.dispatch.breaker_open_s)
_breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
_server_slots = asyncio.Semaphore(_settings.im.concurrency)
_provider_slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
    lambda: asyncio.Semaphore(_settings.im.per_provider)
)


@asynccontextmanager
async def room(effect: Effect) -> AsyncIterator[None]:
    """A place among the calls to the provider, and among those to the IM."""
    try:
        place = place_of(effect)
    except UnreadableRowError:  # to carry it out tells so
        place = None
    if place is None:
        yield
        return
    async with _provider_slots[place.name], _server_slots:
        yield


def pause_s(provider: str) -> float:
    """For how many seconds the provider is left alone; 0: it may be asked."""
    return _breakers[provider].wait_s(time.time())


def failed(provider: str) -> None:
    """An attempt there has failed."""
    _breakers[provider] = _breakers[provider].failed(time.time(), _policy)


def succeeded(provider: str) -> None:
    """An attempt there has succeeded."""
    _breakers[provider] = _breakers[provider].succeeded()
