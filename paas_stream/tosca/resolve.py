"""Functions of a template that need nothing but its inputs are replaced by their results.

`get_input` everywhere; `concat` and `token` where what they work on is text by then. A property
whose input has no value is left out, and so is a volume of size 0: IM refuses one written out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from paas_stream.tosca import types, values


@dataclass
class Resolved:
    """A copy of a template with its functions resolved."""

    document: types.Document
    unresolved: set[str] = field(default_factory=set)  # inputs without a value to use
    faults: list[str] = field(default_factory=list)


class _Missing:
    """Marks a value that is left out."""


_MISSING = _Missing()


def resolve(
    tree: Mapping[str, Any], inputs: Mapping[str, Any], declared: frozenset[str]
) -> Resolved:
    """`tree` with the values of `inputs` in place and without its inputs section.

    An input that is declared but has no value here is at fault elsewhere: its function stays.
    """
    walk = _Resolver(inputs, declared)
    topology = dict(tree["topology_template"])
    topology.pop("inputs", None)
    done = walk.map_({**tree, "topology_template": topology}, "")
    return Resolved(done, walk.unresolved, walk.faults)


class _Resolver:
    def __init__(self, inputs: Mapping[str, Any], declared: frozenset[str]) -> None:
        self.inputs = inputs
        self.declared = declared
        self.unresolved: set[str] = set()
        self.faults: list[str] = []

    def map_(self, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        """A map's entries, without those that resolve to nothing."""
        items = {key: self.value(item, f"{path}.{key}".lstrip(".")) for key, item in value.items()}
        return {key: item for key, item in items.items() if item is not _MISSING}

    def value(self, value: Any, path: str) -> Any:
        """What a value resolves to, `_MISSING` when to nothing."""
        if isinstance(value, list):
            items = [self.value(item, f"{path}[{n}]") for n, item in enumerate(value)]
            return [item for item in items if item is not _MISSING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "get_input":
                return self._get_input(value, argument, path)
            if name in ("concat", "token") and isinstance(argument, list):
                return joined(name, self.value(argument, path))
        return self.map_(value, path)

    def _get_input(self, function: dict[str, Any], argument: Any, path: str) -> Any:
        name, *steps = argument if isinstance(argument, list) and argument else [argument]
        if not isinstance(name, str) or not all(isinstance(step, str | int) for step in steps):
            self.faults.append(f"{path}: get_input takes the name of an input, or a place in it")
            return _MISSING
        if name not in self.declared:
            self.faults.append(f'{path}: the template declares no input "{name}"')
        if name not in self.inputs:
            self.unresolved.add(name)
            return function
        found = self.inputs[name]
        for step in steps:
            if found is None:
                break
            if not has(found, step):
                self.faults.append(f"{path}: the input has nothing at {values.shown(argument)}")
                return _MISSING
            found = found[step]
        return _MISSING if found is None else found


def has(value: Any, step: Any) -> bool:
    """Whether a list or map has an entry."""
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)


def joined(name: str, arguments: list[Any]) -> Any:
    """The result of `concat` or `token`, or the function when it needs what is not known yet."""
    if name == "concat" and all(isinstance(part, str | int | float) for part in arguments):
        return "".join(_text(part) for part in arguments)
    if name == "token" and len(arguments) == 3:
        text, separator, index = arguments
        if isinstance(text, str) and isinstance(separator, str) and separator:
            parts = text.split(separator)
            if isinstance(index, int) and 0 <= index < len(parts):
                return parts[index]
    return {name: arguments}


def _text(part: str | float) -> str:
    return str(part).lower() if isinstance(part, bool) else str(part)


def drop_empty_volumes(document: types.Document) -> None:
    """Take volumes of size 0 out of a document that is in shape, with what attaches them."""
    empty = {
        name
        for name, node in types.nodes_of(document, types.BLOCK_STORAGE).items()
        if _is_empty(node.get("properties") or {})
    }
    nodes = document["topology_template"]["node_templates"]
    for name in empty:
        del nodes[name]
    for node in nodes.values():
        if empty and node.get("requirements"):
            node["requirements"] = [
                item for item in node["requirements"] if target(item) not in empty
            ]


def target(requirement: Mapping[str, Any]) -> Any:
    """The node that a requirement names."""
    wanted = next(iter(requirement.values()))
    return wanted.get("node") if isinstance(wanted, dict) else wanted


def _is_empty(properties: Mapping[str, Any]) -> bool:
    try:
        empty = values.size(properties.get("size"), "B") == 0
    except ValueError:
        return False
    return empty and not properties.get("volume_id")
