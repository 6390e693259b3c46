"""What stands in the Infrastructure Manager's place, and notes when each deployment's first call comes.

As a *loopback sink* it answers at once, with what the real one would say of machines that are there at
once: so only the application's own time is measured. With `upstream` it passes every call on to a
real IM.
"""

import asyncio
import re
import time
from itertools import count
from typing import Self

from aiohttp import ClientSession, ClientTimeout, web

_ATTEMPT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.\d+")
_TIMEOUT = ClientTimeout(total=60)


class ImFront:
    """An HTTP server on a loopback port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.upstream: str | None = None  # URL of a real IM
        self.answers = asyncio.Event()  # while it is not set, calls wait for their answer
        self.answers.set()
        self.first: dict[str, float] = {}  # uuid -> time.monotonic() of its first call
        self._owned: dict[str, list[str]] = {}  # IM user -> ids
        self._numbers = count(1)

    @property
    def url(self) -> str:
        """Its URL."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self._session = ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.Response:
        now = time.monotonic()
        found = _ATTEMPT.search(request.headers.get("Authorization", ""))
        if found is None:
            return web.json_response({"message": "no user"}, status=401)
        self.first.setdefault(found[1], now)
        await self.answers.wait()
        if self.upstream is not None:
            return await self._pass_on(request, self.upstream)
        return self._answer(request, found[0])

    def _answer(self, request: web.Request, user: str) -> web.Response:
        parts = [part for part in request.path.split("/") if part]
        mine = self._owned.setdefault(user, [])
        match request.method, parts:
            case "GET", ["infrastructures"]:
                return web.json_response({"uri-list": [self._uri(one) for one in mine]})
            case "POST", ["infrastructures"]:
                mine.append(f"sink-{next(self._numbers)}")
                return web.json_response(self._uri(mine[-1]))
            case "GET", ["infrastructures", _, "state"]:
                state = {"state": "configured", "vm_states": {"0": "configured"}}
                return web.json_response({"state": state})
            case "GET", ["infrastructures", _, "outputs"]:
                return web.json_response({"outputs": {"address": "10.0.0.1"}})
            case "GET", ["infrastructures", one]:
                return web.json_response({"uri-list": [{"uri": f"{self._uri(one)['uri']}/vms/0"}]})
            case "GET", ["infrastructures", _, "vms", _]:
                system = {"class": "system", "id": "node", "state": "configured"}
                return web.json_response({"radl": [system | {"memory.size": 2 * 10**9}]})
            case "DELETE", ["infrastructures", one]:
                self._owned[user] = [other for other in mine if other != one]
                return web.json_response({})
        return web.json_response({"message": "not known to the sink"}, status=404)

    def _uri(self, one: str) -> dict[str, str]:
        return {"uri": f"{self.url}/infrastructures/{one}"}

    async def _pass_on(self, request: web.Request, upstream: str) -> web.Response:
        headers = {
            name: value
            for name, value in request.headers.items()
            if name.lower() not in ("host", "content-length", "transfer-encoding")
        }
        async with self._session.request(
            request.method, upstream + request.path_qs, headers=headers, data=await request.read()
        ) as answer:
            kind = answer.headers.get("Content-Type", "text/plain")
            return web.Response(
                body=await answer.read(), status=answer.status, headers={"Content-Type": kind}
            )
