"""The decorator: one event at a time, what goes into `errors`, and when the process ends."""

import asyncio
import base64
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from paas_stream import topics
from paas_stream.durable import agents
from paas_stream.durable.agents import Received, agent, error_record
from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.errors import InvalidMessageError, PermanentError, TemporaryError
from paas_stream.records import DispatchEvent, ErrorRecord, Source

UUID = "6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b5e"
SOURCE = Source(topic="template", partition=1, offset=7, key="a key")


async def nothing(received: Received) -> None:
    """Handles nothing."""


class Stream:
    """One event after the other; what is taken next acknowledges what came before."""

    def __init__(self, *values: bytes) -> None:
        self._messages = [
            SimpleNamespace(
                topic=topics.DISPATCH_EVENTS,
                partition=1,
                offset=offset,
                key=UUID.encode(),
                value=value,
                timestamp=1.0,
            )
            for offset, value in enumerate(values)
        ]

    async def events(self) -> AsyncIterator[Any]:
        for message in self._messages:
            yield SimpleNamespace(message=message)


@pytest.fixture
def in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every record is in the partition of its uuid."""

    async def partition_of(self: DurableApp, topic: str, key: str) -> int:
        return 1

    monkeypatch.setattr(DurableApp, "partition_of", partition_of)


def test_concurrency_is_always_one(app: DurableApp) -> None:
    made = agent(app, "box", topics.DISPATCH_EVENTS, topics.TRACKER_EVENTS)(nothing)
    assert made.concurrency == 1


@pytest.mark.usefixtures("in_place")
async def test_an_event_that_is_cancelled_ends_the_process(app: DurableApp, ends: Any) -> None:
    async def endless(received: Received) -> None:
        await asyncio.sleep(3600)

    made = agent(app, "box", topics.DISPATCH_EVENTS)(endless)
    stream = Stream(DispatchEvent(uuid=UUID, event="tick").encode())
    handling = asyncio.ensure_future(anext(made.fun(stream)))
    await asyncio.sleep(0)
    handling.cancel()
    with pytest.raises(ends) as ended:
        await handling
    assert ended.value.code == Exit.CRASHED


@pytest.mark.usefixtures("in_place")
async def test_the_position_moves_when_an_event_is_handled(app: DurableApp) -> None:
    made = agent(app, "box", topics.DISPATCH_EVENTS)(nothing)
    value = DispatchEvent(uuid=UUID, event="tick").encode()
    assert [offset async for offset in made.fun(Stream(value, value))] == [0, 1]
    assert app.positions.next_offset("box", topics.DISPATCH_EVENTS, 1) == 2


async def test_an_event_about_an_error_makes_no_error(
    app: DurableApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = agent(app, "box", topics.ERRORS)(nothing)
    stream = Stream(b"null")
    stream._messages[0].topic = topics.ERRORS
    assert [offset async for offset in made.fun(stream)] == [0]


def test_the_payload_of_an_unreadable_record_is_copied() -> None:
    record = error_record("box", "decode", InvalidMessageError("no"), SOURCE, None, b"\xff")
    assert base64.b64decode(record.payload_base64 or "") == b"\xff"
    assert (record.code, record.message, record.retriable) == ("invalid_message", "no", False)
    assert record.source == SOURCE


@pytest.mark.parametrize(
    ("exc", "payload", "is_copied"),
    [
        (InvalidMessageError("no"), b"x" * agents.PAYLOAD_MAX, True),
        (InvalidMessageError("no"), b"x" * (agents.PAYLOAD_MAX + 1), False),
        (InvalidMessageError("no"), None, False),
        (ValueError("no"), b"x", True),
        (PermanentError("no"), b"x", False),  # the reason is known: the payload tells nothing
    ],
)
def test_a_payload_is_copied_when_it_helps_and_fits(
    exc: Exception, payload: bytes | None, is_copied: bool
) -> None:
    record = error_record("box", "handle", exc, SOURCE, UUID, payload)
    assert (record.payload_base64 is not None) == is_copied


def test_a_temporary_error_is_said_to_be_one() -> None:
    assert error_record("box", "read", TemporaryError("busy"), None, None, None).retriable


def test_an_error_about_a_name_that_is_no_text_can_be_sent() -> None:
    """Such a name comes from a file's."""
    record = error_record("box", "read", TemporaryError("p\udcff: busy"), None, None, None)
    assert ErrorRecord.decode(record.encode()).message == "p?: busy"


def test_an_error_record_is_small_whatever_others_write() -> None:
    source = SOURCE.model_copy(update={"key": r"\xff" * 500_000})
    exc = InvalidMessageError("fault; " * 500_000)
    record = error_record("box", "decode", exc, source, None, b"x" * agents.PAYLOAD_MAX)
    assert len(record.encode()) < 400 * 1024
    without = record.model_copy(update={"payload_base64": None})
    assert len(without.encode()) < 40 * 1024


def test_a_record_is_named_by_its_place_and_moment() -> None:
    received = Received("template", None, SOURCE, 1700000000.1234)
    assert received.id == "template/1/7@1700000000.123"
