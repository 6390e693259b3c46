"""What we write fits the JSON Schema of its topic, and what fits the schema is read."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from support.messages import CARRYING, DOCS, bodies, example

from paas_stream.errors import InvalidMessageError
from paas_stream.schemas import fields_of, schema_of, version_of
from paas_stream.topics import TopicSpec

each = pytest.mark.parametrize("spec", CARRYING.values(), ids=lambda spec: spec.name)
some = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)


def check(spec: TopicSpec, value: bytes) -> dict[str, Any]:
    body = json.loads(value)
    Draft202012Validator(schema_of(spec)).validate(body)
    return body


@each
def test_every_schema_is_one_and_says_what_it_is_about(spec: TopicSpec) -> None:
    schema = schema_of(spec)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].split(":")[-2:] == [spec.name, version_of(spec.model)]
    assert schema["description"]
    for part in schema.get("$defs", {}).values():
        assert part["description"]


@each
@some
@given(data=st.data())
def test_what_fits_the_schema_is_read_and_written_so_that_it_fits_again(
    spec: TopicSpec, data: st.DataObject
) -> None:
    body = data.draw(bodies(spec))
    Draft202012Validator(schema_of(spec)).validate(body)
    message = spec.model.decode(json.dumps(body).encode())
    written = message.encode()
    check(spec, written)
    assert spec.model.decode(written) == message


@each
def test_the_example_is_what_we_write(spec: TopicSpec) -> None:
    assert (DOCS / "examples" / f"{spec.name}.json").exists(), "each message has an example"
    body = example(spec.name)
    message = spec.model.decode(json.dumps(body).encode())
    assert check(spec, message.encode()) == body
    assert body["msg_version"] == version_of(spec.model)


@each
def test_what_a_newer_peer_adds_is_read(spec: TopicSpec) -> None:
    body = example(spec.name) | {
        "added_later": {"x": [1]},
        "msg_version": f"{spec.model.major}.99.0",
    }
    check(spec, json.dumps(body).encode())
    assert spec.model.decode(json.dumps(body).encode()).msg_version == body["msg_version"]


@each
def test_another_major_version_fits_no_schema_and_is_refused(spec: TopicSpec) -> None:
    body = example(spec.name) | {"msg_version": "7.0.0"}
    with pytest.raises(ValidationError):
        check(spec, json.dumps(body).encode())
    with pytest.raises(InvalidMessageError, match=r"version 7\.0\.0 is unknown"):
        spec.model.decode(json.dumps(body).encode())


@each
def test_a_message_without_a_required_field_fits_no_schema_and_is_refused(spec: TopicSpec) -> None:
    body = example(spec.name)
    for field in schema_of(spec).get("required", []):
        without = json.dumps({k: v for k, v in body.items() if k != field}).encode()
        with pytest.raises(ValidationError):
            check(spec, without)
        with pytest.raises(InvalidMessageError, match=field):
            spec.model.decode(without)


@each
def test_json_that_is_encoded_twice_is_refused_in_a_sentence(spec: TopicSpec) -> None:
    twice = json.dumps(json.dumps(example(spec.name))).encode()
    with pytest.raises(InvalidMessageError, match="is it encoded twice"):
        spec.model.decode(twice)
    with pytest.raises(ValidationError):
        check(spec, twice)


@each
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_json_does_not_know_is_refused(spec: TopicSpec, number: str) -> None:
    body = json.dumps(example(spec.name) | {"added_later": 0})
    with pytest.raises(InvalidMessageError, match="not JSON"):
        spec.model.decode(body.replace('"added_later": 0', f'"added_later": {number}').encode())


@each
def test_every_number_and_every_time_has_bounds(spec: TopicSpec) -> None:
    """What is made of them must be something that JSON, the calendar and 64 bits can hold."""
    assert list(unbounded(schema_of(spec))) == []


def unbounded(schema: Any, path: str = "") -> Iterator[str]:
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if isinstance(schema, dict):
        bounds = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
        if schema.get("type") in ("integer", "number") and len(bounds & schema.keys()) < 2:
            yield path
        if schema.get("format") == "date-time" and "pattern" not in schema:
            yield path
        for name, part in schema.items():
            yield from unbounded(part, f"{path}/{name}")


@each
def test_an_example_is_far_below_the_brokers_limit(spec: TopicSpec) -> None:
    assert len(json.dumps(example(spec.name))) < 20_000


@each
def test_no_schema_lets_a_secret_be_named_in_clear(spec: TopicSpec) -> None:
    text = json.dumps(schema_of(spec)).lower()
    for word in ("password", "private_key", "client_secret"):
        assert word not in text


@each
def test_every_field_is_listed_once_with_its_type(spec: TopicSpec) -> None:
    fields = fields_of(spec)
    paths = [field.path for field in fields]
    assert len(paths) == len(set(paths))
    assert set(schema_of(spec)["properties"]) == {
        path.rstrip("[]{}") for path in paths if "." not in path
    }
    assert all(field.type for field in fields)
