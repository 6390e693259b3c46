"""The page's files: what is served, and what they may not contain."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer, make_mocked_request

from web import health, pages
from web.faults import errors_as_json


@pytest.fixture
async def client() -> AsyncIterator[TestClient[Any, Any]]:
    async def file(request: web.Request) -> web.StreamResponse:
        return pages.serve(request, request.match_info["name"])

    async def root(request: web.Request) -> web.StreamResponse:
        return await health.Root(health.app, health.app.web).get(request)

    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/ui/{name}", file)
    app.router.add_get("/", root)
    async with TestClient(TestServer(app)) as made:
        yield made


@pytest.mark.parametrize("name", sorted(pages.assets))
async def test_each_file_comes_with_its_type_and_the_policy(
    client: TestClient[Any, Any], name: str
) -> None:
    async with client.get(f"/ui/{name}") as answer:
        assert answer.status == 200
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self';")
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.charset == "utf-8"
        etag = answer.headers["ETag"]
    async with client.get(f"/ui/{name}", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304
        assert await answer.read() == b""


@pytest.mark.parametrize("name", ["nothing.js", "..%2fpages.py", "pages.py", ".html"])
async def test_nothing_else_is_served(client: TestClient[Any, Any], name: str) -> None:
    async with client.get(f"/ui/{name}") as answer:
        assert answer.status == 404
        assert (await answer.json())["message"]


def test_the_page_needs_nothing_from_elsewhere_and_has_no_script_in_itself() -> None:
    for name, asset in pages.assets.items():
        text = asset.body.decode()
        addresses = set(re.findall(r"https?://[^\s\"')]+", text))
        assert addresses <= {"http://www.w3.org/2000/svg"}, name
    page = pages.assets["index.html"].body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|style=|javascript:", page)


def test_scripts_never_read_text_as_html_or_code() -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    for name, asset in pages.assets.items():
        assert not re.search(forbidden, asset.body.decode()), name


async def test_the_configuration_is_flat_and_all_text() -> None:
    view = health.Configuration(health.app, health.app.web)
    answer = await view.get(make_mocked_request("GET", "/configuration"))
    assert isinstance(answer.body, bytes)
    assert all(isinstance(value, str) for value in json.loads(answer.body).values())


async def test_a_browser_is_sent_to_the_page_and_a_program_is_told_what_this_is(
    client: TestClient[Any, Any],
) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml"}
    async with client.get("/", headers=browser, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/ui/")
    async with client.get("/") as answer:
        assert (await answer.json())["name"] == "paas-stream"
