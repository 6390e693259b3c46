"""Pages over several workers, with real HTTP between them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.lifecycle import T0
from yarl import URL

from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.listing import Order, Query
from tables.listing import Listing
from web import hops, merged, owners
from web.faults import errors_as_json
from web.health import as_json

WORKERS = 3
NUMBER = 40  # deployments; four of each moment, spread over the workers


class Worker:
    """One worker with its part of the deployments."""

    def __init__(self) -> None:
        self.listing = Listing()
        self.stretches: list[merged.Stretch] = []
        self.headers: list[Any] = []

    async def select(self, stretch: merged.Stretch) -> merged.Part:
        self.stretches.append(stretch)
        total, rows = await self.listing.select(
            Query(),
            Order(descending=not stretch.backwards),
            stretch.limit,
            stretch.after,
            included=stretch.included,
        )
        content = [] if stretch.keys_only else [{"uuid": row.uuid} for _, row in rows]
        return merged.Part(total, [key for key, _ in rows], content)

    async def serve(self, request: web.Request) -> web.Response:
        self.headers.append(request.headers)
        if merged.is_asked_by_worker(request):
            return await merged.answer_worker(request, self.select)
        number, size = int(request.query["page"]), int(request.query["size"])
        after = request.query.get("after")
        place = Order().place(after) if after else None
        page = await merged.Merged(request, {}, Order(), self.select).page(number, size, place)
        body = {"found": [one["uuid"] for one in page.content]}
        return as_json(body | {"total": page.total, "more": page.has_next, "next": page.next_after})


@pytest.fixture
def workers() -> list[Worker]:
    made = [Worker() for _ in range(WORKERS)]
    for number, uuid in enumerate(uuids()):
        row = DeploymentRow(uuid, T0, T0, created=T0 + number // 4)
        made[number * 7 % WORKERS].listing.put(row)
    return made


def uuids() -> list[str]:
    return [f"{number:08x}" for number in range(NUMBER)]


@pytest.fixture
async def client(
    workers: list[Worker], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TestClient[Any, Any]]:
    """A client of the first worker."""
    async with AsyncExitStack() as stack:
        servers = []
        for worker in workers:
            app = web.Application(middlewares=[errors_as_json])
            app.router.add_get("/deployments", worker.serve)
            servers.append(await stack.enter_async_context(TestServer(app)))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        settings = SimpleNamespace(web=SimpleNamespace(worker="w0"))
        worker0 = SimpleNamespace(http_client=session, settings=settings, certificates=None)
        for module in (owners, hops):
            monkeypatch.setattr(module, "app", worker0)
        monkeypatch.setattr(hops, "vault", lambda: SimpleNamespace(hop_key=b"of all workers"))
        others = [URL(str(server.make_url("/"))) for server in servers[1:]]
        monkeypatch.setattr(owners, "others", lambda: set(others))
        yield await stack.enter_async_context(TestClient(servers[0]))


async def asked(client: TestClient[Any, Any], status: int = 200, **query: Any) -> dict[str, Any]:
    async with client.get("/deployments", params=query) as answer:
        assert answer.status == status
        return dict(await answer.json())


NEWEST_FIRST = list(reversed(uuids()))


@pytest.mark.parametrize("size", [1, 3, 7, 40, 50])
async def test_pages_by_number_are_the_whole_list(client: TestClient[Any, Any], size: int) -> None:
    found, number, more = [], 0, True
    while more:
        page = await asked(client, page=number, size=size)
        assert page["total"] == NUMBER
        found += page["found"]
        number, more = number + 1, page["more"]
    assert found == NEWEST_FIRST
    beyond = await asked(client, page=number, size=size)
    assert (beyond["found"], beyond["total"], beyond["more"]) == ([], NUMBER, False)


@pytest.mark.parametrize("size", [1, 7, 20])
async def test_pages_by_bookmarks_are_the_whole_list(
    client: TestClient[Any, Any], workers: list[Worker], size: int
) -> None:
    page = await asked(client, page=0, size=size)
    found = page["found"]
    while page["next"]:
        page = await asked(client, page=1, size=size, after=page["next"])
        found += page["found"]
    assert found == NEWEST_FIRST
    assert all(one.limit <= size + 1 for worker in workers for one in worker.stretches)


async def test_a_new_deployment_does_not_move_the_pages_behind_a_bookmark(
    client: TestClient[Any, Any], workers: list[Worker]
) -> None:
    first = await asked(client, page=0, size=10)
    workers[1].listing.put(DeploymentRow("ffffffff", T0, T0, created=T0 + 99))
    workers[0].listing.remove(first["found"][-1])
    second = await asked(client, page=1, size=10, after=first["next"])
    assert second["found"] == NEWEST_FIRST[10:20]


async def test_only_a_pages_own_entries_are_sent_whole(
    client: TestClient[Any, Any], workers: list[Worker]
) -> None:
    await asked(client, page=3, size=5)
    whole = [one.limit for worker in workers for one in worker.stretches if not one.keys_only]
    assert sum(whole) == 5


class TestDeepPages:
    @pytest.fixture(autouse=True)
    def window(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(merged, "WINDOW", 12)

    @pytest.mark.parametrize(("number", "size"), [(7, 5), (6, 5), (9, 4), (13, 3), (39, 1)])
    async def test_near_the_end_are_counted_from_there(
        self, client: TestClient[Any, Any], workers: list[Worker], number: int, size: int
    ) -> None:
        page = await asked(client, page=number, size=size)
        assert page["found"] == NEWEST_FIRST[number * size : (number + 1) * size]
        assert all(one.limit <= 12 for worker in workers for one in worker.stretches)

    async def test_in_the_middle_are_refused_with_what_to_do(
        self, client: TestClient[Any, Any]
    ) -> None:
        refused = await asked(client, 400, page=4, size=5)
        assert "follow the links" in refused["message"]

    async def test_in_the_middle_are_reached_by_bookmarks(
        self, client: TestClient[Any, Any]
    ) -> None:
        bookmark = Order().bookmark((T0 + 5, NEWEST_FIRST[19]))
        page = await asked(client, page=4, size=5, after=bookmark)
        assert page["found"] == NEWEST_FIRST[20:25]


class TestTheOtherWorkers:
    async def test_get_no_credentials_since_the_first_one_has_checked_them(
        self, client: TestClient[Any, Any], workers: list[Worker]
    ) -> None:
        headers = {"Authorization": "Bearer t", "X-Auth-Token": "k", "Cookie": "c=1"}
        async with client.get("/deployments?page=0&size=1", headers=headers) as answer:
            assert answer.status == 200
        (got,) = workers[1].headers
        assert not {"Authorization", "X-Auth-Token", "Cookie"} & set(got)
        assert {hops.HOP, hops.PROOF} < set(got)

    async def test_make_it_a_503_when_one_does_not_answer(
        self, client: TestClient[Any, Any], monkeypatch: pytest.MonkeyPatch, unused_tcp_port: int
    ) -> None:
        here = URL(f"http://127.0.0.1:{unused_tcp_port}")
        monkeypatch.setattr(owners, "others", lambda: {here})
        refused = await asked(client, 503, page=0, size=5)
        assert "does not answer" in refused["message"]

    @pytest.mark.parametrize("stretch", ["", "{}", '{"limit": 10001}', '{"limit": -1}', "[]"])
    async def test_ask_within_bounds(self, client: TestClient[Any, Any], stretch: str) -> None:
        headers = {owners.HOP: "w1"}
        async with client.get("/deployments", params={"stretch": stretch}, headers=headers) as got:
            assert got.status == 400
