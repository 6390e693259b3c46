"""Produces `tick` events for this worker's rows that are due.

Only a consumed event changes a row, so what is due becomes an event like any other. A tick that gets
lost is produced again. Of a box that reads several topics, ticks can wait until what stood in them when
this worker took its rows over is handled: it may have come in time.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from paas_stream.durable.app import DurableApp
from paas_stream.durable.due import DueHeap
from paas_stream.durable.metrics import DUE
from paas_stream.durable.takeover import Takeover
from paas_stream.records import Message

log = logging.getLogger(__name__)

INTERVAL_S = 0.2  # how often the heap is looked at
_MOST = 500  # ticks produced in one look
_AGAIN_S = 30.0  # a tick that led to no event is produced again after this
_HELD_S = 120.0  # a takeover that lasts longer holds no tick back
_PAGE = 200  # rows read at a rebuild before the event loop gets a turn


class Ticks:
    """The due-heap of one table, its timer and its rebuild after each rebalance."""

    def __init__(
        self,
        app: DurableApp,
        name: str,
        event: Callable[[str], Message],
        moments: Callable[[], Iterable[tuple[str, list[float]]]],
        after: Takeover | None = None,
    ) -> None:
        """`event` makes the tick for a uuid; `moments` reads all rows of this worker.

        `after`: no tick is produced before this takeover is over.
        """
        self._app = app
        self._name = name
        self._event = event
        self._moments = moments
        self._after = after
        self._held: asyncio.Task[None] | None = None  # as long as it runs
        self._heap: DueHeap[str] = DueHeap()
        DUE.add(lambda: {(name,): len(self)})
        app.timer(interval=INTERVAL_S, name=f"{name}-ticks")(self.run)
        app.on_partitions_revoked.connect(self._clear, weak=False)
        app.on_rebalance_complete.connect(self._rebuild, weak=False)

    def __len__(self) -> int:
        return len(self._heap)

    def arm(self, uuid: str, moments: list[float], now: float) -> None:
        """After a step at `now`: what was due before has had its effect."""
        self._heap.arm(uuid, min((moment for moment in moments if moment > now), default=None))

    async def run(self) -> None:
        """Produce the ticks that are due. Never raises: an error in a timer ends the worker."""
        is_held = self._held is not None and not self._held.done()
        if is_held or not self._app.readiness.tables_ready:
            return
        try:
            now = time.time()
            due = list(self._heap.pop_due(now, _MOST))
            for uuid in due:  # before the first is sent: then the rest may fail
                self._heap.arm(uuid, now + _AGAIN_S)
            await self._app.emit(*map(self._event, due))
        except Exception:
            log.exception("ticks of %s were not produced; they are tried again", self._name)

    async def _clear(self, *_: Any, **__: Any) -> None:
        self._heap.clear()
        self._release()

    def _release(self) -> None:
        if self._held is not None:
            self._held.cancel()
        self._held = None

    async def _rebuild(self, *_: Any, **__: Any) -> None:
        """Rows are there, streams are still paused. What is overdue is due at once."""
        self._heap.clear()
        self._release()
        if self._after is not None:
            self._held = asyncio.create_task(self._after.end(_HELD_S))
        for count, (uuid, moments) in enumerate(self._moments()):
            self._heap.arm(uuid, min(moments, default=None))
            if count % _PAGE == _PAGE - 1:
                await asyncio.sleep(0)
