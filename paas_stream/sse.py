"""Reads server-sent events: the client's side of an event stream."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class ServerEvent:
    """One event as it came."""

    event: str
    data: str
    id: str | None  # where to go on after it, when it says so


def parse(lines: Iterable[bytes]) -> Iterator[ServerEvent]:
    """The events in the lines of a stream; comments and unknown fields are left out.

    Lines are bytes: text would be split at characters that end a line in Unicode but not here.
    """
    event, data, last_id = "message", list[str](), None
    for line in lines:
        name, _, rest = line.decode("utf-8", "replace").partition(":")
        value = rest.removeprefix(" ")
        match name:
            case "" if not line:
                if data:
                    yield ServerEvent(event, "\n".join(data), last_id)
                event, data, last_id = "message", [], None
            case "event":
                event = value
            case "data":
                data.append(value)
            case "id":
                last_id = value
