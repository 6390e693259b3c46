"""Type definitions: our own, those of a template, and which of them a template needs.

A type that stands neither in the template, nor in what it imports, nor in our files is taken for
one of the TOSCA Simple Profile; the TOSCA parser knows those. Every walk here ends, also when types
derive from each other.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from paas_stream.tosca import catalogue
from paas_stream.tosca.catalogue import SECTIONS as SECTIONS
from paas_stream.tosca.catalogue import Catalogue

COMPUTE = "tosca.nodes.Compute"
INDIGO_COMPUTE = "tosca.nodes.indigo.Compute"
BLOCK_STORAGE = "tosca.nodes.BlockStorage"
NETWORK = "tosca.nodes.network.Network"
PORT = "tosca.nodes.network.Port"
ATTACHES_TO = "tosca.relationships.AttachesTo"
PLACEMENT = "tosca.policies.Placement"

Document = dict[str, Any]


def shipped() -> Document:
    """Our own type definitions by section: a copy that the caller may change."""
    made: Document = {}
    for name, entry in catalogue.shipped().items():
        made.setdefault(entry.section, {})[name] = entry.definition()
    return made


def with_needed(document: Document, imported: Catalogue | None = None) -> Document:
    """The document with exactly the type definitions that its topology needs.

    The template's own definitions win over those that it imports, and these over ours of the same
    name. What is needed is found by name: any text in the topology, or in a definition already
    needed, that is the name of a known type.
    """
    own = {
        name: (section, definition)
        for section in SECTIONS
        for name, definition in (document.get(section) or {}).items()
    }
    others = {**catalogue.shipped(), **(imported or {})}
    needed: dict[str, tuple[str, Any]] = {}
    waiting = set(catalogue.texts(document.get("topology_template")))
    while waiting:
        name = waiting.pop()
        if name in needed:
            continue
        if name in own:
            needed[name] = own[name]
            waiting.update(catalogue.texts(own[name][1]))
        elif name in others:
            needed[name] = (others[name].section, others[name].definition())
            waiting.update(others[name].texts)
    merged = {key: value for key, value in document.items() if key not in SECTIONS}
    for section in SECTIONS:
        definitions = {
            name: definition
            for name, (where, definition) in sorted(needed.items())
            if where == section
        }
        if definitions:
            merged[section] = definitions
    return merged


def ancestry(document: Mapping[str, Any], section: str, name: Any) -> list[str]:
    """A type and its parents as far as the document defines them, ending before a repetition."""
    definitions = document.get(section) or {}
    names: list[str] = []
    while isinstance(name, str) and name not in names:
        names.append(name)
        definition = definitions.get(name)
        name = definition.get("derived_from") if isinstance(definition, dict) else None
    return names


def derives(document: Mapping[str, Any], section: str, name: Any, ancestor: str) -> bool:
    """Whether the type `name` is, or derives from, `ancestor`."""
    return ancestor in ancestry(document, section, name)


def nodes_of(document: Mapping[str, Any], ancestor: str) -> dict[str, Document]:
    """The node templates whose type is, or derives from, `ancestor`, by name."""
    topology = document.get("topology_template") or {}
    return {
        name: node
        for name, node in (topology.get("node_templates") or {}).items()
        if derives(document, "node_types", node.get("type"), ancestor)
    }


def node_property(document: Mapping[str, Any], node: Mapping[str, Any], name: Any) -> Any:
    """What a node says of one of its properties, else the default of its type, else None."""
    given = node.get("properties") or {}
    return given[name] if name in given else property_schema(document, node, name).get("default")


def property_schema(document: Mapping[str, Any], node: Mapping[str, Any], name: Any) -> Document:
    """The definition of a property in the node's type, empty when there is none in the document."""
    node_types = document.get("node_types") or {}
    for type_name in ancestry(document, "node_types", node.get("type")):
        schema = ((node_types.get(type_name) or {}).get("properties") or {}).get(name)
        if isinstance(schema, dict):
            return schema
    return {}


def capability_property(
    document: Mapping[str, Any], node: Mapping[str, Any], capability: str, name: str
) -> Any:
    """What a node says of one property of a capability, else the default of its type, else None."""
    given = ((node.get("capabilities") or {}).get(capability) or {}).get("properties") or {}
    if name in given:
        return given[name]
    return capability_schema(document, node, capability, name).get("default")


def capability_schema(
    document: Mapping[str, Any], node: Mapping[str, Any], capability: str, name: str
) -> Document:
    """The definition of a capability's property, empty when there is none in the document."""
    for definition in _capability_types(document, node.get("type"), capability):
        schema = (definition.get("properties") or {}).get(name)
        if isinstance(schema, dict):
            return schema
    return {}


def has_attribute(
    document: Mapping[str, Any], node: Mapping[str, Any], capability: Any, name: Any
) -> bool:
    """Whether the type of a node's capability defines an attribute."""
    found = _capability_types(document, node.get("type"), capability)
    return any(name in (definition.get("attributes") or {}) for definition in found)


def _capability_types(
    document: Mapping[str, Any], node_type: Any, capability: str
) -> Iterator[Document]:
    """The definitions of a node type's capability, the most special one first."""
    node_types = document.get("node_types") or {}
    for type_name in ancestry(document, "node_types", node_type):
        declared = ((node_types.get(type_name) or {}).get("capabilities") or {}).get(capability)
        if declared:
            name = declared.get("type") if isinstance(declared, dict) else declared
            definitions = document.get("capability_types") or {}
            for ancestor in ancestry(document, "capability_types", name):
                if isinstance(definitions.get(ancestor), dict):
                    yield definitions[ancestor]
            return
