"""The REST API with all its routes on a server of this process; every deployment is this worker's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from paas_stream.app import app
from web import deployments, owners, views
from web.faults import errors_as_json

Rest = TestClient[Any, Any]


@asynccontextmanager
async def serving(patch: pytest.MonkeyPatch) -> AsyncIterator[Rest]:
    """A client of it. The agents have handled everything, and there is no other worker."""

    async def caught_up(*_: str) -> bool:
        return True

    patch.setattr(deployments, "tracked", caught_up)
    patch.setattr(owners, "owner", lambda uuid: None)
    patch.setattr(owners, "others", set)
    served = web.Application(middlewares=[errors_as_json])
    assert views.deployments is deployments
    for route in app.web.web_app.router.routes():
        if route.resource is not None:
            served.router.add_route(route.method, route.resource.canonical, route.handler)
    async with TestClient(TestServer(served)) as client:
        yield client
