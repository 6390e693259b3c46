"""The outer form of a template: what must hold before its parts can be looked at.

The TOSCA parser ends with a bare AttributeError or TypeError on a template that is out of shape;
this module says what is wrong where.
"""

from collections.abc import Callable, Iterator
from typing import Any

from paas_stream.tosca.catalogue import SECTIONS

# 1.1 is missing because the TOSCA parser does not know it.
VERSIONS = ("tosca_simple_yaml_1_0", "tosca_simple_yaml_1_2", "tosca_simple_yaml_1_3")


def faults(tree: Any) -> list[str]:
    """Everything that is out of shape, each with its path; without any, all can be read."""
    if not isinstance(tree, dict):
        return [f"the template must be a map, not {kind(tree)}"]
    found = _head(tree)
    topology = tree.get("topology_template")
    if not isinstance(topology, dict):
        return [*found, f"topology_template: a map is needed, not {kind(topology)}"]
    return [*found, *_topology(topology)]


def type_file_faults(tree: Any) -> list[str]:
    """Everything that is out of shape in a file of type definitions."""
    if not isinstance(tree, dict):
        return [f"a type file must be a map, not {kind(tree)}"]
    found = _head(tree)
    if "topology_template" in tree:
        found.append("topology_template: a type file has none, and this is a template")
    return found


