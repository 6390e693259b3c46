"""Messages whose agent goes on: what the commit waits for, and what becomes of a refused one."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from paas_stream.durable.agents import Received
from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.durable.outbox import Outbox
from paas_stream.errors import PermanentError
from paas_stream.records import DispatchEvent, ErrorRecord, Source

MESSAGE = DispatchEvent(uuid="6b1b2a4e-6d8c-4f57-9a41-0d7f3a1c2b5e", event="tick")
RECEIVED = Received("template", MESSAGE, Source(topic="template", partition=1, offset=2), 0.0)


class Outlet:
    """A topic that answers when the test says so."""

    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def get_topic_name(self) -> str:
        return "dispatch-events"

    async def send(self, *, key: bytes, value: bytes) -> asyncio.Future[str]:
        self.values.append(value)
        return self.answer


@pytest.fixture
async def outlet(app: DurableApp) -> Outlet:
    app.outlets[DispatchEvent] = made = Outlet()
    return made


@pytest.fixture
def followed(app: DurableApp, monkeypatch: pytest.MonkeyPatch) -> list[asyncio.Future[Any]]:
    found: list[asyncio.Future[Any]] = []
    buffer = SimpleNamespace(follow=found.append)
    monkeypatch.setattr(app, "_producer", SimpleNamespace(buffer=buffer))
    return found


async def test_the_agent_goes_on_and_the_rows_wait_for_the_confirmation(
    app: DurableApp, outlet: Outlet, followed: list[asyncio.Future[Any]]
) -> None:
    await Outbox(app, "box").post(RECEIVED, MESSAGE)
    assert outlet.values == [MESSAGE.encode()]
    (one,) = followed
    assert not one.done()
    outlet.answer.set_result("metadata")
    await asyncio.wait_for(one, 5)


async def test_what_the_broker_finds_too_large_is_in_errors_before_its_event_is_committed(
    app: DurableApp, outlet: Outlet, followed: list[asyncio.Future[Any]]
) -> None:
    app.outlets[ErrorRecord] = errors = Outlet()
    await Outbox(app, "box").post(RECEIVED, MESSAGE)
    outlet.answer.set_exception(MessageSizeTooLargeError())
    await asyncio.sleep(0.01)
    record = ErrorRecord.decode(errors.values[0])
    assert (record.uuid, record.component, record.code) == (MESSAGE.uuid, "box", "record_too_large")
    assert record.source == RECEIVED.source
    assert not followed[0].done()
    errors.answer.set_result("metadata")
    await asyncio.wait_for(followed[0], 5)


async def test_what_the_client_finds_too_large_is_its_agents_fault(
    app: DurableApp, outlet: Outlet, followed: list[asyncio.Future[Any]]
) -> None:
    async def send(**_: Any) -> None:
        raise MessageSizeTooLargeError

    outlet.send = send  # type: ignore[method-assign]
    with pytest.raises(PermanentError, match="too large"):
        await Outbox(app, "box").post(RECEIVED, MESSAGE)
    assert followed == []


async def test_any_other_failure_ends_the_process(
    app: DurableApp, outlet: Outlet, followed: list[asyncio.Future[Any]], ends: Any
) -> None:
    await Outbox(app, "box").post(RECEIVED, MESSAGE)
    outlet.answer.set_exception(KafkaTimeoutError())
    with pytest.raises(ends) as ended:
        await followed[0]
    assert ended.value.code == Exit.LOST_SEND
