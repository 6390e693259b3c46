"""Runs effects (calls to clouds) beside the agents, so that no agent waits for one.

An effect runs under a lease: its row says until when, and a tick for the row comes only after that.
So at most one run of an effect is under way per row and worker; after a crash it may run twice, and
every effect is idempotent. One that has waited for its turn so long that it could not come to its end
is not begun: under load it would only take the place of one that can.

Running effects are not cancelled when a partition moves away: a cancelled POST is a POST of unknown
result, and its result reaches the new owner by the topic.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)

E = TypeVar("E")
R = TypeVar("R")


@dataclass(frozen=True)
class Leased(Generic[E]):
    """An effect with its lease."""

    key: Hashable  # one effect per key at a time
    effect: E
    lease_until: float  # seconds since the epoch


class EffectRunner(Generic[E, R]):
    """A bounded pool.

    `perform` does the work and returns its result; `report` sends the result as an event. An effect
    that raises or outlives its lease is reported by `failed`.
    """

    def __init__(
        self,
        perform: Callable[[E], Awaitable[R]],
        report: Callable[[Leased[E], R], Awaitable[None]],
        failed: Callable[[E, BaseException], R],
        *,
        limit: int,
        room: Callable[[E], AbstractAsyncContextManager[Any]] = lambda effect: nullcontext(),
        least_s: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`room` is entered for each effect before it begins, and may let it wait; `least_s`: seconds
        of its lease that must be left then.
        """
        self._perform = perform
        self._report = report
        self._failed = failed
        self._limit = limit
        self._room = room
        self._least_s = least_s
        self._slots = asyncio.Semaphore(limit)
        self._clock = clock
        self._queued: dict[Hashable, asyncio.Task[None]] = {}
        self._running: set[Hashable] = set()
        self._all: set[asyncio.Task[None]] = set()
        self._closing = False

    def __contains__(self, key: Hashable) -> bool:
        return key in self._queued or key in self._running

    @property
    def running(self) -> int:
        """Effects that have begun."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Effects that have not begun."""
        return len(self._queued)

    def submit(self, leased: Leased[E]) -> bool:
        """Queue an effect.

        False: one of this key is under way, too many wait, or the worker is stopping. The tick after
        the lease issues it again.
        """
        if self._closing or leased.key in self or len(self._queued) >= self._limit:
            return False
        task = asyncio.create_task(self._run(leased))
        self._queued[leased.key] = task
        self._all.add(task)
        task.add_done_callback(partial(self._ended, leased.key))
        return True

    def _ended(self, key: Hashable, task: asyncio.Task[None]) -> None:
        self._all.discard(task)
        if self._queued.get(key) is task:  # it has ended before it began: its room has failed
            del self._queued[key]
        if not task.cancelled() and (exc := task.exception()) is not None:
            log.error("an effect on %s was not begun; a tick repeats it", key, exc_info=exc)

    async def _run(self, leased: Leased[E]) -> None:
        async with self._slots, self._room(leased.effect):
            del self._queued[leased.key]
            left = leased.lease_until - self._clock()
            if self._closing or left <= self._least_s:
                return  # the tick after the lease issues it again
            self._running.add(leased.key)
            try:
                result = await self._bounded(leased.effect, left)
            finally:
                # before the report: its event may come back before the broker's confirmation does
                self._running.discard(leased.key)
        try:
            await self._report(leased, result)
        except Exception:
            log.exception(
                "the result of an effect on %s was not sent; a tick repeats it", leased.key
            )

    async def _bounded(self, effect: E, seconds: float) -> R:
        try:
            async with asyncio.timeout(seconds):
                return await self._perform(effect)
        except Exception as exc:  # noqa: BLE001 - whatever it is, it is the effect's result
            return self._failed(effect, exc)

    def drop_queued(self) -> None:
        """When partitions are revoked: what has not begun is left to the rows' next owner."""
        queued, self._queued = self._queued, {}  # here: a task may be cancelled before it has begun
        for task in queued.values():
            task.cancel()

    async def drain(self, seconds: float) -> None:
        """Take no more effects, wait for those that run, and cancel what is left after that."""
        self._closing = True
        if self._all:
            await asyncio.wait(set(self._all), timeout=seconds)
        for task in list(self._all):
            task.cancel()