def kind(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing"
    names = {dict: "a map", list: "a list", str: "text", bool: "a boolean"}
    return names.get(type(value), "a number")


def _head(tree: dict[str, Any]) -> list[str]:
    """Faults of what stands beside a topology."""
    found = list(_version(tree))
    for section in SECTIONS:
        found += _each(tree, section, "", _type)
    for section in ("metadata", "repositories"):
        found += _maps(tree, section, section)
    found += _text(tree, "description", "description")
    return found


def _version(tree: dict[str, Any]) -> Iterator[str]:
    version = tree.get("tosca_definitions_version")
    if version not in VERSIONS:
        said = f'"{version}" is not accepted' if version else "it is missing"
        yield f"tosca_definitions_version: {said}, use one of {', '.join(VERSIONS)}"


def _topology(topology: dict[str, Any]) -> Iterator[str]:
    path = "topology_template"
    yield from _text(topology, "description", f"{path}.description")
    yield from _each(topology, "inputs", path, _input)
    yield from _each(topology, "outputs", path, _map)
    yield from _each(topology, "relationship_templates", path, _template)
    yield from _maps(topology, "substitution_mappings", f"{path}.substitution_mappings")
    yield from _each(topology, "groups", path, _template)
    if not topology.get("node_templates"):
        yield f"{path}.node_templates: the template has no node"
    yield from _each(topology, "node_templates", path, _node)
    yield from _policies(topology.get("policies"), f"{path}.policies")


def _policies(policies: Any, path: str) -> Iterator[str]:
    if policies is None:
        return
    if not isinstance(policies, list):
        yield f"{path}: a list is needed, not {kind(policies)}"
        return
    for number, policy in enumerate(policies):
        where = f"{path}[{number}]"
        if not isinstance(policy, dict) or len(policy) != 1:
            yield f"{where}: a map with one entry, the policy's name, is needed"
            continue
        name, definition = next(iter(policy.items()))
        yield from _template(definition, f"{where}.{name}")


def _map(value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: a map is needed, not {kind(value)}"


def _typed(value: Any, path: str) -> Iterator[str]:
    yield from _map(value, path)
    if isinstance(value, dict) and not isinstance(value.get("type"), str):
        yield f"{path}.type: the name of a type is needed, not {kind(value.get('type'))}"


def _input(value: Any, path: str) -> Iterator[str]:
    yield from _typed(value, path)
    if isinstance(value, dict):
        yield from _list(value, "constraints", path)


def _template(value: Any, path: str) -> Iterator[str]:
    yield from _typed(value, path)
    if isinstance(value, dict):
        yield from _maps(value, "properties", f"{path}.properties")
        yield from _list(value, "targets", path)
        yield from _list(value, "members", path)


def _type(definition: Any, path: str) -> Iterator[str]:
    """A type definition; only as far as its parts must be maps or text to be read."""
    yield from _map(definition, path)
    if not isinstance(definition, dict):
        return
    yield from _text(definition, "derived_from", f"{path}.derived_from")
    typed = _map if path.startswith("artifact_types.") else _typed
    yield from _each(definition, "properties", path, typed)
    yield from _each(definition, "attributes", path, _typed)
    yield from _each(definition, "capabilities", path, _typed)
    yield from _each(definition, "interfaces", path, _map)
    yield from _maps(definition, "artifacts", f"{path}.artifacts")
    yield from _requirements(definition.get("requirements"), f"{path}.requirements")


def _node(node: Any, path: str) -> Iterator[str]:
    yield from _typed(node, path)
    if not isinstance(node, dict):
        return
    for key in ("properties", "attributes", "artifacts"):
        yield from _maps(node, key, f"{path}.{key}")
    yield from _each(node, "capabilities", path, _capability)
    yield from _each(node, "interfaces", path, _interface)
    yield from _requirements(node.get("requirements"), f"{path}.requirements")


def _capability(capability: Any, path: str) -> Iterator[str]:
    yield from _map(capability, path)
    if not isinstance(capability, dict):
        return
    yield from _map(capability.get("properties"), f"{path}.properties")
    properties = capability.get("properties")
    if isinstance(properties, dict) and "default_instances" in properties:
        for name in ("min_instances", "max_instances"):
            if not isinstance(properties.get(name), int | dict):
                yield f"{path}.properties.{name}: it is needed beside default_instances"


def _interface(interface: Any, path: str) -> Iterator[str]:
    yield from _map(interface, path)
    if isinstance(interface, dict):
        for name, operation in interface.items():
            if isinstance(operation, dict):
                yield from _maps(operation, "inputs", f"{path}.{name}.inputs")


def _requirements(requirements: Any, path: str) -> Iterator[str]:
    if requirements is None:
        return
    if not isinstance(requirements, list):
        yield f"{path}: a list is needed, not {kind(requirements)}"
        return
    for number, requirement in enumerate(requirements):
        where = f"{path}[{number}]"
        if not isinstance(requirement, dict) or len(requirement) != 1:
            yield f"{where}: a map with one entry, the requirement's name, is needed"
            continue
        name, target = next(iter(requirement.items()))
        if isinstance(target, dict):
            yield from _text(target, "node", f"{where}.{name}.node")
            yield from _relationship(target.get("relationship"), f"{where}.{name}.relationship")
        elif not isinstance(target, str):
            yield f"{where}.{name}: the name of a node or a map is needed, not {kind(target)}"


def _relationship(relationship: Any, path: str) -> Iterator[str]:
    if relationship is not None and not isinstance(relationship, str):
        yield from _template(relationship, path)


def _text(parent: dict[str, Any], key: str, path: str) -> Iterator[str]:
    """Faults when `key` is there and no text."""
    if parent.get(key) is not None and not isinstance(parent[key], str):
        yield f"{path}: text is needed, not {kind(parent[key])}"


def _list(parent: dict[str, Any], key: str, path: str) -> Iterator[str]:
    """Faults when `key` is there and no list."""
    if parent.get(key) is not None and not isinstance(parent[key], list):
        yield f"{path}.{key}: a list is needed, not {kind(parent[key])}"


def _maps(parent: dict[str, Any], key: str, path: str) -> Iterator[str]:
    """Faults when `key` is there and no map."""
    if parent.get(key) is not None and not isinstance(parent[key], dict):
        yield f"{path}: a map is needed, not {kind(parent[key])}"


def _each(
    parent: dict[str, Any], key: str, path: str, check: Callable[[Any, str], Iterator[str]]
) -> Iterator[str]:
    """What `check` finds in the entries of the map `key`, if there is one."""
    path = f"{path}.{key}".lstrip(".")
    yield from _maps(parent, key, path)
    if isinstance(parent.get(key), dict):
        for name, value in parent[key].items():
            yield from check(value, f"{path}.{name}")
