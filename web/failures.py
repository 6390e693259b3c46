"""Logins that were refused, by the address that they came from: guessing is slowed down."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from paas_stream.auth_settings import LoginSettings


class Failures:
    """Counts per address and window, for a bounded number of addresses."""

    def __init__(
        self, settings: LoginSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._counts: OrderedDict[str, tuple[int, float]] = OrderedDict()  # count, begin of window

    def __len__(self) -> int:
        return len(self._counts)

    def wait_s(self, address: str) -> int | None:
        """Seconds until this address may try again; None: it may now."""
        count, begin = self._counts.get(address, (0, 0.0))
        rest = begin + self._settings.window_s - self._clock()
        return math.ceil(rest) if count >= self._settings.failures and rest > 0 else None

    def add(self, address: str) -> None:
        """One more was refused."""
        now = self._clock()
        count, begin = self._counts.pop(address, (0, now))
        if now >= begin + self._settings.window_s:
            count, begin = 0, now
        self._counts[address] = (count + 1, begin)
        if len(self._counts) > self._settings.addresses:
            self._counts.popitem(last=False)
