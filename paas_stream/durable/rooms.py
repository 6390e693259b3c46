"""Places for effects: some for each key, such as a host, and some for all together."""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Rooms:
    """Keys may come from users: one that nobody uses takes no memory."""

    def __init__(self, total: int, per_key: int) -> None:
        self._total = asyncio.Semaphore(total)
        self._per_key = per_key
        self._keys: dict[Hashable, tuple[asyncio.Semaphore, int]] = {}  # with the number of users

    def users(self, key: Hashable) -> int:
        """How many have a place of this key, or wait for one."""
        return self._keys[key][1] if key in self._keys else 0

    @asynccontextmanager
    async def place(self, key: Hashable) -> AsyncIterator[None]:
        """A place. The key's comes first: who waits for it takes no place from other keys."""
        places, users = self._keys.get(key) or (asyncio.Semaphore(self._per_key), 0)
        self._keys[key] = places, users + 1
        try:
            async with places, self._total:
                yield
        finally:
            left = self._keys[key][1] - 1
            if left:
                self._keys[key] = places, left
            else:
                del self._keys[key]
