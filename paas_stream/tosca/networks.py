"""Which nodes of a template are to have a public address."""

from collections.abc import Iterator, Mapping
from typing import Any

from paas_stream.tosca import types


def is_public(document: types.Document, name: str) -> bool:
    """Whether the compute node `name` is to be reachable from outside.

    That is so when its endpoint asks for the public network, when a port binds it to a public
    network, or when anything in the template reads its public address.
    """
    node = document["topology_template"]["node_templates"][name]
    endpoint = types.capability_property(document, node, "endpoint", "network_name")
    if is_public_name(endpoint):
        return True
    linked = linked_networks(document, name)
    if linked:
        return any(_is_public_network(network) for network in linked)
    return any(argument == name for argument in _readers(document["topology_template"]))


def is_public_name(network_name: Any) -> bool:
    """Whether IM takes a network name for a public one: PUBLIC, NET.PUBLIC or "NET,POOL"."""
    text = str(network_name or "")
    return text == "PUBLIC" or text.endswith(".PUBLIC") or "," in text


def linked_networks(document: types.Document, name: str) -> list[types.Document]:
    """The network nodes to which ports bind the node `name`."""
    networks = types.nodes_of(document, types.NETWORK)
    found = []
    for port in types.nodes_of(document, types.PORT).values():
        targets = _targets(port)
        if targets.get("binding") == name and targets.get("link") in networks:
            found.append(networks[targets["link"]])
    return found


def kinds(document: types.Document, name: str) -> list[str]:
    """The kind of network that each port of the node `name` asks for: public, private, ..."""
    return [
        "public" if _is_public_network(network) else _kind(network)
        for network in linked_networks(document, name)
    ]


def hosted_on(document: types.Document, name: str) -> list[types.Document]:
    """The nodes whose chain of hosts leads to the node `name`."""
    nodes = document["topology_template"]["node_templates"]
    below, found = [name], []
    for host in below:  # grows on the way
        for other, node in nodes.items():
            if other not in below and _targets(node).get("host") == host:
                below.append(other)
                found.append(node)
    return found


def _kind(network: Mapping[str, Any]) -> str:
    kind = (network.get("properties") or {}).get("network_type")
    return kind.lower() if isinstance(kind, str) and kind else "private"


def _targets(port: Mapping[str, Any]) -> dict[str, Any]:
    """The node that each requirement of a port names."""
    targets = {}
    for requirement in port.get("requirements") or []:
        for name, wanted in requirement.items():
            targets[name] = wanted.get("node") if isinstance(wanted, dict) else wanted
    return targets


def _is_public_network(network: Mapping[str, Any]) -> bool:
    properties = network.get("properties") or {}
    public = str(properties.get("network_type", "")).lower() == "public"
    return public or is_public_name(properties.get("network_name"))


def _readers(value: Any) -> Iterator[Any]:
    """The nodes whose public address is read somewhere in `value`."""
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "get_attribute" and isinstance(item, list) and "public_address" in item[1:2]:
                yield item[0]
            else:
                yield from _readers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _readers(item)
