"""Fixtures of the web tests."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from support.edge_server import MAX_BODY, Serve, Server, broken_answer, explode, fail, ok, stream
from support.ports import free_port

from paas_stream.settings import Settings
from web import edge, faults, hops
from web.faults import errors_as_json
from web.protocol import Runner


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
