"""Whether the group still counts this worker among its members; without that no record leaves it.

The client finds out late, or not at all: a heartbeat whose answer is lost waits for its own time-out (90
s), and meanwhile the worker reads on, works on its rows as they were, and writes them over those of the
partitions' next owner. So what leaves the worker waits until a heartbeat was answered within the
session. While the broker is away that is for as long as it takes; when the broker is there and does not
know the worker, the process ends, and its events come again to whoever has them by now.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from paas_stream.durable.exits import Exit, end_process
from paas_stream.durable.pulse import boot_clock

log = logging.getLogger(__name__)

LOOK_S = 0.1
_TELL_S = 5.0  # a wait that is longer is worth a line in the log


class Membership:
    """Told of heartbeats by the consumer's thread; asked by whatever sends."""

    def __init__(
        self,
        session_s: float,
        is_reachable: Callable[[], Awaitable[bool]],
        clock: Callable[[], float] = boot_clock,
    ) -> None:
        """`is_reachable` asks the broker something else, and says whether it has answered."""
        self._session_s = session_s
        self._is_reachable = is_reachable
        self._clock = clock
        self._heard: float | None = None  # None: there is no membership yet
        self._joining = False

    def heard(self, asked_at: float) -> None:
        """A heartbeat that was sent then was answered well."""
        self._heard = asked_at

    def left(self) -> None:
        """Partitions were given up in good order, and others are to come: nothing is worked on."""
        self._joining = True

    def joined(self) -> None:
        """The group has taken this worker in."""
        self._joining = False
        self._heard = self._clock()

    @property
    def is_proven(self) -> bool:
        """Whether nobody else can have the partitions."""
        return self._joining or self.silent_s <= self._session_s

    @property
    def silent_s(self) -> float:
        """How long ago the last good heartbeat was sent; 0 before the first."""
        return self._clock() - self._heard if self._heard is not None else 0.0

    def watch(self, coordinator: Any) -> None:
        """Hear the heartbeats of the client's group coordinator, which has no hook for it."""
        beat = coordinator._do_heartbeat

        async def heard() -> bool:
            asked_at = self._clock()
            is_good = bool(await beat())
            if is_good:
                self.heard(asked_at)
            return is_good

        coordinator._do_heartbeat = heard

    def look(self) -> None:
        """Before partitions are given up: end if that comes too late for what is still to be sent."""
        if not self.is_proven:
            self._end()

    async def proven(self) -> None:
        """Wait for a heartbeat that was answered within the session. Ends the process if the broker is
        there, and none is answered for a whole session more.
        """
        if self.is_proven:
            return
        begun = told = self._clock()
        while not self.is_proven:
            await asyncio.sleep(LOOK_S)
            now = self._clock()
            if now - told >= _TELL_S:
                told = now
                log.warning("no heartbeat was answered for %.0f s: nothing is sent", self.silent_s)
            if now - begun >= self._session_s:
                if await self._is_reachable() and not self.is_proven:
                    self._end()
                begun = self._clock()

    def _end(self) -> None:
        end_process(
            Exit.LOST_MEMBERSHIP,
            f"the group has not answered a heartbeat for {self.silent_s:.1f} s",
        )
