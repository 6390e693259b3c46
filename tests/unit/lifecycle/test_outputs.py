"""Outputs: whether all of them are there."""

from typing import Any

import pytest

from paas_stream.lifecycle.outputs import is_whole


@pytest.mark.parametrize(
    ("outputs", "whole"),
    [
        ({}, True),
        ({"address": "10.0.0.1", "ports": [1], "none": [], "no": False, "empty": ""}, True),
        ({"address": None}, False),
        ({"address": "10.0.0.1", "public": ["192.0.2.1", None]}, False),
        ({"credentials": {"user": "me", "token": None}}, True),
    ],
)
def test_an_output_without_a_value_is_missing(outputs: dict[str, Any], whole: bool) -> None:
    assert is_whole(outputs) is whole
