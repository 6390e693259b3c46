"""The template of one attempt: a validated document with the chosen provider filled in, for IM."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from paas_stream.records import NodeTarget
from paas_stream.tosca import catalogue, containers, networks, types, yamltext

_NO_PORT = 65535  # where nobody listens
_SCALABLE = "tosca.capabilities.indigo.Scalable"

_PLAIN = ":/@+~"  # besides letters, digits and "_.-"; IM divides tags at "," and "="

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


def with_empty(
    document: Mapping[str, Any],
    nodes: Mapping[str, str],
    before: Iterable[Mapping[str, Any]] = (),
) -> types.Document:
    """The document, and nodes (by name, with their types) of which there is to be no instance.

    For an update: IM merges the new template into the one that it has, so a node that is only left out
    would be made again. A type that is not known here is told as a machine: nothing is made of it.
    A container stands as in the last of the documents `before` that has it, since IM refuses one
    without image and runtime.
    """
    topology = dict(document.get("topology_template") or {})
    templates = dict(topology.get("node_templates") or {})
    known = {*catalogue.shipped(), *(document.get("node_types") or {})}
    for name, kind in nodes.items():
        empty = {"capabilities": {"scalable": {"properties": {"count": 0}}}}
        old = next((one for one in before if name in containers.made(dict(one))), None)
        if old is not None:
            found = containers.with_parts(dict(old), name)
            templates = {**found, **templates, name: {**found[name], **empty}}
            document = _with_types(document, old)
            continue
        templates[name] = {"type": kind if kind in known else types.INDIGO_COMPUTE, **empty}
    return {**document, "topology_template": {**topology, "node_templates": templates}}


def _with_types(document: Mapping[str, Any], old: Mapping[str, Any]) -> types.Document:
    """The document with the types of an older one besides its own."""
    sections = [name for name in types.SECTIONS if old.get(name)]
    return {**document, **{name: {**old[name], **(document.get(name) or {})} for name in sections}}


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

    Each compute node gets flavor, image and network of its entry in `nodes`, and the tags, whose values
    are quoted as in a URL; the document gets the metadata. The type of the TOSCA Simple Profile has no
    place for these, so tosca.nodes.Compute becomes tosca.nodes.indigo.Compute. Types that no node needs
    are left out.
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
            ours = {name: quote(value, safe=_PLAIN) for name, value in tags.items()}
            node["properties"]["tags"] = {**(node["properties"].get("tags") or {}), **ours}
    _count_containers(made)
    _separate_containers(made)
    return types.with_needed(made)


def _count_containers(document: types.Document) -> None:
    """Tell of each application how many there are to be, where its runtime says so.

    A template says it of the runtime, and IM looks at the application, whose type has no place for it.
    """
    counts = {name: one.count for name, one in containers.made(document).items()}
    for name, node in types.nodes_of(document, containers.APPLICATION).items():
        definition = (document.get("node_types") or {}).get(node["type"])
        if name in counts and definition is not None:
            definition.setdefault("capabilities", {})["scalable"] = {"type": _SCALABLE}
            _properties(node, "scalable").setdefault("count", counts[name])


def _separate_containers(document: types.Document) -> None:
    """Let each container without ports expose one inside the cluster.

    IM connects it with the network of another container otherwise, and then publishes that one's ports
    for it: whichever comes first gets them (measured on IM 2.0.0).
    """
    for one in containers.of(document):
        if one.runtime and not containers.has_ports(document, one):
            _properties(one.runtime, "host")["expose_ports"] = [{"target": _NO_PORT}]


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
