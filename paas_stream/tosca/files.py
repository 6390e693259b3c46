"""Files that a template names for the Infrastructure Manager to fetch: artifacts and scripts.

A name of a file on a machine's own disk would be read there: only files that lie elsewhere are
accepted.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from paas_stream.tosca import values

_LOCAL = re.compile(r"\s*(?:file:|/|~|[a-z]:\\|.*(?:^|[/\\])\.\.(?:[/\\]|$))", re.IGNORECASE)


def faults(document: Mapping[str, Any]) -> list[str]:
    """A sentence for each name of a local file in the nodes, relationships and types."""
    topology = document["topology_template"]
    parts = [
        (f"topology_template.{section}", topology.get(section))
        for section in ("node_templates", "relationship_templates")
    ]
    parts += [
        (section, document.get(section))
        for section in ("node_types", "relationship_types", "interface_types")
    ]
    return [
        f"{path}: {values.shown(name)} is a file of the machine that reads it; give the address of "
        "a file that lies elsewhere"
        for section, entries in parts
        for owner, entry in (entries or {}).items()
        for path, name in _named(entry, f"{section}.{owner}")
        if _LOCAL.match(name)
    ]


def _named(entry: Any, path: str) -> Iterator[tuple[str, str]]:
    """The files that a node, relationship or type names, each with its place."""
    for artifact, value in _items(entry, "artifacts"):
        yield from _texts(value, f"{path}.artifacts.{artifact}", ("file",))
    for interface, operations in _items(entry, "interfaces"):
        where = f"{path}.interfaces.{interface}"
        for operation, value in _operations(operations):
            keys = ("implementation", "primary", "dependencies", "file")
            yield from _texts(value, f"{where}.{operation}", keys)
    for number, requirement in enumerate(_list(entry, "requirements")):
        for name, target in requirement.items() if isinstance(requirement, dict) else ():
            relationship = target.get("relationship") if isinstance(target, dict) else None
            where = f"{path}.requirements[{number}].{name}.relationship"
            yield from _named(relationship, where)


def _operations(value: Any) -> Iterator[tuple[str, Any]]:
    """The operations of an interface; from version 1.3 on they may stand in a map of their own."""
    for name, operation in value.items() if isinstance(value, dict) else ():
        if name == "operations" and isinstance(operation, dict):
            yield from operation.items()
        elif name not in ("inputs", "type"):
            yield name, operation


def _texts(value: Any, path: str, keys: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """The texts that stand alone, in a list or under one of `keys`."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}[{number}]", keys)
    elif isinstance(value, dict):
        for key in keys:
            if key in value:
                yield from _texts(value[key], f"{path}.{key}", keys)


def _items(entry: Any, key: str) -> Iterator[tuple[str, Any]]:
    found = entry.get(key) if isinstance(entry, dict) else None
    if isinstance(found, dict):
        yield from found.items()


def _list(entry: Any, key: str) -> list[Any]:
    found = entry.get(key) if isinstance(entry, dict) else None
    return found if isinstance(found, list) else []
