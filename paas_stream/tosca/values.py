"""Values of TOSCA types: text that spells a value is converted, the rest is checked.

Constraints and units are those of the TOSCA parser, used by hand.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from toscaparser.common.exception import TOSCAException
from toscaparser.elements.constraints import Constraint
from toscaparser.elements.scalarunit import (
    ScalarUnit_Frequency,
    ScalarUnit_Size,
    ScalarUnit_Time,
)
from toscaparser.utils import validateutils

INTEGER = re.compile(r"[+-]?\d{1,20}")
SCALAR = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*")
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
SHOWN = 80  # characters of a value that a message repeats


class ValueFault(ValueError):
    """A value that does not fit; the text is a sentence with the path."""


def is_known(type_name: str) -> bool:
    """Whether a type is one of TOSCA itself; others are data types that a definition must give."""
    return type_name in CONVERTERS or type_name.startswith("tosca.datatypes.")


def checked(value: Any, schema: Mapping[str, Any], path: str) -> Any:
    """`value` as the type of `schema` has it.

    A value of a data type is returned as it is: the TOSCA parser checks it where it is used.
    Raises ValueFault when the value has another type or breaks a constraint.
    """
    convert = CONVERTERS.get(schema["type"], _complex)
    try:
        result = convert(value)
    except ValueError as exc:
        expected = str(exc) or f"{schema['type']} is needed"
        raise ValueFault(f"{path}: {shown(value)} is not accepted, {expected}") from exc
    result = _entries(result, schema.get("entry_schema"), path)
    for constraint in schema.get("constraints") or []:
        _constrain(result, schema["type"], constraint, path)
    return result


def size(value: Any, unit: str) -> float:
    """A size such as "4 GB" in `unit`: B, kB, KiB, MB, MiB, GB, GiB, TB or TiB.

    Raises ValueError when it is no size.
    """
    text = _scalar(ScalarUnit_Size)(value)
    return float(ScalarUnit_Size(text).get_num_from_scalar_unit(unit))


def shown(value: Any) -> str:
    """A value as messages show it, shortened."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _entries(value: Any, entry_schema: Any, path: str) -> Any:
    if isinstance(entry_schema, str):
        entry_schema = {"type": entry_schema}
    if not isinstance(entry_schema, dict) or not isinstance(entry_schema.get("type"), str):
        return value
    if isinstance(value, list):
        return [checked(item, entry_schema, f"{path}[{n}]") for n, item in enumerate(value)]
    if isinstance(value, dict):
        return {name: checked(item, entry_schema, f"{path}.{name}") for name, item in value.items()}
    return value


def rule(type_name: str, constraint: Any, path: str) -> Any:
    """A constraint as the TOSCA parser has it. Raises ValueFault when it cannot be used."""
    try:
        return Constraint("value", type_name, _as_type(constraint, type_name))
    except Exception as exc:  # it comes from the template: anything can be wrong with it
        raise ValueFault(f"{path}: the constraint {shown(constraint)} cannot be used") from exc


def _constrain(value: Any, type_name: str, constraint: Any, path: str) -> None:
    made = rule(type_name, constraint, path)
    try:
        made.validate(value)
    except (TOSCAException, ValueError, TypeError) as exc:
        name, expected = next(iter(constraint.items()))
        raise ValueFault(
            f"{path}: {shown(value)} is not accepted, {name} {shown(expected)} is asked"
        ) from exc


def _as_type(constraint: Any, type_name: str) -> Any:
    """A version is compared as text, and YAML reads `16.04` in a constraint as a number."""
    if type_name != "version" or not isinstance(constraint, dict):
        return constraint
    return {
        name: [str(item) for item in expected] if isinstance(expected, list) else str(expected)
        for name, expected in constraint.items()
    }


def _integer(value: Any) -> int:
    if isinstance(value, str) and INTEGER.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("a whole number is needed")
    if not INT_MIN <= value <= INT_MAX:
        raise ValueError("a whole number of 64 bits is needed")
    return value


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a number is needed")
    try:
        number = float(value)
    except ValueError as exc:
        raise ValueError("a number is needed") from exc
    if not math.isfinite(number):
        raise ValueError("a finite number is needed")
    return number


def _number(value: Any) -> int | float:
    try:
        return _integer(value)
    except ValueError:
        return _float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ValueError("true or false is needed")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("text is needed")
    return value


def _version(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("a version such as 2.1 is needed")
    text = str(value)
    if not validateutils.TOSCAVersionProperty.VERSION_RE.match(text):
        raise ValueError("a version such as 2.1 is needed")
    return text


def _timestamp(value: Any) -> str:
    text = _string(value)
    try:
        validateutils.dateutil.parser.parse(text)
    except (ValueError, OverflowError) as exc:
        raise ValueError("a time such as 2030-01-31T12:00:00Z is needed") from exc
    return text


def _list(value: Any) -> list[Any]:
    value = _json(value)
    if not isinstance(value, list):
        raise ValueError("a list is needed")
    return value


def _map(value: Any) -> dict[str, Any]:
    value = _json(value)
    if not isinstance(value, dict):
        raise ValueError("a map is needed")
    return value


def _range(value: Any) -> list[Any]:
    items = _list(value)
    ends = [item if item == "UNBOUNDED" else _integer(item) for item in items]
    numbers = [end for end in ends if isinstance(end, int)]
    if len(ends) != 2 or numbers != sorted(numbers):
        raise ValueError("a range such as [1, 10] is needed")
    return ends


def _complex(value: Any) -> Any:
    return _json(value)


def _json(value: Any) -> Any:
    """The list or map that a text spells as JSON, else the value."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            found = json.loads(value, parse_constant=_refuse, parse_float=_float)
            orjson.dumps(found)  # half a character, or more than 64 bits: no message can carry it
        except (TypeError, ValueError, RecursionError):
            return value
        return found
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number that can be used")


def _scalar(unit_class: Any) -> Callable[[Any], str]:
    """A converter for a number with a unit; units are read in any case, and written as defined."""
    units: dict[str, str] = {unit.lower(): unit for unit in unit_class.SCALAR_UNIT_DICT}

    def convert(value: Any) -> str:
        match = SCALAR.fullmatch(value) if isinstance(value, str) else None
        unit = units.get(match[2].lower()) if match else None
        if match is None or unit is None:
            raise ValueError(f"a number with a unit ({', '.join(units.values())}) is needed")
        return f"{match[1]} {unit}"

    return convert


CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "integer": _integer,
    "float": _float,
    "number": _number,
    "boolean": _boolean,
    "string": _string,
    "version": _version,
    "timestamp": _timestamp,
    "range": _range,
    "list": _list,
    "map": _map,
    "scalar-unit.size": _scalar(ScalarUnit_Size),
    "scalar-unit.frequency": _scalar(ScalarUnit_Frequency),
    "scalar-unit.time": _scalar(ScalarUnit_Time),
    "PortDef": _integer,
    "PortSpec": _complex,
}
