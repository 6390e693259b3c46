"""Messages as a JSON Schema allows them, and examples of them."""

import json
from datetime import UTC
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from paas_stream.records.base import FIRST_YEAR, LAST_YEAR
from paas_stream.schemas import schema_of
from paas_stream.topics import TOPICS, TopicSpec

DOCS = Path(__file__).resolve().parents[2] / "docs" / "messages"
CARRYING = {spec.name: spec for spec in TOPICS.values() if spec.has_messages}

_MOST = 10**12  # numbers of messages are not larger
_scalars = st.none() | st.booleans() | st.integers(-_MOST, _MOST) | st.text(max_size=8)
_free = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=4,
)


def example(name: str) -> Any:
    """The message of a topic that the documentation shows."""
    return json.loads((DOCS / "examples" / f"{name}.json").read_text())


def bodies(spec: TopicSpec) -> st.SearchStrategy[dict[str, Any]]:
    """All that fits a topic's schema, of any minor version."""
    schema = schema_of(spec)
    versions = st.sampled_from(["", ".0", ".0.0", ".99.1"]).map(f"{spec.model.major}{{}}".format)
    rest = schema | {
        "properties": {k: v for k, v in schema["properties"].items() if k != "msg_version"}
    }
    return st.builds(
        lambda body, version: body | {"msg_version": version},
        _values(rest, schema.get("$defs", {})),
        versions,
    )


def _values(schema: dict[str, Any], parts: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in schema:
        return st.one_of([_values(one, parts) for one in schema["anyOf"]])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    match schema["type"]:
        case "object":
            return _objects(schema, parts)
        case "array":
            return st.lists(
                _values(schema.get("items", {"type": "string"}), parts),
                min_size=schema.get("minItems", 0),
                max_size=schema.get("maxItems", 2),
            )
        case "string":
            return _texts(schema)
        case "integer":
            return st.integers(schema.get("minimum", -_MOST), schema.get("maximum", _MOST))
        case "number":
            return st.floats(
                schema.get("minimum", schema.get("exclusiveMinimum", -_MOST)),
                schema.get("maximum", schema.get("exclusiveMaximum", _MOST)),
                exclude_min="exclusiveMinimum" in schema,
                exclude_max="exclusiveMaximum" in schema,
            )
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise NotImplementedError(schema)


def _objects(schema: dict[str, Any], parts: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    if "properties" in schema:
        fields = {name: _values(one, parts) for name, one in schema["properties"].items()}
        required = {name: fields.pop(name) for name in schema.get("required", ())}
        return st.fixed_dictionaries(required, optional=fields)
    values = schema.get("additionalProperties", True)
    inner = _values(values, parts) if isinstance(values, dict) else _free
    return st.dictionaries(st.text(max_size=5), inner, max_size=2)


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date-time":
        years = st.integers(FIRST_YEAR, LAST_YEAR)
        moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.day < 29)
        return st.builds(lambda moment, year: moment.replace(year=year).isoformat(), moments, years)
    if "pattern" in schema:
        pattern = schema["pattern"].removeprefix("^").removesuffix("$")
        return st.from_regex(pattern, fullmatch=True)
    return st.text(min_size=schema.get("minLength", 0), max_size=schema.get("maxLength", 12))
