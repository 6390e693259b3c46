"""What a fetch names, given what the broker has been told before."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.fetch import FetchRequest, FetchRequest_v4, FetchRequest_v11
from aiokafka.protocol.metadata import MetadataRequest

from paas_stream.durable.fetch_sessions import Session, SessionClient

Offsets = dict[tuple[str, int], int]


class Broker:
    """A client whose broker keeps sessions, and answers nothing but that."""

    cluster = "what else the client has"

    def __init__(self, version: Any = FetchRequest_v11) -> None:
        self.version = version
        self.asked: list[Any] = []
        self.session_id = 7
        self.error_code = 0
        self.fails: BaseException | None = None

    async def send(self, node_id: int, request: Any, **_: Any) -> Any:
        if not isinstance(request, FetchRequest):
            return request
        self.asked.append(request.build(self.version))
        if self.fails is not None:
            raise self.fails
        return SimpleNamespace(
            API_VERSION=self.version.API_VERSION,
            session_id=self.session_id,
            error_code=self.error_code,
        )

    def last(self) -> tuple[int, int, Offsets, set[tuple[str, int]]]:
        """Session, epoch, offsets and forgotten places of the last fetch."""
        asked = self.asked[-1]
        named = {(topic, one[0]): one[2] for topic, ones in asked.topics for one in ones}
        forgotten = {(topic, one) for topic, ones in asked.forgotten_topics_data for one in ones}
        asked.encode()  # the client can write it
        return asked.session_id, asked.session_epoch, named, forgotten


def fetch(offsets: Offsets) -> FetchRequest:
    topics: dict[str, list[tuple[int, int, int]]] = {}
    for (topic, partition), offset in offsets.items():
        topics.setdefault(topic, []).append((partition, offset, 1000))
    return FetchRequest(200, 1, 10_000, 0, list(topics.items()))


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def client(broker: Broker) -> SessionClient:
    return SessionClient(broker)


ALL: Offsets = {("a", 0): 5, ("a", 1): 0, ("b", 0): 9}


async def test_the_first_fetch_names_all(client: SessionClient, broker: Broker) -> None:
    await client.send(1, fetch(ALL))
    assert broker.last() == (0, 0, ALL, set())


async def test_the_next_ones_name_what_has_changed(client: SessionClient, broker: Broker) -> None:
    await client.send(1, fetch(ALL))
    await client.send(1, fetch(ALL))
    assert broker.last() == (7, 1, {}, set())
    await client.send(1, fetch(ALL | {("a", 1): 3}))
    assert broker.last() == (7, 2, {("a", 1): 3}, set())


async def test_what_is_not_wanted_any_more_is_forgotten_and_may_come_back(
    client: SessionClient, broker: Broker
) -> None:
    await client.send(1, fetch(ALL))
    await client.send(1, fetch({("a", 0): 5}))
    assert broker.last() == (7, 1, {}, {("a", 1), ("b", 0)})
    await client.send(1, fetch(ALL))
    assert broker.last() == (7, 2, {("a", 1): 0, ("b", 0): 9}, set())


async def test_each_broker_has_a_session_of_its_own(client: SessionClient, broker: Broker) -> None:
    await client.send(1, fetch(ALL))
    await client.send(2, fetch(ALL))
    assert broker.last() == (0, 0, ALL, set())


@pytest.mark.parametrize("fault", [KafkaConnectionError(), asyncio.CancelledError()])
async def test_after_a_fetch_of_unknown_result_the_next_names_all_and_ends_the_session(
    client: SessionClient, broker: Broker, fault: BaseException
) -> None:
    await client.send(1, fetch(ALL))
    broker.fails = fault
    with pytest.raises(type(fault)):
        await client.send(1, fetch(ALL | {("a", 0): 6}))
    broker.fails = None
    await client.send(1, fetch(ALL))
    assert broker.last() == (7, 0, ALL, set())


async def test_a_session_that_the_broker_has_dropped_begins_anew(
    client: SessionClient, broker: Broker
) -> None:
    await client.send(1, fetch(ALL))
    broker.error_code = 70  # FETCH_SESSION_ID_NOT_FOUND
    await client.send(1, fetch(ALL))
    broker.error_code = 0
    await client.send(1, fetch(ALL))
    assert broker.last() == (7, 0, ALL, set())


async def test_without_room_for_a_session_each_fetch_names_all(
    client: SessionClient, broker: Broker
) -> None:
    broker.session_id = 0
    for _ in range(2):
        await client.send(1, fetch(ALL))
        assert broker.last() == (0, 0, ALL, set())


async def test_a_broker_that_knows_no_sessions_gets_whole_fetches() -> None:
    broker = Broker(FetchRequest_v4)
    client = SessionClient(broker)
    for _ in range(2):
        await client.send(1, fetch(ALL))
        assert sum(len(ones) for _, ones in broker.asked[-1].topics) == len(ALL)


async def test_other_requests_and_everything_else_go_to_the_client(client: SessionClient) -> None:
    request = MetadataRequest()
    assert await client.send(1, request) is request
    assert client.cluster == Broker.cluster


def test_epochs_begin_again_after_the_last() -> None:
    session = Session(id=7, epoch=2**31 - 1)
    session.answered(SimpleNamespace(API_VERSION=11, session_id=7, error_code=0), {})
    assert session.epoch == 1
