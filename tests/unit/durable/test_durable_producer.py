"""The flush barrier, rows that are too large, and which lost record ends the process."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.types.tuples import FutureMessage

from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.durable.producer import DurableProducer, EndOnLostSend
from paas_stream.errors import PermanentError


def row(app: DurableApp, size: int = 10) -> FutureMessage:
    """A changelog record that is about to be buffered."""
    return app.topic("rows-changelog").as_future_message(
        b"key", b"x" * size, value_serializer="raw"
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


@pytest.mark.parametrize(
    ("topic", "exc", "is_end"),
    [
        ("rows-changelog", KafkaTimeoutError(), True),
        ("rows-changelog", MessageSizeTooLargeError(), True),
        ("template", KafkaTimeoutError(), True),
        ("template", MessageSizeTooLargeError(), False),
        ("errors", KafkaTimeoutError(), False),
    ],
)
def test_a_lost_record_ends_the_process_unless_its_sender_can_tell(
    ends: Any, topic: str, exc: Exception, is_end: bool
) -> None:
    sensor = EndOnLostSend(handled_by_sender=frozenset({"errors"}))
    tables = SimpleNamespace(changelog_topics={"rows-changelog"})
    producer = SimpleNamespace(app=SimpleNamespace(tables=tables))
    state = sensor.on_send_initiated(producer, topic, None, 0, 0)
    if not is_end:
        sensor.on_send_error(producer, exc, state)
        return
    with pytest.raises(ends) as ended:
        sensor.on_send_error(producer, exc, state)
    assert ended.value.code == Exit.LOST_SEND
