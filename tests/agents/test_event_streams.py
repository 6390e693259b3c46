"""Event streams of one worker: what the tracker stores reaches the readers, and all is bounded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from support import lifecycle as make
from support.bench import Bench
from support.sse import Told, told

from agents.deployment_tracker import deployment_tracker
from paas_stream.records import DeploymentResult, Operation, ProcedureStatus
from tables import watched
from web import deployments, events, owners, streams
from web.faults import errors_as_json

UUID = make.UUID
PATH = f"/deployments/{UUID}/events"
SOON_S = 5.0
SETTINGS = {"streams": 3, "keep_alive_s": 15.0, "slow_reader_s": 5.0}

Open = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The settings of streams; a test may change them."""
    made = SimpleNamespace(**SETTINGS)
    for module in (events, streams):
        monkeypatch.setattr(module, "_settings", made)
    return made


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """What streams ask of the application."""
    made = SimpleNamespace(
        should_stop=False,
        consumer_generation_id=1,
        readiness=SimpleNamespace(tables_ready=True, reason=None),
    )
    for module in (events, streams):
        monkeypatch.setattr(module, "app", made)
    return made


@pytest.fixture
async def client(
    bench: Bench,
    settings: SimpleNamespace,
    worker: SimpleNamespace,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[TestClient[Any, Any]]:
    """The REST API with this one view; all deployments are this worker's."""

    async def caught_up(name: str, uuid: str) -> bool:
        return True

    monkeypatch.setattr(deployments, "tracked", caught_up)
    monkeypatch.setattr(deployments, "check_ready", lambda: None)
    monkeypatch.setattr(owners, "owner", lambda uuid: None)
    monkeypatch.setattr(streams, "LOOK_S", 0.02)
    monkeypatch.setattr(events, "STRAGGLERS_S", 0.0)
    view = events.Events(deployments.app, deployments.app.web)

    async def get(request: web.Request) -> web.StreamResponse:
        return await view.get(request, request.match_info["uuid"])

    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/deployments/{uuid}/events", get)
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.fixture
async def opened(client: TestClient[Any, Any]) -> AsyncIterator[Open]:
    """`await opened(bookmark)`: the answer to a request for a stream."""
    answers = []

    async def open_stream(last_event_id: str | None = None, **query: str) -> ClientResponse:
        headers = {"Accept": "text/event-stream"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        answer = await client.get(PATH, params=query, headers=headers)
        answers.append(answer)
        return answer

    yield open_stream
    for answer in answers:
        answer.close()


async def take(answer: ClientResponse, number: int) -> list[Told]:
    """The next events; comments do not count."""
    lines: list[bytes] = []
    async with asyncio.timeout(SOON_S):
        while len(found := list(told(iter(lines)))) < number:
            line = await answer.content.readline()
            assert line, f"the stream ended after {found}"
            lines.append(line.rstrip(b"\n"))
    return found


async def rest(answer: ClientResponse) -> list[Told]:
    """All events until the stream ends."""
    async with asyncio.timeout(SOON_S):
        return list(told(iter((await answer.read()).split(b"\n"))))


async def closed() -> None:
    """Wait until no stream is open."""
    async with asyncio.timeout(SOON_S):
        while streams._open:
            await asyncio.sleep(0.01)


def step(number: int, text: str = "") -> ProcedureStatus:
    return ProcedureStatus(
        uuid=UUID,
        component="ai-ranker",
        step=f"s{number}",
        status="end",
        message=text,
        cause=f"c{number}",
        timestamp=make.at(make.T0 + 10 - number),
    )


async def begin(bench: Bench) -> None:
    await bench.give(deployment_tracker, make.template())


async def delete(bench: Bench) -> None:
    await bench.give(deployment_tracker, make.command("delete", make.T0 + 1))
    ended = DeploymentResult(
        uuid=UUID,
        kind="final",
        operation=Operation.DELETE,
        success=True,
        timestamp=make.at(make.T0 + 2),
    )
    await bench.give(deployment_tracker, ended)


def words(found: list[Told]) -> list[str]:
    return [one.data.get("step") or one.data.get("status") or one.data["reason"] for one in found]


class TestAStream:
    async def test_tells_what_there_is_and_then_each_entry_as_it_is_stored(
        self, bench: Bench, opened: Open
    ) -> None:
        await begin(bench)
        answer = await opened()
        assert words(await take(answer, 2)) == ["request", "CREATE_IN_PROGRESS"]
        for number in (1, 2):
            await bench.give(deployment_tracker, step(number))
            assert words(await take(answer, 1)) == [f"s{number}"]

    async def test_says_after_what_to_come_back_and_how_soon(
        self, bench: Bench, opened: Open
    ) -> None:
        await begin(bench)
        raw = b""
        answer = await opened()
        async with asyncio.timeout(SOON_S):
            while raw.count(b"\n\n") < 2:
                raw += await answer.content.readany()
        assert raw.startswith(b"retry: 1000\n\nid: 1-")
        assert answer.headers["Cache-Control"] == "no-cache"

    async def test_goes_on_where_the_reader_was(self, bench: Bench, opened: Open) -> None:
        await begin(bench)
        await bench.give(deployment_tracker, step(1))
        first, _ = await take(await opened(), 2)
        await bench.give(deployment_tracker, step(2))
        again = await opened(first.id)
        assert words(await take(again, 3)) == ["s1", "s2", "CREATE_IN_PROGRESS"]

    async def test_takes_the_bookmark_as_a_parameter_too(self, bench: Bench, opened: Open) -> None:
        await begin(bench)
        (first,) = await take(await opened(), 1)
        assert first.id is not None
        assert words(await take(await opened(lastEventId=first.id), 1)) == ["CREATE_IN_PROGRESS"]

    async def test_ends_when_the_deployment_is_deleted(self, bench: Bench, opened: Open) -> None:
        await begin(bench)
        answer = await opened()
        await delete(bench)
        found = await rest(answer)
        assert [one.event for one in found[-2:]] == ["status", "end"]
        assert words(found)[-2:] == ["DELETE_COMPLETE", "deleted"]

    async def test_tells_the_steps_that_come_after_the_result_before_it_ends(
        self, bench: Bench, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        late = asyncio.Event()

        async def tracked(name: str, uuid: str) -> bool:
            assert (name, uuid) == ("procedure-status", UUID)
            await late.wait()
            return True

        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        monkeypatch.setattr(deployments, "tracked", tracked)
        await delete(bench)
        await bench.give(deployment_tracker, step(1))
        late.set()
        assert words(await rest(answer))[-3:] == ["DELETE_COMPLETE", "s1", "deleted"]

    async def test_of_a_deleted_one_ends_at_once_and_then_asks_not_to_come_back(
        self, bench: Bench, opened: Open
    ) -> None:
        await begin(bench)
        await delete(bench)
        found = await rest(await opened())
        assert words(found)[-1] == "deleted"
        bookmark = [one.id for one in found if one.id][-1]
        assert (await opened(bookmark)).status == 204

    async def test_ends_when_the_deployment_is_forgotten(self, bench: Bench, opened: Open) -> None:
        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        del events.tables.index[UUID]
        deployments.app.tables["deployments"].data.data.clear()
        events.tables.deployments.forget_recent()
        watched._wake(UUID)
        assert words(await rest(answer)) == ["forgotten"]

    async def test_until_final_ends_in_a_state_that_lasts(self, bench: Bench, opened: Open) -> None:
        await begin(bench)
        answer = await opened(until="final")
        await take(answer, 2)
        ended = DeploymentResult(uuid=UUID, kind="final", success=True, provider_name="p")
        await bench.give(deployment_tracker, ended)
        assert words(await rest(answer)) == ["create", "CREATE_COMPLETE", "final"]

    async def test_that_is_quiet_sends_comments(
        self, bench: Bench, opened: Open, settings: SimpleNamespace
    ) -> None:
        settings.keep_alive_s = 0.01
        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        async with asyncio.timeout(SOON_S):
            assert b": ping\n" in [await answer.content.readline() for _ in range(5)]

    async def test_waits_while_partitions_move_and_goes_on_if_they_came_back(
        self, bench: Bench, opened: Open, worker: SimpleNamespace
    ) -> None:
        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        worker.readiness.tables_ready = False
        await bench.give(deployment_tracker, step(1))
        worker.consumer_generation_id, worker.readiness.tables_ready = 2, True
        assert words(await take(answer, 1)) == ["s1"]

    async def test_ends_without_an_end_when_another_worker_has_the_deployment(
        self,
        bench: Bench,
        opened: Open,
        worker: SimpleNamespace,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        monkeypatch.setattr(owners, "owner", lambda uuid: "http://other")
        worker.consumer_generation_id = 2
        assert await rest(answer) == []

    async def test_ends_without_an_end_when_the_worker_stops(
        self, bench: Bench, opened: Open, worker: SimpleNamespace
    ) -> None:
        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        worker.should_stop = True
        assert await rest(answer) == []


class TestTheBounds:
    async def test_one_stream_too_many_is_refused_for_a_while(
        self, bench: Bench, opened: Open
    ) -> None:
        await begin(bench)
        held = [await opened() for _ in range(3)]
        refused = await opened()
        assert refused.status == 503
        assert refused.headers["Retry-After"] == "5"
        held[0].close()
        async with asyncio.timeout(SOON_S):
            while (again := await opened()).status == 503:
                await asyncio.sleep(0.01)
        assert again.status == 200

    async def test_a_reader_who_leaves_gives_the_place_back_at_once(
        self, bench: Bench, opened: Open
    ) -> None:
        await begin(bench)
        answer = await opened()
        await take(answer, 2)
        answer.close()
        await closed()
        assert not watched._watching

    async def test_a_reader_who_takes_nothing_is_cut_off(
        self, bench: Bench, client: TestClient[Any, Any], settings: SimpleNamespace
    ) -> None:
        settings.slow_reader_s = 0.2
        await begin(bench)
        host, port = client.server.host, client.server.port
        _, writer = await asyncio.open_connection(host, port, limit=1024)
        request = f"GET {PATH} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n"
        writer.write(request.encode())
        async with asyncio.timeout(SOON_S):
            while not streams._open:
                await asyncio.sleep(0.01)
            number = 0
            while streams._open:
                number += 1
                await bench.give(deployment_tracker, step(number, "x" * 500_000))
        writer.close()

    async def test_an_unknown_end_is_refused(self, bench: Bench, opened: Open) -> None:
        await begin(bench)
        answer = await opened(until="whenever")
        assert answer.status == 400
        assert "until must be 'final'" in (await answer.json())["message"]

    async def test_an_unknown_deployment_is_404(self, bench: Bench, opened: Open) -> None:
        assert (await opened()).status == 404

    async def test_without_the_header_it_is_a_list_by_time(
        self, bench: Bench, client: TestClient[Any, Any]
    ) -> None:
        await begin(bench)
        for number in (1, 2, 3):  # the later ones happened earlier
            await bench.give(deployment_tracker, step(number))
        async with client.get(PATH) as answer:
            found = await answer.json()
        assert [one["step"] for one in found] == ["request", "s3", "s2", "s1"]
