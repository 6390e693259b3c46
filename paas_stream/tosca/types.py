"""Type definitions: our own, those of a template, and which of them a template needs.

A type that stands neither in the template nor in our file is taken for one of the TOSCA Simple
Profile; the TOSCA parser knows those. Every walk here ends, also when types derive from each other.
"""

import pickle
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from paas_stream.tosca import yamltext

SECTIONS = (
    "data_types",
    "capability_types",
    "relationship_types",
    "interface_types",
    "artifact_types",
    "policy_types",
    "group_types",
    "node_types",
)
COMPUTE = "tosca.nodes.Compute"
INDIGO_COMPUTE = "tosca.nodes.indigo.Compute"
BLOCK_STORAGE = "tosca.nodes.BlockStorage"
NETWORK = "tosca.nodes.network.Network"
PORT = "tosca.nodes.network.Port"
ATTACHES_TO = "tosca.relationships.AttachesTo"
PLACEMENT = "tosca.policies.Placement"

Document = dict[str, Any]


@cache
def _shipped() -> bytes:
    text = resources.files("paas_stream.tosca").joinpath("types.yaml").read_text("utf-8")
    return pickle.dumps(yamltext.build(text))


def shipped() -> Document:
    """Our own type definitions by section: a copy that the caller may change."""
    definitions: Document = pickle.loads(_shipped())  # noqa: S301 - made above, from our own file
    return definitions


def with_needed(document: Document) -> Document:
    """The document with exactly the type definitions that its topology needs.

    The template's own definitions win over ours of the same name. What is needed is found by name:
    any text in the topology, or in a definition already needed, that is the name of a known type.
    """
    catalogue = _catalogue(shipped()) | _catalogue(document)
    needed: dict[str, tuple[str, Any]] = {}
    waiting = [document.get("topology_template")]
    while waiting:
        for name in _texts(waiting.pop()):
            if name in catalogue and name not in needed:
                needed[name] = catalogue[name]
                waiting.append(catalogue[name][1])
    merged = {key: value for key, value in document.items() if key not in SECTIONS}
    for section in SECTIONS:
        definitions = {name: d for name, (where, d) in needed.items() if where == section}
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


def capability_property(
    document: Mapping[str, Any], node: Mapping[str, Any], capability: str, name: str
) -> Any:
    """What a node says of one property of a capability, else the default of its type, else None."""
    given = ((node.get("capabilities") or {}).get(capability) or {}).get("properties") or {}
    if name in given:
        return given[name]
    for definition in _capability_types(document, node.get("type"), capability):
        schema = (definition.get("properties") or {}).get(name)
        if isinstance(schema, dict):
            return schema.get("default")
    return None


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


def _catalogue(document: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    return {
        name: (section, definition)
        for section in SECTIONS
        for name, definition in (document.get(section) or {}).items()
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
