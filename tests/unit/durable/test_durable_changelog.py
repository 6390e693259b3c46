"""Rows on their way to the changelogs: the flush barrier, the newest counts, what is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faust.exceptions import ProducerSendError
from faust.types.tuples import FutureMessage

from paas_stream.durable import changelog
from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.durable.producer import DurableProducer
from paas_stream.errors import PermanentError


class Client:
    """A producer's client: keeps what it is given, and answers when it is told to."""

    def __init__(self, raises: Exception | None = None) -> None:
        self.records: list[tuple[str, bytes, bytes]] = []
        self.confirmations: list[asyncio.Future[str]] = []
        self._raises = raises

    async def send(self, topic: str, key: bytes, value: bytes, *_: Any) -> asyncio.Future[str]:
        if self._raises is not None:
            raise ProducerSendError from self._raises
        self.records.append((topic, key, value))
        self.confirmations.append(asyncio.get_running_loop().create_future())
        return self.confirmations[-1]

    def confirm(self) -> None:
        for one in self.confirmations:
            if not one.done():
                one.set_result("metadata")


@pytest.fixture
def producer(app: DurableApp) -> DurableProducer:
    return app._new_producer()


@pytest.fixture
def client(app: DurableApp, monkeypatch: pytest.MonkeyPatch) -> Client:
    made = Client()
    monkeypatch.setattr(app, "_producer", made)
    return made


@pytest.fixture
def never_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows wait until somebody asks for them."""
    monkeypatch.setattr(changelog, "PAUSE_S", 3600.0)


@pytest.fixture
def told() -> list[FutureMessage]:
    """Rows whose table heard that they are confirmed."""
    return []


def row(
    app: DurableApp, key: str = "key", value: bytes = b"x", told: list[Any] | None = None
) -> FutureMessage:
    """A changelog record that is about to be buffered."""
    return app.topic("rows-changelog").as_future_message(
        key.encode(),
        value,
        partition=0,
        value_serializer="raw",
        callback=(told if told is not None else []).append,
    )


@asynccontextmanager
async def running(producer: DurableProducer) -> AsyncIterator[None]:
    """The buffer's own task, without a client that connects."""
    task = asyncio.create_task(producer.buffer._handle_pending(producer.buffer))
    try:
        yield
    finally:
        task.cancel()


async def begun_flush(producer: DurableProducer) -> asyncio.Task[None]:
    """A flush that has gone as far as it can."""
    task = asyncio.create_task(producer.flush())
    await asyncio.sleep(0.01)
    return task


