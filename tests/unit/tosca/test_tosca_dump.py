"""YAML text for programs means what was dumped, to a YAML 1.1 reader."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.tosca import yamltext

# what JSON from Kafka can spell, as the document of a deployment; YAML forbids lone surrogates
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=30,
)


@given(value=values)
def test_a_stock_reader_gets_what_was_dumped(value: Any) -> None:
    assert yaml.safe_load(yamltext.dump_fast(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        {"size": 1e16},
        {"size": 1e-07},
        {"size": float("inf")},
        {"k" * 2000: 1},
        {"text": "a\u2028b\u0085c\x7f\ufeff\uffff\U0001f600"},
        {"text": "yes", "time": "2026-01-01", "octal": "010", "tab": "\t", "null": "~"},
    ],
    ids=["great", "small", "infinite", "long key", "odd characters", "plain words"],
)
def test_what_json_and_yaml_read_differently_is_kept(value: Any) -> None:
    assert yaml.safe_load(yamltext.dump_fast(value)) == value


def test_an_ordinary_document_is_json() -> None:
    value = {"a": {"b": [1, 2.5, "x", None, True]}}
    assert json.loads(yamltext.dump_fast(value)) == value
