"""`get_property` is replaced by the property it reads, where that is known before anything runs.

What stays a function is for the Infrastructure Manager, or at fault: the TOSCA parser tells why. And
what TOSCA allows but that parser refuses, here and in the Infrastructure Manager, is written so that
it accepts it: attributes of a host's capability, and whole numbers as values of type float.
"""

from collections.abc import Mapping
from typing import Any

from paas_stream.errors import InvalidTemplateError
from paas_stream.tosca import resolve, shape, types
from paas_stream.tosca.limits import Limits

STEPS = 50  # from one property to the next; each takes its share of the stack
FUNCTIONS = frozenset(
    (
        "get_input",
        "get_property",
        "get_attribute",
        "get_operation_output",
        "get_artifact",
        "concat",
        "token",
    )
)


class _Unknown:
    """Marks a value that is not known."""


_UNKNOWN = _Unknown()


def put_in_place(document: types.Document, limits: Limits) -> list[str]:
    """Replace the functions in a resolved document with its types; the faults found on the way.

    A function that reads itself, by however many steps, is a fault. Raises InvalidTemplateError as
    soon as more values or more text come of it than the limits allow, as each may be made of several
    others, and when a part is out of shape then.
    """
    walk = _Walk(document, limits)
    topology = document["topology_template"]
    for section in ("node_templates", "outputs"):
        path = f"topology_template.{section}"
        for name, part in (topology.get(section) or {}).items():
            context = name if section == "node_templates" else None
            topology[section][name] = walk.value(part, context, f"{path}.{name}")
    misshapen = shape.faults(document) if walk.replaced else []
    if misshapen:
        raise InvalidTemplateError([*walk.faults, *misshapen])
    for node in walk.nodes.values():
        _write_floats(document, node)
    return list(walk.faults)


def _write_floats(document: types.Document, node: types.Document) -> None:
    """Whole numbers become floats where the node's type asks for a float."""
    given = node.get("properties") or {}
    for name, value in given.items():
        schema = types.property_schema(document, node, name)
        given[name] = _as_float(value, schema)
    for capability, said in (node.get("capabilities") or {}).items():
        given = said.get("properties") or {}
        for name, value in given.items():
            schema = types.capability_schema(document, node, capability, name)
            given[name] = _as_float(value, schema)


def _as_float(value: Any, schema: Mapping[str, Any]) -> Any:
    if schema.get("type") == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


class _Walk:
    def __init__(self, document: types.Document, limits: Limits) -> None:
        self.document = document
        self.values_left = limits.max_nodes
        self.text_left = limits.max_bytes
        self.nodes: Mapping[str, Any] = document["topology_template"].get("node_templates") or {}
        self.faults: dict[str, None] = {}
        self.replaced = False  # whether a part may be out of shape now
        self.reading: list[tuple[Any, ...]] = []

    def value(self, value: Any, context: str | None, path: str) -> Any:
        """`value` with its functions replaced as far as that is possible."""
        self.values_left -= 1
        if self.values_left < 0 or self.text_left < 0:
            raise InvalidTemplateError([f"{path}: it is made of too many others"])
        if isinstance(value, list):
            return [self.value(item, context, f"{path}[{n}]") for n, item in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name == "get_property" and isinstance(argument, list) and len(argument) > 1:
                found = self._read(argument, context, path)
                self.replaced = self.replaced or found is not _UNKNOWN
                return value if found is _UNKNOWN else found
            if name == "get_attribute" and isinstance(argument, list) and len(argument) > 2:
                return {name: self._of_host(argument, context)}
            if name in ("concat", "token") and isinstance(argument, list):
                joined = resolve.joined(name, self.value(argument, context, f"{path}.{name}"))
                self.text_left -= len(joined) if isinstance(joined, str) else 0
                return joined
        return {key: self.value(item, context, f"{path}.{key}") for key, item in value.items()}

    def _read(self, argument: list[Any], context: str | None, path: str) -> Any:
        entity, *names = argument
        if not all(isinstance(name, str | int) for name in (entity, *names)):
            return _UNKNOWN
        if context is None and entity not in self.nodes:  # the TOSCA parser would break down on it
            self.faults[f'{path}: there is no node "{entity}"'] = None
            return ""
        key = (entity if entity not in ("SELF", "HOST") else (context, entity), *names)
        if key in self.reading:
            self.faults[f"{path}: get_property reads itself: {argument}"] = None
            return _UNKNOWN
        if len(self.reading) >= STEPS:
            raise InvalidTemplateError([f"{path}: get_property reads more than {STEPS} steps away"])
        self.reading.append(key)
        try:
            for name in self._entities(str(entity), context):
                found = self._of_node(name, names)
                if found is not _UNKNOWN:
                    found = self.value(found, name, path)
                    return _UNKNOWN if _runs(found) else found
            return _UNKNOWN
        finally:
            self.reading.pop()

    def _of_host(self, argument: list[Any], context: str | None) -> list[Any]:
        """An attribute of a capability of the host, with the host by its name.

        The TOSCA parser, here and in the Infrastructure Manager, looks for HOST among the nodes that
        have an attribute of the capability's name.
        """
        entity, capability, attribute, *rest = argument
        if entity == "HOST" and isinstance(capability, str) and isinstance(attribute, str):
            for name in self._entities("HOST", context):
                if types.has_attribute(self.document, self.nodes[name], capability, attribute):
                    return [name, capability, attribute, *rest]
        return argument

    def _entities(self, entity: str, context: str | None) -> list[str]:
        """The nodes that a function may mean, the nearest first."""
        if entity != "HOST":
            name = context if entity == "SELF" else entity
            return [name] if name in self.nodes and name is not None else []
        found: list[str] = []
        host = self._target(context, "host")
        while host is not None and host not in found:
            found.append(host)
            host = self._target(host, "host")
        return found

    def _of_node(self, name: str, names: list[Any]) -> Any:
        """A property of the node, of a capability of it, or of the node a requirement names."""
        node = self.nodes[name]
        found = types.node_property(self.document, node, names[0])
        if found is not None:
            return _inside(found, names[1:])
        if len(names) < 2:
            return _UNKNOWN
        found = types.capability_property(self.document, node, names[0], names[1])
        if found is not None:
            return _inside(found, names[2:])
        target = self._target(name, names[0])
        if target is None or target == name:
            return _UNKNOWN
        found = types.node_property(self.document, self.nodes[target], names[1])
        if found is None:
            found = types.capability_property(self.document, self.nodes[target], *names[:2])
        return _UNKNOWN if found is None else _inside(found, names[2:])

    def _target(self, name: str | None, requirement: str) -> str | None:
        """The node that a requirement of a node names."""
        for wanted in (self.nodes.get(name or "") or {}).get("requirements") or []:
            if requirement in wanted:
                found = resolve.target(wanted)
                return found if isinstance(found, str) and found in self.nodes else None
        return None


def _inside(value: Any, names: list[Any]) -> Any:
    """What stands at a place inside a list or map."""
    for name in names:
        if _is_function(value) or not resolve.has(value, name):
            return _UNKNOWN
        value = value[name]
    return value


def _runs(value: Any) -> bool:
    """Whether a value holds a function that is left."""
    if isinstance(value, dict):
        return _is_function(value) or any(map(_runs, value.values()))
    return isinstance(value, list) and any(map(_runs, value))


def _is_function(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in FUNCTIONS
