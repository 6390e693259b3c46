"""A server with the whole edge around a few views."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from aiohttp import web

from web import faults, forwarded

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
