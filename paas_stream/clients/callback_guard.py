"""Where a callback may go: what a user names must not reach the inside of the operator's network.

The URL is looked at when a deployment is posted, and before each call; the address when the socket
for it is made. So it does not matter how an address is written, nor what a name resolved to before.
"""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Any

from yarl import URL

from paas_stream.errors import PermanentError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
AddrInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]

_NUMERIC = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)
_LEAST_PORT = 1024  # from here on, and the two of the web, all are open when none is named
_WEB_PORTS = (80, 443)
_LONGEST = 2048  # characters of a URL

# Beside what the standard library of any supported version calls not global:
_CLOSED = tuple(
    map(
        ipaddress.ip_network,
        (
            "100.64.0.0/10",  # carriers' own, and metadata of some clouds
            "168.63.129.16/32",  # Azure's metadata and agents, an address that looks public
            "192.0.0.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo among them
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address in disguise
            "3fff::/20",
        ),
    )
)
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that is public in IPv6
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # IPv4 addresses, in networks that have IPv6 only


class RefusedTargetError(PermanentError):
    """A callback must not go there."""

    code = "callback_refused"


class CallbackGuard:
    """Public addresses only, and what the operator allows besides."""

    def __init__(self, allow: Iterable[str] = (), ports: Iterable[int] = ()) -> None:
        """`allow`: networks, addresses and host names; `ports`: the only ones, empty for the usual.

        What is no network or address counts as a name.
        """
        self._networks: list[Network] = []
        self._hosts: set[str] = set()
        self._ports = frozenset(ports)
        for entry in allow:
            try:
                self._networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                self._hosts.add(_plain(entry))

    def check(self, text: str) -> URL:
        """The URL. Raises RefusedTargetError; names are not resolved here."""
        url = _url(text)
        host = _plain(url.raw_host or "")  # as it is resolved
        if url.scheme not in ("http", "https") or not host:
            raise RefusedTargetError("an http or https URL with a host is needed")
        if not self._may_use(url.port or 0):
            raise RefusedTargetError(f"port {url.port} is not open for callbacks")
        if self.trusts(host):
            return url
        if host == "localhost" or host.endswith(".localhost"):
            raise RefusedTargetError(f"{host} is this machine itself")
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            if _is_number(host):
                raise RefusedTargetError(f"{host} is an address in an unusual form") from None
        else:
            if not self.admits(address):
                raise RefusedTargetError(f"{host} is not a public address")
        return url

    def trusts(self, host: str) -> bool:
        """Whether the operator allows this name, whatever it resolves to."""
        return _plain(host) in self._hosts

    def lists(self, host: str) -> bool:
        """Whether the operator has named this host itself: its name, or its address as it is written."""
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return self.trusts(host)
        return any(address in network for network in self._networks)

    def admits(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        real = _embedded(address)
        if any(one in network for one in {real, address} for network in self._networks):
            return True
        if isinstance(real, ipaddress.IPv6Address) and real not in _UNICAST:
            return False
        return real.is_global and not any(real in network for network in _CLOSED)

    def _may_use(self, port: int) -> bool:
        if self._ports:
            return port in self._ports
        return port in _WEB_PORTS or port >= _LEAST_PORT


class Door:
    """Makes the sockets of one call."""

    def __init__(self, guard: CallbackGuard, host: str) -> None:
        self._guard = guard
        self._is_open = guard.trusts(host)
        self._let_through = self._refused = 0

    @property
    def is_closed(self) -> bool:
        """Whether there were addresses, and none was let through."""
        return self._refused > 0 and not self._let_through

    def __call__(self, info: AddrInfo) -> socket.socket:
        """A socket for an address as getaddrinfo gives it. Raises OSError."""
        family, kind, protocol, _, address = info
        if not self._is_open and not self._guard.admits(_parsed(address[0])):
            self._refused += 1
            raise PermissionError("not a public address")
        self._let_through += 1
        return socket.socket(family, kind, protocol)


def _parsed(text: str) -> Address:
    return ipaddress.ip_address(text.partition("%")[0])


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _url(text: str) -> URL:
    if len(text) > _LONGEST:
        raise RefusedTargetError(f"the URL is longer than {_LONGEST} characters")
    try:
        url = URL(text)
        _ = url.host  # it is decoded only now
        return url
    except ValueError as exc:  # of IDNA too
        raise RefusedTargetError(f"this is no URL: {exc}") from exc


def _plain(host: str) -> str:
    return host.rstrip(".").lower()


def _is_number(host: str) -> bool:
    """Whether the system's resolver takes it for an IPv4 address: decimal, octal, hex, short."""
    if not _NUMERIC.fullmatch(host):
        return False
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True
