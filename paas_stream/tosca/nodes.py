"""The nodes of a template as its owner sees them, and which of their instances are to go."""

from collections.abc import Iterable, Mapping
from typing import Any

from paas_stream.records import Node, NodeRequirement
from paas_stream.tosca import containers, types, yamltext
from paas_stream.tosca import limits as limits_
from paas_stream.tosca.limits import Limits

_REMOVALS = "removal_list"
_ROOT = "tosca.nodes.Root"


def of(document: types.Document, requirements: Iterable[NodeRequirement]) -> tuple[Node, ...]:
    """All nodes of a resolved document with its types."""
    placed = {one.name: one.count for one in requirements}
    fixed = dict(containers.fixed(document))
    with_volumes = {name for name, one in containers.made(document).items() if one.volumes}
    return tuple(
        Node(
            name=name,
            types=_types(document, node.get("type")),
            count=placed.get(name, 1),
            has_machines=name in placed,
            fixed=fixed.get(name, ""),
            has_volumes=name in with_volumes,
        )
        for name, node in _templates(document).items()
    )


def _types(document: types.Document, name: Any) -> tuple[str, ...]:
    """A type and what it derives from, without the root of all."""
    return tuple(one for one in types.ancestry(document, "node_types", name) if one != _ROOT)


def take_removals(document: types.Document) -> tuple[str, ...]:
    """What the `removal_list`s name, which are taken out: the IM knows other names."""
    found: list[str] = []
    for properties in _scalable(document):
        listed = properties.pop(_REMOVALS, None)
        found += [str(one) for one in listed] if isinstance(listed, list) else []
    return tuple(dict.fromkeys(found))


def without_removals(text: str, limits: Limits) -> str:
    """A template's text without `removal_list`s. One that has none is returned as it is."""
    if _REMOVALS not in text:
        return text
    tree = limits_.load(text, limits)
    if not isinstance(tree, dict) or not _has_removals(tree):
        return text
    for properties in _scalable(tree):
        properties.pop(_REMOVALS, None)
    return yamltext.dump_fast(tree)


def _has_removals(tree: Mapping[str, Any]) -> bool:
    return any(_REMOVALS in properties for properties in _scalable(tree))


def _scalable(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The properties of all `scalable` capabilities."""
    found = []
    for node in _templates(document).values():
        scalable = (node.get("capabilities") or {}).get("scalable") or {}
        properties = scalable.get("properties")
        if isinstance(properties, dict):
            found.append(properties)
    return found


def _templates(document: Mapping[str, Any]) -> dict[str, Any]:
    topology = document.get("topology_template") or {}
    return topology.get("node_templates") or {}
