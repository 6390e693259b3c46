"""What holds for every request, on a real server: ids, headers, CORS, limits, errors, the access log."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any, ClassVar

import aiohttp
import pytest
from aiohttp import web
from support.ports import free_port
from yarl import URL

from paas_stream import request_ids
from paas_stream.access import Caller
from paas_stream.settings import Settings
from web import access_log, callers, edge, faults, forwarded, hops
from web.contract.operation import UNLIMITED
from web.faults import ApiError, errors_as_json
from web.protocol import Runner

MAX_BODY = 10_000
SECRET = "hunter2"
ERROR_FIELDS = {"code", "title", "message"}

Serve = Callable[..., Awaitable["Server"]]


class Server:
    """One server with the whole edge around a few views."""

    def __init__(self, port: int, session: aiohttp.ClientSession) -> None:
        self.port = port
        self._session = session

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """A request; `async with`."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return self._session.request(method, url, allow_redirects=False, **options)

    async def status(self, method: str, path: str, **options: Any) -> int:
        async with self.ask(method, path, **options) as answer:
            return int(answer.status)

    async def raw(self, data: bytes) -> bytes:
        """What comes back, up to the end of the connection or a second of silence."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        got = b""
        try:
            while more := await asyncio.wait_for(reader.read(65536), 1):
                got += more
        except (TimeoutError, ConnectionResetError):
            pass
        writer.close()
        return got


async def ok(request: web.Request) -> web.Response:
    origin = forwarded.of(request)
    return web.json_response({"base": origin.base_url, "address": origin.address})


async def fail(_: web.Request) -> web.Response:
    raise RuntimeError(f"password is {SECRET}")


async def broken_answer(_: web.Request) -> web.Response:
    return None  # type: ignore[return-value]  # a view without an answer: the library finds it


@web.middleware
async def explode(request: web.Request, handler: faults.Handler) -> web.StreamResponse:
    """Outside of what makes errors of exceptions."""
    if request.path == "/middleware":
        raise RuntimeError(f"password is {SECRET}")
    return await handler(request)


async def stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    response.headers["Cache-Control"] = "no-cache"
    await response.prepare(request)
    await response.write(b": hello\n\n")
    return response


@pytest.fixture
async def serve(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """`await serve(rate_per_s=1)`: a server with these settings of the edge."""

    async def nothing(*_: Any) -> None:
        return None

    monkeypatch.setattr(faults, "_report", nothing)
    monkeypatch.setattr(hops, "vault", lambda: SimpleNamespace(hop_key=b"of all workers"))
    runners: list[Runner] = []
    async with aiohttp.ClientSession() as session:

        async def start(**settings: Any) -> Server:
            application = web.Application(
                client_max_size=MAX_BODY, middlewares=[explode, errors_as_json]
            )
            application.router.add_route("GET", "/ok", ok)
            application.router.add_route("POST", "/ok", ok)
            application.router.add_route("PATCH", "/ok", ok)
            application.router.add_route("GET", "/healthz", ok)
            application.router.add_route("GET", "/things/{uuid}", ok)
            application.router.add_route("GET", "/fail", fail)
            application.router.add_route("GET", "/broken", broken_answer)
            application.router.add_route("GET", "/stream", stream)
            made = Settings.model_validate({"edge": settings})
            edge.around(application, made)
            runner = Runner(application, made)
            runners.append(runner)
            await runner.setup()
            port = free_port()
            await web.TCPSite(runner, "127.0.0.1", port).start()
            return Server(port, session)

        yield start
        for runner in runners:
            await runner.cleanup()


# Every way to an answer; none of them may lack what all answers have.
WAYS = [
    ("GET", "/ok", {}, 200),
    ("GET", "/stream", {}, 200),
    ("GET", "/nowhere", {}, 404),
    ("DELETE", "/ok", {}, 405),
    ("GET", "/fail", {}, 500),
    ("GET", "/broken", {}, 500),
    ("GET", "/middleware", {}, 500),
    ("POST", "/ok", {"data": b"x" * (MAX_BODY + 1)}, 413),
    ("GET", "/ok", {"headers": {"Expect": "the-unexpected"}}, 417),
    ("GET", "/ok", {"headers": {"X-Paas-Stream-Hop": "w1"}}, 403),
]
MALFORMED = [
    b"GET / HTTP/9.9.9\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"GET /ok HTTP/1.1\r\nHost: x\r\nBad Header: 1\r\n\r\n",
    b"GET /ok HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    b"POST /ok HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
]


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


class TestARateLimit:
    async def test_refuses_with_the_time_to_wait(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=3)
        assert [await server.status("GET", "/ok") for _ in range(3)] == [200] * 3
        async with server.ask("GET", "/ok") as answer:
            assert answer.status == 429
            assert 1 <= int(answer.headers["Retry-After"]) <= 10
            assert set(await answer.json()) == ERROR_FIELDS
            assert answer.headers["X-Request-Id"]

    async def test_is_off_unless_it_is_set(self, serve: Serve) -> None:
        server = await serve(rate_burst=1)
        assert [await server.status("GET", "/ok") for _ in range(5)] == [200] * 5

    async def test_leaves_probes_and_other_workers_alone(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        assert [await server.status("GET", "/healthz") for _ in range(3)] == [200] * 3
        hop = hops.headers("GET", URL(f"http://127.0.0.1:{server.port}/ok"))
        assert [await server.status("GET", "/ok", headers=hop) for _ in range(3)] == [200] * 3
        assert await server.status("GET", "/ok") == 200
        assert await server.status("GET", "/ok") == 429

    async def test_counts_what_does_not_exist_too(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        assert await server.status("GET", "/nowhere") == 404
        assert await server.status("GET", "/nowhere") == 429

    async def test_counts_each_address_behind_a_trusted_proxy(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1, trusted_proxies=["127.0.0.1"])

        async def of(address: str) -> int:
            return await server.status("GET", "/ok", headers={"X-Forwarded-For": address})

        assert [await of("192.0.2.1"), await of("192.0.2.2"), await of("192.0.2.1")] == [
            200,
            200,
            429,
        ]

    async def test_cannot_be_escaped_by_another_address(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        headers = [{"X-Forwarded-For": f"192.0.2.{number}"} for number in range(2)]
        assert [await server.status("GET", "/ok", headers=one) for one in headers] == [200, 429]


class TestARateLimitOfUsers:
    @pytest.fixture(autouse=True)
    def checked(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Tokens that were checked; a token is its user's name, and `wrong` is none."""
        found: list[str] = []

        async def caller(request: web.Request) -> Caller:
            token = request.headers["Authorization"].removeprefix("Bearer ")
            found.append(token)
            if token == "wrong":
                raise ApiError(401, "the token is not valid")
            return Caller("https://iam.example.org", token)

        monkeypatch.setattr(callers, "caller", caller)
        return found

    @staticmethod
    async def of(server: Server, token: str) -> int:
        return await server.status("GET", "/ok", headers={"Authorization": f"Bearer {token}"})

    async def test_counts_each_user_on_one_address(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1)
        found = [await self.of(server, token) for token in ("ada", "bob", "ada")]
        assert found == [200, 200, 429]

    async def test_follows_a_user_to_other_addresses(self, serve: Serve) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=1, trusted_proxies=["127.0.0.1"])
        found = []
        for number in range(2):
            headers = {"Authorization": "Bearer ada", "X-Forwarded-For": f"192.0.2.{number}"}
            found.append(await server.status("GET", "/ok", headers=headers))
        assert found == [200, 429]

    async def test_stops_guessing_before_another_login_is_checked(
        self, serve: Serve, checked: list[str]
    ) -> None:
        server = await serve(rate_per_s=0.1, rate_burst=2)
        assert [await self.of(server, "wrong") for _ in range(4)][2:] == [429, 429]
        assert checked == ["wrong", "wrong"]


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


def test_probes_of_the_operators_are_exempt_by_their_path() -> None:
    assert {"/healthz", "/readyz", "/metrics"} == UNLIMITED
