"""A relay before the real IM that is slow, silent, broken or forgetful when it is told to."""

import asyncio
import re
from collections import Counter
from typing import Self

from aiohttp import ClientError, ClientSession, ClientTimeout, web
from chaos.schedule import Kind

_ATTEMPT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(\d+)")
_TIMEOUT = ClientTimeout(total=120)
SLOW_S = 1.5
HANG_S = 30.0  # longer than any call of a worker waits
_SHARE = 3  # of the calls under a fault, every third goes through


class ImProxy:
    """`url` stands in the IM's place. `mode` is the fault that is on."""

    def __init__(self, port: int, target: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._target = target
        self.mode: Kind | None = None
        self.hit: Counter[Kind] = Counter()  # calls that met a fault
        self.refused: set[tuple[str, int]] = set()  # attempts whose create was answered 500
        self.changes_refused: set[str] = set()  # deployments of which any change was
        self._calls = 0

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 << 20)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._session = ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _serve(self, request: web.Request) -> web.Response:
        self._calls += 1
        mode = self.mode if self._calls % _SHARE else None
        body = await request.read()
        if mode is not None:
            self.hit[mode] += 1
        match mode:
            case Kind.IM_SLOW:
                await asyncio.sleep(SLOW_S)
            case Kind.IM_HANG:
                await asyncio.sleep(HANG_S)
                return _broken(request)
            case Kind.IM_RESET:
                return _broken(request)
            case Kind.IM_500:
                found = _ATTEMPT.search(request.headers.get("Authorization", ""))
                if request.method == "POST" and found:
                    self.refused.add((found[1], int(found[2])))
                if request.method != "GET" and found:
                    self.changes_refused.add(found[1])
                return web.json_response({"message": "out of order"}, status=500)
        # carried out to its end though the worker that asked may be gone by then
        answer = await asyncio.shield(asyncio.ensure_future(self._pass_on(request, body)))
        return _broken(request) if mode is Kind.IM_LOST else answer

    async def _pass_on(self, request: web.Request, body: bytes) -> web.Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "content-length", "transfer-encoding")
        }
        try:
            async with self._session.request(
                request.method, self._target + request.path_qs, headers=headers, data=body
            ) as answer:
                kind = answer.headers.get("Content-Type", "text/plain")
                return web.Response(
                    body=await answer.read(), status=answer.status, headers={"Content-Type": kind}
                )
        except ClientError:
            return _broken(request)


def _broken(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
