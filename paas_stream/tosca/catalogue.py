"""Catalogues of type definitions: which types there are, and what each refers to.

A catalogue is read once and shared; each template gets copies of its own, because the TOSCA parser
changes the definitions it is given.
"""

import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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


_VALUES = frozenset(("default", "constraints", "inputs"))  # here a description is a value


@dataclass(frozen=True)
class Entry:
    """One type definition."""

    section: str
    pickled: bytes  # loads in a fraction of the time of a deep copy
    texts: frozenset[str]  # every text in it: names of other types are among them
    parent: str | None  # `derived_from`

    def definition(self) -> Any:
        """A copy that the caller may change."""
        return pickle.loads(self.pickled)  # noqa: S301 - made by `of`, in this process


Catalogue = Mapping[str, Entry]


def of(document: Mapping[str, Any]) -> dict[str, Entry]:
    """The types that a document defines, by name."""
    return {
        name: Entry(
            section,
            pickle.dumps(definition),
            frozenset(texts(definition)),
            parent(definition),
        )
        for section in SECTIONS
        for name, definition in (document.get(section) or {}).items()
    }


@cache
def shipped_files() -> Mapping[str, bytes]:
    """The files of our own definitions, by name."""
    folder = resources.files("paas_stream.tosca").joinpath("definitions")
    found = {file.name: file.read_bytes() for file in folder.iterdir()}
    return {name: found[name] for name in sorted(found) if name.endswith(".yaml")}


@cache
def shipped() -> Catalogue:
    """Our own type definitions."""
    merged: dict[str, Entry] = {}
    for content in shipped_files().values():
        merged |= of(yamltext.build(content.decode()))
    return merged


def undescribed(definition: Any) -> Any:
    """A definition without its descriptions, which only make documents long."""
    if not isinstance(definition, dict):
        return definition
    return {
        key: item if key in _VALUES else undescribed(item)
        for key, item in definition.items()
        if key != "description" or not isinstance(item, str)
    }


def parent(definition: Any) -> str | None:
    """The type that a definition derives from."""
    name = definition.get("derived_from") if isinstance(definition, dict) else None
    return name if isinstance(name, str) else None


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys not."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
