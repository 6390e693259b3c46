"""Rules 1 and 25a: an event whose handling fails is in `errors` before it is acknowledged."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from support.broker import Broker
from support.events import event
from support.waiting import wait_until

from paas_stream.durable.agents import PAYLOAD_MAX
from paas_stream.durable.exits import Exit
from paas_stream.topics import DISPATCH_EVENTS, ERRORS

pytestmark = pytest.mark.kafka

NEXT_MAJOR = orjson.dumps(event().model_dump(mode="json") | {"msg_version": "2.0.0"})
UNREADABLE = {
    "bytes that are no text": b"\xff\xfe",
    "nothing": b"",
    "a tombstone": None,
    "a list": b"[1]",
    "null": b"null",
    "a field that is missing": b"{}",
    "the next major version": NEXT_MAJOR,
    "more than is copied": b"x" * (PAYLOAD_MAX + 1),
}
FAILURES = {  # what the handler does, and the code in `errors`
    "raise": "internal",
    "large row": "record_too_large",
    "large message": "record_too_large",
}


async def is_settled(broker: Broker, application: Any) -> bool:
    return await broker.is_handled(application.id, application.topic(DISPATCH_EVENTS))


async def test_whatever_fails_is_in_errors_and_the_next_event_is_handled(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    await steps.create_topics()
    topic = steps.topic(DISPATCH_EVENTS)
    places = {}
    for name, value in UNREADABLE.items():
        places[name] = await broker.send(topic, value, "foreign", partition=0)
    places["no key"] = await broker.send(topic, b"null", None, partition=0)
    places["a key that is no text"] = await broker.send(topic, b"null", b"\xff", partition=0)
    failing, good = [event(word=word) for word in FAILURES], event()
    *of_failing, of_good = await steps.send(*failing, good)
    places |= dict(zip(FAILURES, of_failing, strict=True))

    steps.worker().start()
    await wait_until(lambda: is_settled(broker, steps))

    errors = {
        (e["source"]["topic"], e["source"]["partition"], e["source"]["offset"]): e
        for e in await steps.errors()
    }
    assert set(errors) == set(places.values())
    for name, value in UNREADABLE.items():
        error = errors[places[name]]
        assert (error["step"], error["code"]) == ("decode", "invalid_message"), name
        copied = value if value and len(value) <= PAYLOAD_MAX else b""
        assert base64.b64decode(error.get("payload_base64", "")) == copied, name
        assert error["source"]["key"] == "foreign", name
    assert errors[places["a key that is no text"]]["source"]["key"] == r"\xff"
    for message, (word, code) in zip(failing, FAILURES.items(), strict=True):
        error = errors[places[word]]
        assert (error["uuid"], error["step"], error["code"]) == (message.uuid, "handle", code)
    [handled] = steps.journal("handled")
    assert (handled["partition"], handled["offset"]) == of_good[1:]


async def test_an_event_that_is_in_another_partition_than_its_uuid_is_sent_there(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    await steps.create_topics()
    topic = steps.topic(DISPATCH_EVENTS)
    first = event()
    [(_, home, _)] = await steps.send(first)
    foreign, keyless = event(), event()
    await broker.send(topic, foreign.encode(), "foreign")
    await broker.send(topic, keyless.encode(), None)
    await broker.send(topic, first.encode(), first.uuid, partition=1 - home)

    steps.worker().start()
    await wait_until(lambda: is_settled(broker, steps))

    assert await steps.errors() == []
    handled = [(entry["uuid"], entry["partition"]) for entry in steps.journal("handled")]
    assert sorted(uuid for uuid, _ in handled) == sorted(
        [first.uuid, first.uuid, foreign.uuid, keyless.uuid]
    )
    assert {partition for uuid, partition in handled if uuid == first.uuid} == {home}


async def test_a_refused_error_record_is_sent_without_its_payload_and_then_ends_the_process(
    application: Callable[[str], Any], broker: Broker
) -> None:
    async def without_its_payload() -> None:
        steps = application("steps")
        await steps.create_topics(max_message_bytes="20000")
        await broker.send(steps.topic(DISPATCH_EVENTS), b"x" * 40_000, "foreign")

        worker = steps.worker().start()
        await wait_until(lambda: is_settled(broker, steps))
        [error] = await steps.errors()
        assert "payload_base64" not in error
        assert "an error record was refused" in worker.log

    async def not_at_all() -> None:
        steps = application("steps")
        await steps.create_topics(max_message_bytes="64")
        worker = steps.worker().start()
        await steps.send(event(word="raise"))
        assert await worker.exited() == Exit.LOST_ERROR
        assert await steps.committed() == 0

        await broker.configure(steps.topic(ERRORS))
        worker.start()
        await wait_until(lambda: is_settled(broker, steps))
        assert [error["step"] for error in await steps.errors()] == ["handle"]

    await asyncio.gather(without_its_payload(), not_at_all())


async def test_without_the_decorator_the_event_is_gone(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    await steps.create_topics()
    failing, good = event(word="raise"), event()
    await steps.send(failing, good)

    steps.worker(WITHOUT="decorator").start()
    await wait_until(lambda: is_settled(broker, steps))

    assert await steps.committed() == 2
    assert await steps.errors() == []
    assert [entry["uuid"] for entry in steps.journal("handled")] == [good.uuid]
