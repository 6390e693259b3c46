"""A template's inputs: each value converted, checked against its definition, or its default taken.

The TOSCA parser enforces neither required inputs nor constraints, so this does. Falsy values (0,
false, "") are values; only null means that none was given.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from paas_stream.tosca import values

FIELDS = frozenset(
    (
        "type",
        "description",
        "default",
        "constraints",
        "required",
        "status",
        "key_schema",
        "entry_schema",
        "metadata",
    )
)


@dataclass
class Checked:
    """What became of the inputs."""

    values: dict[str, Any] = field(default_factory=dict)  # without those at fault; None = no value
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # those that the template does not declare


def check(
    definitions: Mapping[str, Any],
    given: Mapping[str, Any],
    known_types: frozenset[str],
    *,
    draft: bool = False,
) -> Checked:
    """Check `given` against the template's input definitions.

    `known_types` are the data types that an input may have besides those of TOSCA itself; their
    values are checked where the input is used. In a `draft`, an input that needs a value may be
    without one: it is then not among the values.
    """
    checked = Checked()
    for name, definition in definitions.items():
        path = f"topology_template.inputs.{name}"
        found = list(_definition(definition, path, known_types))
        if not found and given.get(name) is None and definition.get("default") is None:
            found = list(_constraints(definition, path))  # no value will show what is wrong
        if not found and not (draft and _lacks_value(definition, given.get(name))):
            try:
                checked.values[name] = _value(name, path, definition, given.get(name))
            except values.ValueFault as exc:
                found = [str(exc)]
        checked.faults += found
    for name in given:
        if name not in definitions:
            checked.unknown.append(f'inputs.{name}: the template declares no input "{name}"')
    return checked


def is_required(definition: Mapping[str, Any]) -> bool:
    """Whether a deployment must give a value."""
    return definition.get("default") is None and definition.get("required", True) is not False


def _lacks_value(definition: Mapping[str, Any], given: Any) -> bool:
    return given is None and is_required(definition)


def _definition(
    definition: Mapping[str, Any], path: str, known_types: frozenset[str]
) -> Iterator[str]:
    for unknown in definition.keys() - FIELDS:
        yield f'{path}: the field "{unknown}" is not known'
    if not values.is_known(definition["type"]) and definition["type"] not in known_types:
        yield f'{path}.type: the type "{definition["type"]}" is not known'


def _constraints(definition: Mapping[str, Any], path: str) -> Iterator[str]:
    for number, constraint in enumerate(definition.get("constraints") or []):
        try:
            values.rule(definition["type"], constraint, f"{path}.constraints[{number}]")
        except values.ValueFault as exc:
            yield str(exc)


def _value(name: str, path: str, definition: Mapping[str, Any], given: Any) -> Any:
    if given is not None:
        return values.checked(given, definition, f"inputs.{name}")
    default = definition.get("default")
    if default is not None:
        return values.checked(default, definition, f"{path}.default")
    if not is_required(definition):
        return None
    raise values.ValueFault(
        f"inputs.{name}: a value is needed ({definition['type']}) and none is given"
    )
