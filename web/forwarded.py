"""Where a request came from, and by which URL: as a trusted proxy tells it, else as the connection does.

`X-Forwarded-For`, `-Proto` and `-Host` can be written by anyone. They count only when the connection
comes from a proxy of PAAS_EDGE_TRUSTED_PROXIES, or from another worker. Of a chain of addresses, the
last one that is no trusted proxy is the caller: what stands before it is the caller's own word.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web

FOR: Final = "X-Forwarded-For"
PROTO: Final = "X-Forwarded-Proto"
HOST: Final = "X-Forwarded-Host"
HEADERS: Final = (FOR, PROTO, HOST)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_HOST = re.compile(r"[A-Za-z0-9._-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


@dataclass(frozen=True)
class Origin:
    """What is known of a request's way here."""

    address: str  # of the caller
    scheme: str  # of the URL that the caller used
    host: str  # its host, and its port unless that is the scheme's own

    @property
    def base_url(self) -> str:
        """The service's URL as the caller knows it."""
        return f"{self.scheme}://{self.host}"


ORIGIN: Final = web.RequestKey("origin", Origin)


def origin(
    direct: Origin, headers: Mapping[str, str], trusted: Sequence[Network], *, is_hop: bool = False
) -> Origin:
    """Where a request came from; `direct` is what the connection tells, and is used for what no proxy
    tells, or tells in another form.
    """
    if not (is_hop or _is_trusted(direct.address, trusted)):
        return direct
    scheme, host = _last(headers, PROTO).lower(), _last(headers, HOST)
    return Origin(
        _caller(direct.address, headers.get(FOR, ""), trusted, is_hop=is_hop),
        scheme if scheme in ("http", "https") else direct.scheme,
        host if _HOST.fullmatch(host) else direct.host,
    )


def of(request: web.Request) -> Origin:
    """The origin of a request; what its connection tells when nobody has looked."""
    return request.get(ORIGIN) or direct(request)


def direct(request: web.BaseRequest) -> Origin:
    """What the connection tells, and the header `Host`; without one it is this worker's address."""
    host = request.headers.get("Host", "")  # not `request.host`, which may ask the name service
    if not _HOST.fullmatch(host):
        name = None if request.transport is None else request.transport.get_extra_info("sockname")
        host = f"{name[0]}:{name[1]}" if isinstance(name, tuple) else "localhost"
    return Origin(request.remote or "unknown", request.scheme, host)


def as_headers(found: Origin) -> dict[str, str]:
    """For a worker to which the request is forwarded."""
    return {FOR: found.address, PROTO: found.scheme, HOST: found.host}


def _caller(peer: str, chain: str, trusted: Sequence[Network], *, is_hop: bool) -> str:
    for text in reversed([one.strip() for one in chain.split(",")]):
        if is_hop:
            return text if _address(text) is not None else peer
        if _address(text) is None:
            return peer
        peer = text
        if not _is_trusted(text, trusted):
            return peer
    return peer


def _last(headers: Mapping[str, str], name: str) -> str:
    """The nearest proxy's word, when several stand there."""
    return headers.get(name, "").rpartition(",")[2].strip()


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    found = _address(address)
    return found is not None and any(found in network for network in trusted)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def network_key(address: str) -> str:
    """For limits: an IPv6 host has a whole /64 for itself."""
    found = _address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or address)
