"""Waiting for conditions: nothing in the tests sleeps and hopes."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.1


async def wait_until(
    condition: Callable[[], T | Awaitable[T]], timeout_s: float = 60.0, what: str = ""
) -> T:
    """The first value of `condition`, a function or coroutine function, that is true.

    Raises AssertionError, which names `what`, when there is none within `timeout_s` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        found = await value if inspect.isawaitable(value) else value
        if found:
            return found
        if time.monotonic() >= deadline:
            name = what or getattr(condition, "__qualname__", repr(condition))
            raise AssertionError(f"not within {timeout_s:g} s: {name}; at last {found!r}")
        await asyncio.sleep(POLL_S)
