"""The template of one attempt: a validated document with the chosen provider filled in, for IM."""

import copy
from collections.abc import Mapping
from typing import Any

from paas_stream.records import NodeTarget
from paas_stream.tosca import catalogue, networks, types, yamltext

NO_MACHINE = "-1"  # IM counts from 0


def for_provider(
    document: Mapping[str, Any],
    nodes: Mapping[str, NodeTarget],
    *,
    tags: Mapping[str, str],
    metadata: Mapping[str, str],
) -> str:
    """The YAML text to send to IM: `document` as it is to be made at one provider."""
    return yamltext.dump_fast(filled_in(document, nodes, tags=tags, metadata=metadata))


def with_empty(document: Mapping[str, Any], nodes: Mapping[str, str]) -> types.Document:
    """The document, and nodes (by name, with their types) of which there is to be no instance.

    For an update: IM merges the new template into the one that it has, so a node that is only left out
    would be made again. A type that is not known here is told as a machine: nothing is made of it.
    """
    topology = dict(document.get("topology_template") or {})
    templates = dict(topology.get("node_templates") or {})
    known = {*catalogue.shipped(), *(document.get("node_types") or {})}
    for name, kind in nodes.items():
        templates[name] = {
            "type": kind if kind in known else types.INDIGO_COMPUTE,
            "capabilities": {"scalable": {"properties": {"count": 0}}},
        }
    return {**document, "topology_template": {**topology, "node_templates": templates}}


def never_trimmed(document: Mapping[str, Any]) -> types.Document:
    """The document as one of which IM takes no machine away by itself.

    Where it finds more machines than it is told, as after two calls at the same time, it takes the
    oldest ones. So it is told to take one that is never there, and refuses all of it instead.
    """
    made = copy.deepcopy(dict(document))
    for node in types.nodes_of(made, types.COMPUTE).values():
        _properties(node, "scalable")["removal_list"] = [NO_MACHINE]
    return made


def filled_in(
    document: Mapping[str, Any],
    nodes: Mapping[str, NodeTarget],
    *,
    tags: Mapping[str, str],
    metadata: Mapping[str, str],
) -> types.Document:
    """A copy of a validated document with what one provider makes of it.

    Each compute node gets flavor, image and network of its entry in `nodes`, and the tags; the
    document gets the metadata. The type of the TOSCA Simple Profile has no place for these, so
    tosca.nodes.Compute becomes tosca.nodes.indigo.Compute. Types that no node needs are left out.
    """
    made = _with_indigo_types(copy.deepcopy(dict(document)))
    made["metadata"] = {**(made.get("metadata") or {}), **metadata}
    for name, node in types.nodes_of(made, types.COMPUTE).items():
        target = nodes.get(name, NodeTarget())
        _place(node, target)
        if not networks.linked_networks(made, name):
            public = networks.is_public(made, name)
            _properties(node, "endpoint")["network_name"] = _network_name(target, public)
        if tags:
            node["properties"] = dict(node.get("properties") or {})
            node["properties"]["tags"] = {**(node["properties"].get("tags") or {}), **tags}
    return types.with_needed(made)


def _with_indigo_types(document: types.Document) -> types.Document:
    """The document with our compute type in the place of the one of the Simple Profile."""
    for name, definition in (document.get("node_types") or {}).items():
        if name != types.INDIGO_COMPUTE and definition.get("derived_from") == types.COMPUTE:
            definition["derived_from"] = types.INDIGO_COMPUTE
    for node in document["topology_template"]["node_templates"].values():
        if node.get("type") == types.COMPUTE:
            node["type"] = types.INDIGO_COMPUTE
    return types.with_needed(document)


def _place(node: types.Document, target: NodeTarget) -> None:
    if target.flavor:
        _properties(node, "host")["instance_type"] = target.flavor
    system = _properties(node, "os")
    if target.image:
        system["image"] = target.image
    if not system.get("image"):  # IM refuses a volume when it knows nothing of the first disk
        system.setdefault("type", "linux")


def _network_name(target: NodeTarget, public: bool) -> str:
    """A network as IM reads it: which one at the provider, if that is known, and of which kind."""
    kind = "PUBLIC" if public else "PRIVATE"
    if not target.network or target.network in ("PUBLIC", "PRIVATE"):
        return kind
    if target.network.endswith((".PUBLIC", ".PRIVATE")) or "," in target.network:
        return target.network
    return f"{target.network}.{kind}"


def _properties(node: types.Document, capability: str) -> dict[str, Any]:
    """The properties of a node's capability, made if they are missing."""
    node["capabilities"] = node.get("capabilities") or {}
    properties: dict[str, Any] = (
        node["capabilities"].setdefault(capability, {}).setdefault("properties", {})
    )
    return properties
