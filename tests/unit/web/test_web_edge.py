"""What holds for every request, on a real server: ids, headers, CORS, limits of a body, errors."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from typing import Any, ClassVar

import pytest
from support.edge_server import (
    ERROR_FIELDS,
    MALFORMED,
    MAX_BODY,
    SECRET,
    WAYS,
    Serve,
)

from paas_stream import request_ids


class TestEveryAnswer:
    @pytest.mark.parametrize(("method", "path", "options", "status"), WAYS)
    async def test_has_the_id_the_headers_and_no_version(
        self, serve: Serve, method: str, path: str, options: dict[str, Any], status: int
    ) -> None:
        server = await serve()
        headers = {"X-Request-Id": "of-the-caller"} | options.get("headers", {})
        async with server.ask(method, path, **options | {"headers": headers}) as answer:
            assert answer.status == status
            assert answer.headers["X-Request-Id"] == "of-the-caller"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["Server"] == "paas-stream"
            assert "Strict-Transport-Security" not in answer.headers
            expected = "no-cache" if path == "/stream" else "no-store"
            assert answer.headers["Cache-Control"] == expected
            body = await answer.text()
        assert SECRET not in body
        assert "Traceback" not in body
        if status >= 400:
            assert set(json.loads(body)) >= ERROR_FIELDS

    @pytest.mark.parametrize("data", MALFORMED, ids=lambda data: data[:40].decode("latin-1"))
    async def test_to_what_is_no_http_is_an_error_body_too(self, serve: Serve, data: bytes) -> None:
        server = await serve()
        head, _, body = (await server.raw(data)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n") or b" 400 " in head
        found = json.loads(body)
        assert found["code"] == 400
        assert set(found) == ERROR_FIELDS
        assert b"X-Request-Id: " in head
        assert b"Server: paas-stream" in head
        assert b"X-Content-Type-Options: nosniff" in head
        for internal in (b"aiohttp", b"Python", b"Traceback", b"0x"):
            assert internal not in head + body

    async def test_without_a_well_formed_id_has_a_new_one(self, serve: Serve) -> None:
        server = await serve()
        found = set()
        for given in ("a b", "a b"):
            async with server.ask("GET", "/ok", headers={"X-Request-Id": given}) as answer:
                found.add(answer.headers["X-Request-Id"])
        assert len(found) == 2
        assert not found & {"a b"}

    async def test_over_tls_asks_browsers_to_stay_there(self, serve: Serve) -> None:
        server = await serve(trusted_proxies=["127.0.0.1"])
        async with server.ask("GET", "/ok", headers={"X-Forwarded-Proto": "https"}) as answer:
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"

    async def test_to_a_fault_has_the_id_that_the_log_has(
        self, serve: Serve, caplog: pytest.LogCaptureFixture
    ) -> None:
        server = await serve()
        seen: list[str | None] = []

        def note(record: logging.LogRecord) -> bool:
            seen.append(request_ids.current.get())
            return True

        caplog.handler.addFilter(note)
        async with server.ask("GET", "/fail") as answer:
            assert seen[0] == answer.headers["X-Request-Id"]


class TestLinks:
    async def test_are_those_of_the_proxy_that_is_trusted(self, serve: Serve) -> None:
        server = await serve(trusted_proxies=["127.0.0.0/8"])
        told = {
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "paas.example.org",
        }
        async with server.ask("GET", "/ok", headers=told) as answer:
            assert await answer.json() == {
                "base": "https://paas.example.org",
                "address": "192.0.2.7",
            }

    async def test_are_those_of_the_connection_otherwise(self, serve: Serve) -> None:
        server = await serve()
        told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
        async with server.ask("GET", "/ok", headers=told) as answer:
            assert (await answer.json())["base"] == f"http://127.0.0.1:{server.port}"

    async def test_need_no_host_header(self, serve: Serve) -> None:
        server = await serve()
        answer = await server.raw(b"GET /ok HTTP/1.0\r\n\r\n")
        assert f"http://127.0.0.1:{server.port}".encode() in answer


class TestAPageOfAnotherOrigin:
    ORIGIN = "https://dashboard.example.org"
    PREFLIGHT: ClassVar = {"Access-Control-Request-Method": "PATCH"}

    async def test_may_nothing_unless_it_is_listed(self, serve: Serve) -> None:
        server = await serve()
        async with server.ask("GET", "/ok", headers={"Origin": self.ORIGIN}) as answer:
            assert not [name for name in answer.headers if name.startswith("Access-Control")]
        headers = {"Origin": self.ORIGIN} | self.PREFLIGHT
        assert await server.status("OPTIONS", "/ok", headers=headers) == 405

    @pytest.mark.parametrize(("path", "status"), [("/ok", 200), ("/nowhere", 404), ("/fail", 500)])
    async def test_may_read_answers_and_errors_when_it_is_listed(
        self, serve: Serve, path: str, status: int
    ) -> None:
        server = await serve(cors_origins=[self.ORIGIN])
        async with server.ask("GET", path, headers={"Origin": self.ORIGIN}) as answer:
            assert answer.status == status
            assert answer.headers["Access-Control-Allow-Origin"] == self.ORIGIN
            exposed = answer.headers["Access-Control-Expose-Headers"]
            assert set(exposed.split(", ")) == {"Location", "Retry-After", "X-Request-Id"}
            assert "Access-Control-Allow-Credentials" not in answer.headers
            assert answer.headers["Vary"] == "Origin"

    async def test_is_told_what_it_may_do(self, serve: Serve) -> None:
        server = await serve(cors_origins=[self.ORIGIN])
        headers = {"Origin": self.ORIGIN} | self.PREFLIGHT
        async with server.ask("OPTIONS", "/ok", headers=headers) as answer:
            assert answer.status == 204
            assert await answer.read() == b""
            assert answer.headers["Access-Control-Allow-Origin"] == self.ORIGIN
            allowed = answer.headers["Access-Control-Allow-Methods"]
            assert set(allowed.split(", ")) == {"GET", "POST", "PATCH"}
            assert "Idempotency-Key" in answer.headers["Access-Control-Allow-Headers"]

    async def test_that_is_another_one_is_told_nothing(self, serve: Serve) -> None:
        server = await serve(cors_origins=[self.ORIGIN])
        headers = {"Origin": "https://evil.example"} | self.PREFLIGHT
        async with server.ask("OPTIONS", "/ok", headers=headers) as answer:
            assert answer.status == 405
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with server.ask("GET", "/ok", headers=headers) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers
            assert answer.headers["Vary"] == "Origin"

    async def test_may_send_credentials_only_when_that_is_set(self, serve: Serve) -> None:
        server = await serve(cors_origins=[self.ORIGIN], cors_credentials=True)
        async with server.ask("GET", "/ok", headers={"Origin": self.ORIGIN}) as answer:
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"

    async def test_of_a_path_that_is_not_there_is_a_404(self, serve: Serve) -> None:
        server = await serve(cors_origins=["*"])
        headers = {"Origin": self.ORIGIN} | self.PREFLIGHT
        assert await server.status("OPTIONS", "/nowhere", headers=headers) == 404


class TestABody:
    @pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "PATCH"])
    async def test_that_is_too_large_is_413_at_every_endpoint(
        self, serve: Serve, method: str
    ) -> None:
        server = await serve()
        assert await server.status(method, "/ok", data=b"x" * (MAX_BODY + 1)) in (413, 405)
        assert await server.status("POST", "/ok", data=b"x" * MAX_BODY) == 200

    async def test_in_chunks_is_limited_too(self, serve: Serve) -> None:
        server = await serve()

        async def chunks(number: int) -> AsyncIterator[bytes]:
            for _ in range(number):
                yield b"x" * 1000

        assert await server.status("POST", "/ok", data=chunks(11)) == 413
        assert await server.status("POST", "/ok", data=chunks(10)) == 200

    async def test_that_is_compressed_counts_unpacked(self, serve: Serve) -> None:
        server = await serve()
        packed = gzip.compress(b"x" * 5_000_000)
        assert len(packed) < MAX_BODY
        headers = {"Content-Encoding": "gzip"}
        assert await server.status("POST", "/ok", data=packed, headers=headers) == 413

    @pytest.mark.parametrize(
        "data",
        [
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n",
            b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        ],
    )
    async def test_that_is_broken_is_400(self, serve: Serve, data: bytes) -> None:
        server = await serve()
        answer = await server.raw(b"POST /ok HTTP/1.1\r\nHost: x\r\n" + data)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b" 400 " in head.splitlines()[0]
        assert set(json.loads(body)) == ERROR_FIELDS

    async def test_that_does_not_come_is_given_up(self, serve: Serve) -> None:
        server = await serve(receive_timeout_s=0.1)
        answer = await server.raw(b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc")
        assert b" 408 " in answer.splitlines()[0]


class TestAConnection:
    @pytest.mark.parametrize("data", [b"", b"GET /ok HTTP/1.1\r\nHost: x\r\nX: "])
    async def test_without_a_whole_request_is_closed(self, serve: Serve, data: bytes) -> None:
        server = await serve(receive_timeout_s=0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(data)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    async def test_that_has_asked_is_kept(self, serve: Serve) -> None:
        server = await serve(receive_timeout_s=0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in range(2):
            writer.write(b"GET /ok HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 200 " in await asyncio.wait_for(reader.readuntil(b"}"), 5)
            await asyncio.sleep(0.2)
        writer.close()
