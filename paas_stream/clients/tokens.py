"""What the checks of tokens have in common: how they refuse one, and a memory of good ones."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from paas_stream.access import Caller
from paas_stream.errors import PermanentError, TemporaryError

_AGAIN_S = 2.0


class RefusedTokenError(PermanentError):
    """A token that is not accepted; the message may be shown to whoever sent it."""

    code = "token"

    def __init__(self, message: str, *, is_guess: bool = True) -> None:
        """`is_guess`: it counts against the caller's address. A token that was good does not."""
        super().__init__(message)
        self.is_guess = is_guess


@dataclass(frozen=True)
class Valid:
    """Who a token stands for, and how much longer it does, in seconds."""

    caller: Caller
    life_s: float


class TokenCache:
    """Callers of tokens that were found good, for a limited time; of the tokens it keeps hashes.

    Several who ask for the same token at once wait for one and the same check.
    """

    def __init__(
        self, most: int, waiting: int, keep_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Keeps `most` tokens, each `keep_s` seconds from the begin of its check and never longer
        than it lives; `waiting` checks may be under way. `clock` must not be put back: a revoked
        token would be good for longer."""
        self._most = most
        self._waiting = waiting
        self._keep_s = keep_s
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[Caller, float]] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Task[Caller]] = {}

    def __len__(self) -> int:
        return len(self._known)

    async def caller(self, token: str, check: Callable[[str], Awaitable[Valid]]) -> Caller:
        """Who the token stands for.

        Raises what `check` raises, which is not remembered, and TemporaryError when too many wait.
        """
        key = hashlib.sha256(token.encode()).digest()
        known, now = self._known.get(key), self._clock()
        if known is not None and now < known[1]:
            return known[0]
        task = self._under_way.get(key)
        if task is None:
            if len(self._under_way) >= self._waiting:
                raise TemporaryError("too many tokens wait for their check", delay_s=_AGAIN_S)
            task = asyncio.ensure_future(self._checked(key, token, check, now))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._over(key, done))
        return await asyncio.shield(task)  # who leaves does not take the others' answer away

    async def _checked(
        self, key: bytes, token: str, check: Callable[[str], Awaitable[Valid]], begun: float
    ) -> Caller:
        try:
            found = await check(token)
        except RefusedTokenError as exc:
            if key in self._known:  # it was good until a moment ago
                exc.is_guess = False
            raise
        self._known.pop(key, None)
        self._known[key] = (found.caller, begun + min(self._keep_s, found.life_s))
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return found.caller

    def _over(self, key: bytes, task: asyncio.Task[Caller]) -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen, also when nobody waits any more
