"""The flush barrier, rows that are too large, and which lost record ends the process."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.types.tuples import FutureMessage

from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.durable.producer import DurableProducer
from paas_stream.errors import PermanentError

told: list[Any] = []  # rows whose table heard that they are confirmed


def row(app: DurableApp, size: int = 10) -> FutureMessage:
    """A changelog record that is about to be buffered."""
    return app.topic("rows-changelog").as_future_message(
        b"key", b"x" * size, value_serializer="raw", callback=told.append
    )


@pytest.fixture
def producer(app: DurableApp) -> DurableProducer:
    return app._new_producer()


async def flushed(producer: DurableProducer) -> asyncio.Task[None]:
    """A flush that has gone as far as it can."""
    task = asyncio.create_task(producer.flush())
    await asyncio.sleep(0.01)
    return task


async def test_a_flush_waits_for_what_was_buffered_before_it(
    app: DurableApp, producer: DurableProducer
) -> None:
    before, after = row(app), row(app)
    producer.send_soon(before)
    producer.buffer.pending.get_nowait()
    flush = await flushed(producer)
    assert not flush.done()

    producer.send_soon(after)  # under load there is always another one
    producer.buffer.pending.get_nowait()
    before.set_result(None)
    await asyncio.wait_for(flush, 5)
    assert not after.done()


async def test_a_flush_fails_when_a_record_was_refused(
    app: DurableApp, producer: DurableProducer
) -> None:
    refused, other = row(app), row(app)
    for one in (refused, other):
        producer.send_soon(one)
    refused.set_exception(KafkaTimeoutError())
    await asyncio.sleep(0)
    for _ in range(2):  # and ever after
        with pytest.raises(ProducerSendError, match="was refused"):
            await producer.flush()


async def test_a_flush_fails_when_the_records_can_no_longer_be_sent(
    app: DurableApp, producer: DurableProducer
) -> None:
    producer.send_soon(row(app))
    producer.buffer._stopped.set()
    with pytest.raises(ProducerSendError, match="1 buffered records were not sent"):
        await producer.flush()


async def test_a_row_that_is_too_large_is_refused_before_it_is_buffered(
    app: DurableApp, producer: DurableProducer
) -> None:
    with pytest.raises(PermanentError, match="too large for rows-changelog") as caught:
        producer.send_soon(row(app, producer.max_request_size))
    assert caught.value.code == "record_too_large"
    await producer.flush()  # nothing is awaited


class Client:
    """A producer's client that refuses a record at once, or when it should confirm it."""

    def __init__(self, at_once: bool, exc: Exception | None) -> None:
        self._at_once = at_once
        self._exc = exc

    async def send(self, *_: Any) -> asyncio.Future[str]:
        confirmation: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if self._exc is None:
            confirmation.set_result("metadata")
        elif self._at_once:
            raise ProducerSendError from self._exc
        else:
            confirmation.set_exception(self._exc)
        return confirmation


async def sent(
    app: DurableApp, producer: DurableProducer, patch: pytest.MonkeyPatch, client: Client
) -> FutureMessage:
    """A row that was buffered and then handed to a client."""
    patch.setattr(app, "_producer", client)
    buffered = row(app)
    producer.send_soon(buffered)
    await producer.buffer._send_pending(producer.buffer.pending.get_nowait())
    await asyncio.sleep(0)
    return buffered


async def test_a_confirmed_row_is_told_to_its_table(
    app: DurableApp, producer: DurableProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    told.clear()
    buffered = await sent(app, producer, monkeypatch, Client(False, None))
    assert buffered.result() == "metadata"
    assert told == [buffered]


@pytest.mark.parametrize("exc", [KafkaTimeoutError(), MessageSizeTooLargeError()])
async def test_a_row_that_cannot_be_sent_ends_the_process(
    app: DurableApp,
    producer: DurableProducer,
    monkeypatch: pytest.MonkeyPatch,
    ends: Any,
    exc: Exception,
) -> None:
    with pytest.raises(ends) as ended:
        await sent(app, producer, monkeypatch, Client(True, exc))
    assert ended.value.code == Exit.LOST_SEND


async def test_a_row_that_is_not_confirmed_ends_the_process(
    app: DurableApp, producer: DurableProducer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Any] = []
    monkeypatch.setattr(
        "paas_stream.durable.producer.end_process", lambda code, text: ended.append(code)
    )
    monkeypatch.setattr(app, "_producer", Client(False, KafkaTimeoutError()))
    buffered = row(app)
    producer.send_soon(buffered)
    await producer.buffer._send_pending(producer.buffer.pending.get_nowait())
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the end did not end it
    await asyncio.sleep(0)
    assert ended == [Exit.LOST_SEND]
    assert isinstance(buffered.exception(), KafkaTimeoutError)
