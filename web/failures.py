"""Logins that were refused, by the address that they came from: guessing is slowed down."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from paas_stream.auth_settings import LoginSettings

_IPV6_PREFIX = 64  # what one customer has


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


def address_of(
    remote: str | None, forwarded: str, proxies: Sequence[IPv4Network | IPv6Network]
) -> str:
    """Who a request comes from: the last address of X-Forwarded-For that is no proxy of ours.

    Only what our own proxies have written is believed. An IPv6 address stands for its network.
    """
    found = remote or ""
    for one in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_in(found, proxies):
            break
        found = one
    try:
        address = ip_address(found)
    except ValueError:
        return remote or "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network(f"{address}/{_IPV6_PREFIX}", strict=False))
    return str(address)


def _is_in(text: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)
