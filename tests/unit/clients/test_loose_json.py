"""JSON of servers that write what JSON does not have."""

import json
from typing import Any

import orjson
import pytest

from paas_stream.clients import loose_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, null, "x"]}', {"a": [1, 2.5, None, "x"]}),
        ('{"a": NaN, "b": -Infinity}', {"a": "NaN", "b": "-Infinity"}),
        ('{"a": 1e400, "b": 0.5}', {"a": "1e400", "b": 0.5}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('["\\ud800"]', ["?"]),
        ("1" + "0" * 30, 1e30),
    ],
)
def test_what_a_message_cannot_carry_becomes_text(text: str, value: Any) -> None:
    read = loose_json.read(text)
    assert read == value
    assert json.loads(orjson.dumps(read)) == value


@pytest.mark.parametrize("text", ["", "{", "tru", "[" * 100_000, "9" * 5000 + "x"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises((ValueError, RecursionError)):
        loose_json.read(text)
