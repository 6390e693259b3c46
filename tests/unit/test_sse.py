"""The client's side of an event stream."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.sse import ServerEvent, parse


@pytest.mark.parametrize(
    ("lines", "events"),
    [
        ([b"data: a", b""], [ServerEvent("message", "a", None)]),
        ([b"id: 7", b"event: status", b"data: a", b""], [ServerEvent("status", "a", "7")]),
        ([b"data: a", b"data: b", b""], [ServerEvent("message", "a\nb", None)]),
        ([b"data:a", b""], [ServerEvent("message", "a", None)]),
        ([b": ping", b"", b"retry: 1000", b""], []),
        ([b"event: status", b"", b"data: a", b""], [ServerEvent("message", "a", None)]),
        ([b"data: half an event"], []),
        ([b"data: \xff", b""], [ServerEvent("message", "\ufffd", None)]),
    ],
)
def test_lines_are_read_as_browsers_read_them(
    lines: list[bytes], events: list[ServerEvent]
) -> None:
    assert list(parse(lines)) == events


@given(st.lists(st.text()))
def test_any_text_comes_through_as_json(texts: list[str]) -> None:
    stream = b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in texts)
    assert [json.loads(one.data) for one in parse(stream.splitlines())] == texts
