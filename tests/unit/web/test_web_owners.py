"""Requests that go on to the worker that has the deployment: as they are, and streams as they come."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from yarl import URL

from paas_stream import request_ids
from web import hops, owners, streams
from web.faults import ApiError, errors_as_json

SOON_S = 5.0
STREAM = {"Accept": "text/event-stream"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Owner:
    """The worker that has the deployment; each test says how it answers."""

    def __init__(self) -> None:
        self.answer: Handler = self.stream
        self.asked: list[web.Request] = []
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.left = asyncio.Event()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        return await self.answer(request)

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """Chunks, until there is a None or the reader has left."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "X-Its": "own"})
        await response.prepare(request)
        try:
            while request.transport is not None:
                try:
                    chunk = await asyncio.wait_for(self.chunks.get(), 0.02)
                except TimeoutError:
                    continue
                if chunk is None:
                    break
                await response.write(chunk)
        finally:
            self.left.set()
        return response


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
async def client(
    owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TestClient[Any, Any]]:
    """This worker, which forwards everything."""
    there = web.Application()
    there.router.add_route("*", "/{rest:.*}", owner.serve)
    async with TestServer(there) as upstream, aiohttp.ClientSession() as session:
        settings = SimpleNamespace(
            web=SimpleNamespace(worker="w0", slow_reader_s=0.3, keep_alive_s=15, streams=2)
        )
        worker = SimpleNamespace(
            http_client=session, settings=settings, should_stop=False, certificates=None
        )
        for module in (owners, streams, hops):
            monkeypatch.setattr(module, "app", worker)
        monkeypatch.setattr(hops, "vault", lambda: SimpleNamespace(hop_key=b"of all workers"))
        monkeypatch.setattr(streams, "_settings", settings.web)
        monkeypatch.setattr(streams, "LOOK_S", 0.02)

        async def forward(request: web.Request) -> web.StreamResponse:
            request_ids.current.set("ours")
            return await owners.forward(request, URL(str(upstream.make_url("/"))))

        here = web.Application(middlewares=[errors_as_json])
        here.router.add_route("*", "/{rest:.*}", forward)
        async with TestClient(TestServer(here)) as made:
            yield made


