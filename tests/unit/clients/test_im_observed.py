"""Each call to the IM is observed once: which one, how it ended, how long it took."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from paas_stream.clients.im import ImClient
from paas_stream.errors import PaasError

Observed = list[tuple[str, str]]


class Server:
    """Gives one answer to everything."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {}

    async def answer(self, request: web.Request) -> web.Response:
        return web.json_response(self.body, status=self.status)


@pytest.fixture
def observed() -> Observed:
    return []


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def im(server: Server, observed: Observed) -> AsyncIterator[ImClient]:
    def note(operation: str, outcome: str, seconds: float) -> None:
        assert seconds > 0
        observed.append((operation, outcome))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    async with TestServer(app) as running, aiohttp.ClientSession() as session:
        yield ImClient(session, str(running.make_url("")).rstrip("/"), 5.0, note)


@pytest.mark.parametrize(
    ("call", "body", "operation"),
    [
        (lambda im: im.version(), {"version": "2"}, "version"),
        (lambda im: im.infrastructures("a"), {"uri-list": []}, "list"),
        (lambda im: im.create("a", "t"), {"uri": "http://x/1"}, "create"),
        (lambda im: im.state("a", "secret-id"), {"state": {"state": "running"}}, "state"),
        (lambda im: im.outputs("a", "secret-id"), {"outputs": {}}, "outputs"),
        (lambda im: im.contextualization("a", "secret-id"), {"contmsg": ""}, "contmsg"),
        (lambda im: im.delete("a", "secret-id", force=True), {}, "delete"),
        (lambda im: im.reconfigure("a", "secret-id", "0"), {}, "reconfigure"),
    ],
)
async def test_an_operation_has_one_name_without_ids(
    im: ImClient,
    server: Server,
    observed: Observed,
    call: Callable[[ImClient], Awaitable[Any]],
    body: Any,
    operation: str,
) -> None:
    server.body = body
    await call(im)
    assert observed == [(operation, "ok")]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, "im_refused"),
        (404, "im_gone"),
        (403, "im_refused"),
        (500, "im_busy"),
        (503, "im_busy"),
    ],
)
async def test_a_failure_is_named_by_its_code(
    im: ImClient, server: Server, observed: Observed, status: int, outcome: str
) -> None:
    server.status, server.body = status, {"message": "no"}
    with pytest.raises(PaasError):
        await im.state("a", "inf")
    assert observed == [("state", outcome)]


async def test_a_server_that_is_not_there_is_observed_too(observed: Observed) -> None:
    async with aiohttp.ClientSession() as session:
        im = ImClient(session, "http://127.0.0.1:1", 5.0, lambda *one: observed.append(one[:2]))
        with pytest.raises(PaasError):
            await im.version()
    assert observed == [("version", "im_unreachable")]
