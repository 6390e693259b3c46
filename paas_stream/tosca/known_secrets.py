"""Secrets that a template leaves at the default of their type, which everybody can read.

The field's types have such defaults, so a template that gives none is valid; its user is warned.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from paas_stream.tosca import types

_SECRET = re.compile(r"(^|_)(password|passwd|secret|token|secret_key)$")


def warnings(document: Mapping[str, Any]) -> list[str]:
    """One sentence for each property of a node that is a secret and was not given."""
    nodes = document["topology_template"].get("node_templates") or {}
    return [
        f"topology_template.node_templates.{name}.properties.{known}: the secret is left at the"
        f" published default of {node['type']}; anybody may know it"
        for name, node in nodes.items()
        for known in sorted(_published(document, node) - (node.get("properties") or {}).keys())
    ]


def _published(document: Mapping[str, Any], node: Mapping[str, Any]) -> set[str]:
    return {
        name
        for name, schema in _properties(document, node.get("type"))
        if _SECRET.search(name)
        and isinstance(schema, dict)
        and isinstance(schema.get("default"), str)
        and schema["default"]
    }


def _properties(document: Mapping[str, Any], node_type: Any) -> Iterator[tuple[str, Any]]:
    node_types = document.get("node_types") or {}
    for ancestor in types.ancestry(document, "node_types", node_type):
        yield from ((node_types.get(ancestor) or {}).get("properties") or {}).items()