async def soon(awaitable: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(awaitable, SOON_S)


async def no_streams() -> None:
    async with asyncio.timeout(SOON_S):
        while streams._open:
            await asyncio.sleep(0.01)


class TestAnAnswer:
    async def test_comes_back_with_its_status_headers_and_body(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async def busy(request: web.Request) -> web.Response:
            return web.json_response({"a": 1}, status=503, headers={"Retry-After": "7"})

        owner.answer = busy
        async with client.get("/deployments/u?a=1&a=2%26", headers={"X-Mine": "yes"}) as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "7"
            assert await answer.json() == {"a": 1}
        (asked,) = owner.asked
        assert asked.path_qs == "/deployments/u?a=1&a=2%26"
        assert asked.headers["X-Mine"] == "yes"
        assert asked.headers[owners.HOP] == "w0"
        assert hops.is_hop(asked)

    async def test_is_asked_for_as_the_caller_asked_and_under_the_request_s_id(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async def empty(request: web.Request) -> web.Response:
            return web.Response()

        owner.answer = empty
        forged = {
            "X-Forwarded-For": "6.6.6.6",
            "X-Request-Id": "theirs",
            "X-Paas-Stream-Proof": "1",
        }
        async with client.get("/deployments/a%2Cb?c=%40%26&d=%2F", headers=forged):
            pass
        (asked,) = owner.asked
        assert asked.headers["X-Request-Id"] == "ours"
        assert asked.headers["X-Forwarded-For"] == "127.0.0.1"
        assert asked.headers["X-Forwarded-Host"] == f"{client.host}:{client.port}"
        assert asked.headers["X-Forwarded-Proto"] == "http"
        assert hops.is_hop(asked)

    async def test_to_a_request_with_a_body_comes_back_too(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async def echo(request: web.Request) -> web.Response:
            return web.Response(body=await request.read())

        owner.answer = echo
        async with client.delete("/deployments/u", data=b"[1]") as answer:
            assert await answer.read() == b"[1]"

    async def test_that_refuses_the_workers_signature_is_503(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async def refuse(request: web.Request) -> web.Response:
            return web.json_response({"code": 401}, status=401)

        owner.answer = refuse
        async with client.get("/deployments/u") as answer:
            assert answer.status == 503
            assert "does not know this one" in (await answer.json())["message"]

    async def test_that_does_not_come_is_503(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async def broken(request: web.Request) -> web.Response:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        owner.answer = broken
        async with client.get("/deployments/u") as answer:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "2"

    async def test_that_does_not_know_this_worker_is_503(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async def refuse(request: web.Request) -> web.Response:
            return web.Response(status=403, headers={hops.HOP: hops.REFUSED})

        owner.answer = refuse
        async with client.get("/deployments/u") as answer:
            assert answer.status == 503
            assert "Retry-After" in answer.headers


class TestAStream:
    async def test_is_not_held_back(self, client: TestClient[Any, Any], owner: Owner) -> None:
        async with client.get("/events", headers=STREAM) as answer:
            assert answer.headers["X-Its"] == "own"
            for text in (b"data: 1\n\n", b"data: 2\n\n"):
                owner.chunks.put_nowait(text)
                assert await soon(answer.content.readany()) == text
            owner.chunks.put_nowait(None)
            assert await soon(answer.content.read()) == b""
        await no_streams()

    async def test_passes_on_where_the_reader_was(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async with client.get("/events", headers=STREAM | {"Last-Event-ID": "3-ab"}):
            assert owner.asked[0].headers["Last-Event-ID"] == "3-ab"

    async def test_ends_at_the_owner_when_the_reader_leaves(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        answer = await client.get("/events", headers=STREAM)
        answer.close()
        await soon(owner.left.wait())
        await no_streams()

    async def test_ends_at_both_ends_when_this_worker_stops(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async with client.get("/events", headers=STREAM) as answer:
            streams.app.should_stop = True  # type: ignore[misc]
            assert await soon(answer.content.read()) == b""
        await soon(owner.left.wait())

    async def test_ends_when_the_owner_is_lost(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        async with client.get("/events", headers=STREAM) as answer:
            owner.chunks.put_nowait(b"data: 1\n\n")
            assert await soon(answer.content.readany()) == b"data: 1\n\n"
            assert owner.asked[0].transport is not None
            owner.asked[0].transport.abort()
            assert await soon(answer.content.read()) == b""
        await no_streams()

    async def test_that_says_nothing_at_all_is_given_up(
        self, client: TestClient[Any, Any], owner: Owner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(owners, "_STREAM_TIMEOUT", aiohttp.ClientTimeout(sock_read=0.1))
        async with client.get("/events", headers=STREAM) as answer:
            assert await soon(answer.content.read()) == b""
        await no_streams()

    async def test_of_a_reader_who_takes_nothing_is_cut_off(
        self, client: TestClient[Any, Any], owner: Owner
    ) -> None:
        host, port = client.server.host, client.server.port
        _, writer = await asyncio.open_connection(host, port, limit=1024)
        writer.write(b"GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n")
        for _ in range(40):
            owner.chunks.put_nowait(b"x" * 500_000)
        await soon(owner.left.wait())
        await no_streams()
        writer.close()

    async def test_needs_a_place(self, client: TestClient[Any, Any], owner: Owner) -> None:
        held = [await client.get("/events", headers=STREAM) for _ in range(2)]
        async with client.get("/events", headers=STREAM) as refused:
            assert refused.status == 503
            assert refused.headers["Retry-After"] == "5"
        for answer in held:
            answer.close()
        await no_streams()


@pytest.mark.parametrize(
    ("said", "status", "message"),
    [
        (403, 403, "its words"),
        (404, 404, "there is no such deployment"),
        (422, 422, "its words"),
        (409, 503, "a worker cannot answer yet"),
        (500, 503, "a worker cannot answer yet"),
    ],
)
async def test_what_the_owner_refuses_to_answer_is_told(
    client: TestClient[Any, Any], owner: Owner, said: int, status: int, message: str
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"message": "its words"}, status=said)

    owner.answer = refuse
    here = URL(str(client.make_url("/")))  # which forwards the question
    with pytest.raises(ApiError) as refused:
        await owners.ask(here, "/deployments/u", {"a": "1"})
    assert (refused.value.status, refused.value.message) == (status, message)
    assert dict(owner.asked[-1].query) == {"a": "1"}
