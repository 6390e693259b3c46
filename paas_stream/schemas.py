"""The JSON Schema of each message, made from its record, for those who read or write our topics.

What we write fits the schema, and what fits the schema is read. So only a field without a default
is required, and no field is forbidden. The comment of a field in the code, which gives its unit and
meaning, is its description here.
"""

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from paas_stream.records import Message, Record
from paas_stream.topics import TopicSpec

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


class Field(NamedTuple):
    """One line about a field of a message."""

    path: str  # `a.b` in an object; `a[]`: each of a list; `a{}`: each value of a map
    type: str
    required: bool
    meaning: str


def version_of(model: type[Message]) -> str:
    """The version in which we write it."""
    return str(model.model_fields["msg_version"].default)


@cache
def schema_of(spec: TopicSpec) -> dict[str, Any]:
    """The schema (draft 2020-12) of what a topic carries; not to be changed by the caller."""
    model, version = spec.model, version_of(spec.model)
    schema = model.model_json_schema(mode="serialization")
    parts = {"": schema} | schema.get("$defs", {})
    for record in _records(model):
        part = parts["" if record is model else record.__name__]
        comments = field_comments(record)
        for name, given in part["properties"].items():
            given.pop("title", None)  # the name once more
            if name in comments:
                given["description"] = comments[name]
    schema["properties"]["msg_version"]["pattern"] = rf"^{model.major}(\..*)?$"
    return {
        "$schema": DIALECT,
        "$id": f"urn:paas-stream:message:{spec.name}:{version}",
        **schema,
        "title": f"{spec.name} {version}",
    }


def _records(model: type[Record]) -> Iterator[type[Record]]:
    """The model and all records in its fields."""
    left: list[Any] = [model]
    seen: set[Any] = set()
    while left:
        one = left.pop()
        if isinstance(one, type) and issubclass(one, Record) and one not in seen:
            seen.add(one)
            yield one
            left.extend(field.annotation for field in one.model_fields.values())
        else:
            left.extend(getattr(one, "__args__", ()))


@cache
def field_comments(record: type[Record]) -> dict[str, str]:
    """The comments that stand beside the fields of a record and of the records that it extends."""
    found: dict[str, str] = {}
    for base in reversed(record.__mro__):
        if issubclass(base, Record):
            found |= _comments_of(base)
    return found


def _comments_of(record: type[Record]) -> dict[str, str]:
    source = textwrap.dedent(inspect.getsource(record))
    comments = {
        token.start[0]: token.string.lstrip("# ")
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    }
    found = {}
    [definition] = ast.parse(source).body
    for node in ast.iter_child_nodes(definition):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            text = " ".join(comments[line] for line in lines if line in comments)
            if text and node.target.id in record.model_fields:
                found[node.target.id] = text
    return found


def fields_of(spec: TopicSpec) -> list[Field]:
    """All fields of a topic's messages, nested ones under their path."""
    schema = schema_of(spec)
    return list(_fields(schema, schema.get("$defs", {}), ""))


def _fields(part: dict[str, Any], parts: dict[str, Any], prefix: str) -> Iterator[Field]:
    required = part.get("required", ())
    for name, given in part["properties"].items():
        suffix, kind, nested = _type(given, parts)
        meaning = given.get("description") or (nested or {}).get("description", "")
        meaning = meaning.partition("\n")[0]
        default = given.get("default")
        if default not in (None, "", [], {}):
            meaning = f"{meaning}; default {default}" if meaning else f"default {default}"
        yield Field(f"{prefix}{name}{suffix}", kind, name in required, meaning)
        if nested is not None:
            yield from _fields(nested, parts, f"{prefix}{name}{suffix}.")


def _type(given: dict[str, Any], parts: dict[str, Any]) -> tuple[str, str, dict[str, Any] | None]:
    """Suffix of the path, the type in words, and the object that the field holds, if any."""
    if "$ref" in given:
        return _type(parts[given["$ref"].rpartition("/")[2]], parts)
    options = [one for one in given.get("anyOf", ()) if one.get("type") != "null"]
    if len(options) == 1:
        return _type(options[0], parts)
    if options:
        return "", " or ".join(_type(one, parts)[1] for one in options), None
    if "enum" in given or "const" in given:
        values = given.get("enum", [given.get("const")])
        return "", " | ".join(map(str, values)), None
    match given.get("type"):
        case "array":
            items = given.get("items") or {}
            suffix, kind, nested = _type(items, parts)
            return f"[]{suffix}", kind, nested
        case "object" if "properties" in given:
            return "", "object", given
        case "object" if isinstance(given.get("additionalProperties"), dict):
            suffix, kind, nested = _type(given["additionalProperties"], parts)
            return f"{{}}{suffix}", kind, nested
        case "object":
            return "", "object", None
        case kind:
            return "", str(given.get("format") or kind or "any"), None
