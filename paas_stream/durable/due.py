"""What is due when, for this worker's own rows: a heap in memory, rebuilt after every rebalance.

Scanning a table for due rows takes seconds for 100,000 rows and blocks the event loop; the heap costs
4 microseconds a row. It holds nothing that the rows do not say: losing it loses nothing.
"""

import heapq
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_STALE = (
    1000  # entries of earlier moments are swept out when there are more than these and live ones
)


class DueHeap(Generic[K]):
    """Keys with the moment (seconds since the epoch) at which each is due; one moment a key."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._serial = 0  # keys need not be comparable

    def __len__(self) -> int:
        return len(self._due)

    def arm(self, key: K, due: float | None) -> None:
        """`key` is due at `due`, whatever was said before; None: never."""
        if due is None:
            self._due.pop(key, None)
        elif self._due.get(key) != due:
            self._due[key] = due
            self._push(key, due)
            if len(self._heap) > 2 * len(self._due) + _STALE:
                self._sweep()

    def pop_due(self, now: float, limit: int) -> Iterator[K]:
        """At most `limit` keys that are due, earliest first; each is disarmed."""
        while self._heap and self._heap[0][0] <= now and limit > 0:
            due, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == due:
                del self._due[key]
                limit -= 1
                yield key

    def clear(self) -> None:
        """Forget everything."""
        self._heap.clear()
        self._due.clear()

    def _push(self, key: K, due: float) -> None:
        self._serial += 1
        heapq.heappush(self._heap, (due, self._serial, key))

    def _sweep(self) -> None:
        self._heap.clear()
        for key, due in self._due.items():
            self._push(key, due)
