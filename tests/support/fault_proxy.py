"""An HTTP proxy in front of a real server that holds, refuses or breaks chosen calls.

It runs in a thread of its own, so that tests may block while it works.
"""

import asyncio
import re
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

T = TypeVar("T")

_KEPT = ("content-type", "x-subject-token")  # headers of answers

WAIT_S = 60.0  # no held call lasts longer than this


class Fault:
    """What happens to the next calls that match: at most `times` of them."""

    def __init__(self, method: str, path: str, how: str, times: int) -> None:
        self.method = method
        self.path = re.compile(path)
        self.how = how
        self.left = times
        self.reached = threading.Event()  # a call has come as far as the fault
        self.done = threading.Event()  # a held call was let go, and has reached the server
        self._released = threading.Event()
        self._forward = True

    def release(self) -> None:
        """Let held calls go on to the server, or back to the caller."""
        self._released.set()

    def drop(self) -> None:
        """Let held calls end without ever reaching the server."""
        self._forward = False
        self._released.set()

    async def held(self) -> bool:
        """Wait until the test lets go; whether the call goes on."""
        self.reached.set()
        await asyncio.to_thread(self._released.wait, WAIT_S)
        return self._forward


class FaultProxy:
    """`url` is the address to use in place of the server's."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._faults: list[Fault] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._port = 0
        self.calls: list[str] = []
        self.rewrites: dict[bytes, bytes] = {}  # in what the server answers
        self._run(self._start())

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    def fault(self, method: str, path: str, how: str, times: int = 1) -> Fault:
        """Arrange a fault.

        `how`: `before` holds the call before it reaches the server, `after` holds the reply, `reset`
        breaks the connection before, `lost` after the server has done its work; a number is the
        status that is answered in the server's place.
        """
        fault = Fault(method, path, how, times)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Let go of everything."""
        for fault in self._faults:
            fault.release()
        self._faults.clear()
        self.calls.clear()
        self.rewrites.clear()

    def down(self) -> None:
        """Refuse connections, and break those that are open."""
        self._run(self._refuse())

    def up(self) -> None:
        """Accept connections again, at the same address."""
        self._run(self._listen())

    def close(self) -> None:
        """End the thread."""
        self.clear()
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WAIT_S)

    async def _start(self) -> None:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S))
        app = web.Application(client_max_size=16 << 20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=1.0)
        await self._runner.setup()
        await self._listen()

    async def _listen(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await self._site.start()
        server = self._site._server
        assert isinstance(server, asyncio.Server)
        self._port = server.sockets[0].getsockname()[1]

    async def _refuse(self) -> None:
        await self._site.stop()
        server = self._runner.server
        assert server is not None
        await server.shutdown(0.1)

    async def _stop(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    def _match(self, request: web.Request) -> Fault | None:
        for fault in self._faults:
            fits = fault.method == request.method and fault.path.search(request.path_qs)
            if fits and fault.left > 0:
                fault.left -= 1
                return fault
        return None

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(f"{request.method} {request.path_qs}")
        fault = self._match(request)
        body = await request.read()
        how = fault.how if fault else ""
        if fault is not None and how.isdigit():
            fault.reached.set()
            return web.json_response({"message": "a fault of the test"}, status=int(how))
        if fault is not None and how == "reset":
            fault.reached.set()
            return _break(request)
        if fault is not None and how == "before" and not await fault.held():
            return _break(request)
        answer = await self._forward(request, body)
        if fault is not None:
            fault.done.set()
        if fault is not None and how == "after":
            await fault.held()
        if fault is not None and how == "lost":
            fault.reached.set()
            return _break(request)
        return answer

    async def _forward(self, request: web.Request, body: bytes) -> web.Response:
        headers = {k: v for k, v in request.headers.items() if k.lower() != "host"}
        async with self._session.request(
            request.method, self._target + request.path_qs, headers=headers, data=body
        ) as answer:
            kept = {k: v for k, v in answer.headers.items() if k.lower() in _KEPT}
            content = await answer.read()
            for old, new in self.rewrites.items():
                content = content.replace(old, new)
            return web.Response(body=content, status=answer.status, headers=kept)


def _break(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
