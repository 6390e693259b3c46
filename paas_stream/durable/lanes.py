"""Several events of one agent under way at once, those of one key one after the other.

For agents that write no row: they wait for a worker process and for the broker's confirmations, and
while one event waits the next can begin. Faust's own `concurrency` commits past events in flight;
here each event is acknowledged by itself, when it is handled, and Faust commits what is before the
first that is not.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from functools import partial


class Lanes:
    """At most `most` at once."""

    def __init__(self, most: int) -> None:
        self._slots = asyncio.Semaphore(most)
        self._last: dict[Hashable, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._last)

    async def begin(self, key: Hashable, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for a free place, then begin; `work` raises nothing."""
        await self._slots.acquire()
        task = asyncio.create_task(self._after(self._last.get(key), work))
        self._last[key] = task
        task.add_done_callback(partial(self._ended, key))

    async def _after(
        self, before: asyncio.Task[None] | None, work: Callable[[], Awaitable[None]]
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        await work()

    def _ended(self, key: Hashable, task: asyncio.Task[None]) -> None:
        self._slots.release()
        if self._last.get(key) is task:
            del self._last[key]
