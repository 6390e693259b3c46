"""An event stream of a worker, one event at a time."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import requests

from paas_stream import sse

QUIET_S = 30.0  # a stream that says nothing for this long, not even a comment, fails the test


@dataclass(frozen=True)
class Told:
    """One event."""

    event: str
    data: Any
    id: str | None


@contextmanager
def stream(url: str, last_event_id: str | None = None, **query: str) -> Iterator[Iterator[Told]]:
    """The events of one stream, as they come."""
    headers = {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    with requests.get(
        url, params=query, headers=headers, stream=True, timeout=(5, QUIET_S)
    ) as answer:
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Type"] == "text/event-stream"
        yield told(answer.iter_lines(chunk_size=1))


def told(lines: Iterator[bytes]) -> Iterator[Told]:
    """The events in lines."""
    for one in sse.parse(lines):
        yield Told(one.event, json.loads(one.data), one.id)
