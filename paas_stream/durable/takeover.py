"""What stood in an agent's topics when this worker got its partitions: until it is handled, the rows are
those of a moment ago.

A worker that takes partitions over has their rows as the changelogs have them. Events that the one before
it handled without committing come again; whoever acts upon a row before that acts upon the past.
"""

import asyncio
import time
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

from paas_stream.durable.positions import Positions

_POLL_S = 0.01
_AGAIN_S = 0.2


class Takeover:
    """Of one agent on this worker."""

    def __init__(
        self, app: faust.App, positions: Positions, agent: str, topics: frozenset[str]
    ) -> None:
        """`topics`: those of the agent, by the broker's names."""
        self._app = app
        self._positions = positions
        self._agent = agent
        self._topics = topics
        self._left: dict[TP, int] | None = None  # partition -> its end; None: not asked for yet
        self._asking = asyncio.Lock()

    async def forget(self, *_: Any, **__: Any) -> None:
        """Partitions are revoked or assigned: it begins anew."""
        self._left = None

    async def is_over(self, timeout_s: float) -> bool:
        """Wait until it is. False: not in time."""
        if self._left is not None and not self._left:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                async with self._asking:
                    if self._left is None:
                        self._left = await self._ends()
                while self._left:
                    left = self._left
                    for tp in [tp for tp, end in left.items() if self._is_handled(tp, end)]:
                        del left[tp]
                    if left:
                        await asyncio.sleep(_POLL_S)
        except (TimeoutError, KafkaError):
            return False
        return self._left is not None  # else partitions have moved meanwhile

    async def end(self, limit_s: float) -> None:
        """Wait until it is over, or has lasted that long."""
        until = time.monotonic() + limit_s
        while (left_s := until - time.monotonic()) > 0:
            if await self.is_over(left_s):
                return
            await asyncio.sleep(_AGAIN_S)  # the broker did not answer

    async def _ends(self) -> dict[TP, int]:
        """Asked for with the first request: that is later than the takeover, which does no harm."""
        consumer: Any = self._app.consumer
        mine = [tp for tp in consumer.assignment() if tp.topic in self._topics]
        ends = await consumer.highwaters(*mine) if mine else {}
        return {tp: end for tp, end in ends.items() if end}

    def _is_handled(self, tp: TP, end: int) -> bool:
        return self._positions.is_handled(self._app, self._agent, tp, end)
