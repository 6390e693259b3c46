"""How far each agent of this worker has come in its topics."""

import asyncio
import time
from collections import defaultdict
from typing import Any

import faust
from aiokafka.errors import KafkaError
from faust.types import TP

_POLL_S = 0.01


class Positions:
    """The next offset to handle per agent, topic and partition, since the last assignment.

    Of an agent with several events under way: after the highest one that it has handled.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[str, str, int], int] = {}
        self.handled_total: defaultdict[str, int] = defaultdict(int)

    def handled(self, agent: str, topic: str, partition: int, offset: int) -> None:
        """`agent` has finished with this offset."""
        place = agent, topic, partition
        self._next[place] = max(offset + 1, self._next.get(place, 0))
        self.handled_total[agent] += 1

    def next_offset(self, agent: str, topic: str, partition: int) -> int | None:
        """The offset after the last one that was handled; None: none yet."""
        return self._next.get((agent, topic, partition))

    def is_handled(self, app: faust.App, agent: str, tp: TP, end: int) -> bool:
        """Whether `agent` has handled all before `end`.

        What was committed before this worker had the partition counts as handled.
        """
        committed = app.consumer._committed_offset.get(tp) or 0
        return max(committed, self.next_offset(agent, tp.topic, tp.partition) or 0) >= end

    async def forget(self, *_: Any, **__: Any) -> None:
        """Partitions are revoked: whoever has them next goes on from what was committed."""
        self._next.clear()

    async def caught_up(
        self, app: faust.App, agent: str, topic: str, partition: int, timeout_s: float
    ) -> bool:
        """Wait until `agent` has handled what stands in the partition now. False: not in time."""
        until = time.monotonic() + timeout_s
        tp = TP(topic, partition)
        try:
            async with asyncio.timeout(timeout_s):
                end = (await app.consumer.highwaters(tp)).get(tp) or 0
        except (TimeoutError, KafkaError):
            return False
        while True:
            if self.is_handled(app, agent, tp, end):
                return True
            if time.monotonic() >= until:
                return False
            await asyncio.sleep(_POLL_S)