@pytest.mark.usefixtures("never_by_time")
class TestAFlush:
    async def test_sends_what_waits_and_waits_for_its_confirmation(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        producer.send_soon(row(app))
        async with running(producer):
            flush = await begun_flush(producer)
            assert len(client.records) == 1
            assert not flush.done()
            client.confirm()
            await asyncio.wait_for(flush, 5)

    async def test_waits_for_messages_too(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        message = asyncio.get_running_loop().create_future()
        producer.buffer.follow(message)
        flush = await begun_flush(producer)
        assert not flush.done()
        message.set_result(None)
        await asyncio.wait_for(flush, 5)

    async def test_fails_when_a_message_was_not_confirmed(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        message = asyncio.get_running_loop().create_future()
        producer.buffer.follow(message)
        producer.send_soon(row(app))
        async with running(producer):
            message.set_exception(KafkaTimeoutError())
            with pytest.raises(ProducerSendError, match="was refused"):
                await asyncio.wait_for(producer.flush(), 5)
        assert client.records == []

    async def test_does_not_wait_for_rows_that_come_later(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        producer.send_soon(row(app))
        async with running(producer):
            flush = await begun_flush(producer)
            later = row(app, "other")
            producer.send_soon(later)  # under load there is always another one
            client.confirm()
            await asyncio.wait_for(flush, 5)
            assert not later.done()

    async def test_waits_for_the_newer_row_that_took_the_place_of_one_it_waits_for(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        producer.send_soon(row(app, value=b"older"))
        flush = await begun_flush(producer)
        producer.send_soon(row(app, value=b"newer"))
        async with running(producer):
            await asyncio.sleep(0.01)
            assert client.records == [("rows-changelog", b"key", b"newer")]
            assert not flush.done()
            client.confirm()
            await asyncio.wait_for(flush, 5)

    async def test_fails_when_a_row_was_refused_and_ever_after(
        self,
        app: DurableApp,
        producer: DurableProducer,
        client: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(changelog, "end_process", lambda code, text: None)
        producer.send_soon(row(app))
        async with running(producer):
            flush = await begun_flush(producer)
            client.confirmations[0].set_exception(KafkaTimeoutError())
            for one in (flush, asyncio.create_task(producer.flush())):
                with pytest.raises(ProducerSendError, match="was refused"):
                    await asyncio.wait_for(one, 5)

    async def test_fails_when_the_rows_can_no_longer_be_sent(
        self, app: DurableApp, producer: DurableProducer
    ) -> None:
        producer.send_soon(row(app))
        producer.buffer._stopped.set()
        with pytest.raises(ProducerSendError, match="1 records were not sent"):
            await producer.flush()


class TestRowsThatWait:
    async def test_are_sent_after_a_pause_without_being_asked_for(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        async with running(producer):
            producer.send_soon(row(app))
            async with asyncio.timeout(5):
                while not client.records:
                    await asyncio.sleep(0.01)

    @pytest.mark.usefixtures("never_by_time")
    async def test_give_way_to_a_newer_one_of_the_same_key_only(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        for key, value in (("a", b"1"), ("b", b"1"), ("a", b"2"), ("a", b"3")):
            producer.send_soon(row(app, key, value))
        async with running(producer):
            flush = await begun_flush(producer)
            client.confirm()
            await asyncio.wait_for(flush, 5)
        assert [record[1:] for record in client.records] == [(b"a", b"3"), (b"b", b"1")]

    @pytest.mark.usefixtures("never_by_time")
    async def test_do_not_give_way_when_they_are_on_their_way(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        async with running(producer):
            for value in (b"1", b"2"):
                producer.send_soon(row(app, value=value))
                flush = await begun_flush(producer)
            assert [record[2] for record in client.records] == [b"1", b"2"]
            client.confirm()
            await asyncio.wait_for(flush, 5)

    @pytest.mark.usefixtures("never_by_time")
    async def test_are_sent_after_the_messages_that_were_sent_before_them(
        self, app: DurableApp, producer: DurableProducer, client: Client
    ) -> None:
        message = asyncio.get_running_loop().create_future()
        producer.buffer.follow(message)
        producer.send_soon(row(app))
        async with running(producer):
            flush = await begun_flush(producer)
            assert client.records == []
            message.set_result(None)
            await asyncio.sleep(0.01)
            assert len(client.records) == 1
            client.confirm()
            await asyncio.wait_for(flush, 5)

    @pytest.mark.usefixtures("never_by_time")
    async def test_are_sent_at_once_when_they_are_much(
        self,
        app: DurableApp,
        producer: DurableProducer,
        client: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(changelog, "BYTES_SOON", 100)
        async with running(producer):
            producer.send_soon(row(app, "a", b"x" * 50))
            await asyncio.sleep(0.01)
            assert client.records == []
            producer.send_soon(row(app, "b", b"x" * 50))
            await asyncio.sleep(0.01)
            assert len(client.records) == 2

    @pytest.mark.usefixtures("never_by_time")
    async def test_hold_up_the_next_event_while_they_are_too_much(
        self,
        app: DurableApp,
        producer: DurableProducer,
        client: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(changelog, "BYTES_MOST", 100)
        await asyncio.wait_for(producer.buffer.wait_until_ebb(), 1)
        producer.send_soon(row(app, value=b"x" * 200))
        held = asyncio.create_task(producer.buffer.wait_until_ebb())
        await asyncio.sleep(0.01)
        assert not held.done()
        async with running(producer):
            await asyncio.wait_for(held, 5)


async def test_a_confirmed_row_is_told_to_its_table(
    app: DurableApp, producer: DurableProducer, client: Client, told: list[FutureMessage]
) -> None:
    producer.send_soon(row(app, told=told))
    async with running(producer):
        flush = await begun_flush(producer)
        client.confirm()
        await asyncio.wait_for(flush, 5)
    assert [one.result() for one in told] == ["metadata"]


async def test_a_row_that_is_too_large_is_refused_before_it_is_buffered(
    app: DurableApp, producer: DurableProducer
) -> None:
    with pytest.raises(PermanentError, match="too large for rows-changelog") as caught:
        producer.send_soon(row(app, value=b"x" * producer.max_request_size))
    assert caught.value.code == "record_too_large"
    await producer.flush()  # nothing is awaited


@pytest.mark.parametrize("exc", [KafkaTimeoutError(), MessageSizeTooLargeError()])
async def test_a_row_that_cannot_be_sent_ends_the_process(
    app: DurableApp,
    producer: DurableProducer,
    monkeypatch: pytest.MonkeyPatch,
    ends: Any,
    exc: Exception,
) -> None:
    monkeypatch.setattr(app, "_producer", Client(exc))
    producer.send_soon(row(app))
    with pytest.raises(ends) as ended:
        await producer.buffer._send_waiting()
    assert ended.value.code == Exit.LOST_SEND


async def test_a_row_that_is_not_confirmed_ends_the_process(
    app: DurableApp, producer: DurableProducer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Any] = []
    monkeypatch.setattr(changelog, "end_process", lambda code, text: ended.append(code))
    producer.send_soon(row(app))
    await producer.buffer._send_waiting()
    client.confirmations[0].set_exception(KafkaTimeoutError())
    await asyncio.sleep(0)
    assert ended == [Exit.LOST_SEND]
