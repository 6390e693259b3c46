"""Networks: the one that a machine is attached to, as the Infrastructure Manager names it.

IM's property `network_name` reads: `PUBLIC` and `PRIVATE` (IM chooses the network), `<net>.PUBLIC`
and `<net>.PRIVATE` (this network), `<net>,<pool>` (a private network, and a public address from
this pool).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from paas_stream.records import Network, NodeRequirement
from paas_stream.selection.reasons import Code, Reason

_PUBLIC: Final = "public"
_ROLES: Final = (_PUBLIC, "private")


@dataclass(frozen=True)
class Offer:
    """The networks of one project that new machines use."""

    public: str | None = None
    private: str | None = None
    generic: bool = False  # no network has a name: IM's own names do
    proxy_host: str | None = None  # through which machines of the private network are reached
    proxy_user: str | None = None


def offer(networks: Iterable[Network], provider_type: str) -> Offer:
    """The public and the private network to use: default ones first, then the project's own.

    Public is a network that is external, or both default and shared. One that has a `role` comes before
    all others, and is what that says. The Dummy connector has no
    networks of its own: without named ones there, IM's generic names are used.
    """
    ordered = sorted(
        networks, key=lambda n: (n.role not in _ROLES, not n.is_default, n.is_shared, n.name)
    )
    if not ordered and provider_type == "dummy":
        return Offer(generic=True)
    public = next((n for n in ordered if _is_public(n)), None)
    private = next((n for n in ordered if not _is_public(n)), None)
    return Offer(
        public.name if public else None,
        private.name if private else None,
        proxy_host=private.proxy_host if private else None,
        proxy_user=private.proxy_user if private else None,
    )


def _is_public(network: Network) -> bool:
    if network.role in _ROLES:
        return network.role == _PUBLIC
    return network.is_router_external or (network.is_default and network.is_shared)


def has_public(network_name: str | None) -> bool:
    """Whether a machine with this `network_name` gets a public address."""
    name = network_name or ""
    return "," in name or name == "PUBLIC" or name.endswith(".PUBLIC")


def choose(requirement: NodeRequirement, networks: Offer) -> str | Reason:
    """IM's `network_name` for one machine, or why there is none."""
    if networks.generic:
        return "PUBLIC" if requirement.public_address else "PRIVATE"
    node = f"node {requirement.name!r}"
    if not requirement.public_address:
        if networks.private is None:
            return Reason(Code.PRIVATE_NETWORK, lambda: f"{node}: there is no private network")
        return f"{networks.private}.PRIVATE"
    if networks.public is None:
        return Reason(
            Code.PUBLIC_NETWORK,
            lambda: (
                f"{node}: a public address is needed, "
                "there is no external or default public network"
            ),
        )
    if networks.private is None:
        if "private" in requirement.networks:
            return Reason(Code.PRIVATE_NETWORK, lambda: f"{node}: there is no private network")
        return f"{networks.public}.PUBLIC"
    return f"{networks.private},{networks.public}"
