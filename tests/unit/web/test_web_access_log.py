"""One line for each request, without its secrets."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web
from support.edge_server import (
    MALFORMED,
    SECRET,
    WAYS,
    Serve,
)

from paas_stream.access import Caller
from web import access_log, callers


class TestTheAccessLog:
    @pytest.fixture
    def lines(self) -> Iterator[list[dict[str, Any]]]:
        found: list[dict[str, Any]] = []

        class Keep(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                found.append(json.loads(record.getMessage()))

        handler, level = Keep(), access_log.log.level
        access_log.log.addHandler(handler)
        access_log.log.setLevel(logging.INFO)
        yield found
        access_log.log.setLevel(level)
        access_log.log.removeHandler(handler)

    async def test_has_a_line_for_each_request(
        self, serve: Serve, lines: list[dict[str, Any]]
    ) -> None:
        server = await serve()
        headers = {"X-Request-Id": "abc", "User-Agent": "orchent/1.3"}
        async with server.ask("GET", "/things/17?token=very-secret", headers=headers) as answer:
            length = len(await answer.read())
        (line,) = lines
        assert line.pop("time").endswith("+00:00")
        assert line.pop("durationMs") >= 0
        assert line.pop("bytes") > length
        assert line == {
            "requestId": "abc",
            "method": "GET",
            "route": "/things/{uuid}",
            "path": "/things/17",
            "status": 200,
            "address": "127.0.0.1",
            "userAgent": "orchent/1.3",
            "worker": "worker-0",
        }

    async def test_names_the_caller(
        self, serve: Serve, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def caller(request: web.Request) -> Caller:
            request[access_log.CALLER] = Caller("https://iam.example.org", "ada")
            return request[access_log.CALLER]

        monkeypatch.setattr(callers, "caller", caller)
        server = await serve()
        await server.status("GET", "/ok", headers={"Authorization": "Bearer very-secret"})
        assert (lines[0]["issuer"], lines[0]["subject"]) == ("https://iam.example.org", "ada")
        assert "very-secret" not in json.dumps(lines)

    @pytest.mark.parametrize(("method", "path", "options", "status"), WAYS)
    async def test_has_every_way_to_an_answer(
        self,
        serve: Serve,
        lines: list[dict[str, Any]],
        method: str,
        path: str,
        options: dict[str, Any],
        status: int,
    ) -> None:
        server = await serve()
        async with server.ask(method, path, **options) as answer:
            await answer.read()
        assert [line["status"] for line in lines] == [status]
        assert lines[0]["requestId"] == answer.headers["X-Request-Id"]

    async def test_holds_no_secret_and_no_more_than_a_line(
        self, serve: Serve, lines: list[dict[str, Any]]
    ) -> None:
        server = await serve()
        jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.c2ln"
        headers = {"User-Agent": 'x" password=hunter2 ' + "y" * 5000}
        await server.status("GET", f"/things/{jwt}", headers=headers)
        text = json.dumps(lines)
        assert jwt not in text
        assert SECRET not in text
        assert len(text) < 2000

    async def test_can_be_switched_off(self, serve: Serve, lines: list[dict[str, Any]]) -> None:
        server = await serve(access_log=False)
        await server.status("GET", "/ok")
        assert lines == []

    async def test_has_what_is_no_http(self, serve: Serve, lines: list[dict[str, Any]]) -> None:
        server = await serve()
        await server.raw(MALFORMED[0])
        assert [line["status"] for line in lines] == [400]
