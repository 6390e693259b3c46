"""Ends a worker that stood still for longer than its session: others have its partitions by now.

A frozen process, a suspended machine: when it goes on, it does not know yet that it has lost its
partitions, and sends the rows that it was about to send over those of their next owners.
"""

import asyncio
import time
from collections.abc import Callable

from paas_stream.durable.exits import Exit, end_process


def boot_clock() -> float:
    """Seconds that go on while the machine is suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Pulse:
    """Beats in the thread that keeps the membership; is looked at before records leave."""

    def __init__(self, most_s: float, clock: Callable[[], float] = boot_clock) -> None:
        """`most_s`: the session time-out less the time since the last heartbeat, at most."""
        self._most_s = most_s
        self._clock = clock
        self._last: float | None = None  # None: there is no membership yet

    async def run(self) -> None:
        """Beat until cancelled."""
        while True:
            self.beat()
            await asyncio.sleep(self._most_s / 10)

    def beat(self) -> None:
        """The thread is alive; it may find out that it was not."""
        self.look()
        self._last = self._clock()

    def look(self) -> None:
        """End the process if the last beat is too long ago."""
        still_s = self._clock() - self._last if self._last is not None else 0.0
        if still_s > self._most_s:
            end_process(Exit.STOOD_STILL, f"it stood still for {still_s:.1f} s")
