"""What the application class adds to Faust: sending, crashes, store options."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError
from faust.exceptions import ConsistencyError, ProducerSendError

from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.durable.tables import MIB, global_table, store_options, table
from paas_stream.errors import PermanentError
from paas_stream.records import DispatchEvent

MESSAGE = DispatchEvent(uuid="6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b5e", event="tick")


class Outlet:
    """Stands for a topic; sending or the confirmation fails."""

    def __init__(self, sending: Exception | None, confirming: Exception | None) -> None:
        self._sending, self._confirming = sending, confirming

    def get_topic_name(self) -> str:
        return "dispatch-events"

    async def send(self, **_: Any) -> asyncio.Future[str]:
        if self._sending is not None:
            raise self._sending
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        if self._confirming is None:
            future.set_result("metadata")
        else:
            future.set_exception(self._confirming)
        return future


def wrapped(cause: Exception) -> ProducerSendError:
    """As Faust raises what its client raises."""
    error = ProducerSendError("while sending")
    error.__cause__ = cause
    return error


async def test_what_was_sent_is_confirmed(app: DurableApp) -> None:
    app.outlets[DispatchEvent] = Outlet(None, None)
    assert await app.emit(MESSAGE, MESSAGE) == ["metadata", "metadata"]


@pytest.mark.parametrize(
    "outlet",
    [Outlet(wrapped(MessageSizeTooLargeError()), None), Outlet(None, MessageSizeTooLargeError())],
    ids=["by the client", "by the broker"],
)
async def test_a_message_that_is_too_large_is_its_senders_fault(
    app: DurableApp, outlet: Outlet
) -> None:
    app.outlets[DispatchEvent] = outlet
    with pytest.raises(PermanentError, match="too large for dispatch-events") as caught:
        await app.emit(MESSAGE)
    assert caught.value.code == "record_too_large"


async def test_a_message_that_cannot_be_sent_ends_the_process(app: DurableApp, ends: Any) -> None:
    app.outlets[DispatchEvent] = Outlet(wrapped(KafkaTimeoutError()), None)
    with pytest.raises(ends) as ended:
        await app.emit(MESSAGE)
    assert ended.value.code == Exit.LOST_SEND


@pytest.mark.parametrize(
    ("reason", "code"),
    [(ConsistencyError("ahead"), Exit.INCONSISTENT), (RuntimeError("bug"), Exit.CRASHED)],
)
async def test_a_crash_of_any_part_ends_the_process(
    app: DurableApp, ends: Any, reason: Exception, code: Exit
) -> None:
    for crash in (app.crash, app.tables.recovery.crash):
        with pytest.raises(ends) as ended:
            await crash(reason)
        assert ended.value.code == code


def test_each_store_gets_options_of_its_own(app: DurableApp) -> None:
    wanted = {
        "driver": "rocksdict",
        "block_cache_size": 16 * MIB,
        "write_buffer_size": 4 * MIB,
        "max_open_files": 64,
    }
    tables = [table(app, "rows", 2), table(app, "more", 2), global_table(app, "everywhere")]
    assert [one.options for one in tables] == [wanted] * 3
    assert len({id(one.options) for one in tables}) == 3
    assert store_options() is not store_options()


def test_a_table_has_no_value_type_and_a_global_one_applies_each_record(app: DurableApp) -> None:
    assert table(app, "rows", 2).value_type is None
    everywhere = global_table(app, "everywhere")
    assert (everywhere.partitions, everywhere.recovery_buffer_size) == (1, 1)


def test_the_settings_of_rule_8_are_in_force(app: DurableApp) -> None:
    conf = app.conf
    assert conf.stream_wait_empty
    assert (conf.producer_acks, conf.broker_commit_every) == (-1, 10_000)
    assert conf.broker_commit_interval == 1.0
    assert conf.producer_request_timeout == app.settings.kafka.request_timeout_s
    assert conf.consumer_auto_offset_reset == "earliest"
    assert not conf.web_tables_enabled


async def test_every_message_is_waited_for_though_one_is_too_large(
    app: DurableApp, ends: Any
) -> None:
    answers = iter([MessageSizeTooLargeError(), KafkaTimeoutError()])

    class Answering(Outlet):
        async def send(self, **_: Any) -> asyncio.Future[str]:
            future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
            future.set_exception(next(answers))
            return future

    app.outlets[DispatchEvent] = Answering(None, None)
    with pytest.raises(ends) as ended:
        await app.emit(MESSAGE, MESSAGE)
    assert ended.value.code == Exit.LOST_SEND
