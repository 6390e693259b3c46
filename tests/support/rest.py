"""The REST API with all its routes on a server of this process; every deployment is this worker's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from support.bench import Bench, Sent
from support.lifecycle import T0, at

from agents.deployment_tracker import deployment_tracker
from paas_stream.app import app
from paas_stream.records import Message
from paas_stream.tosca.validated import Validated
from web import actions, changes, deployments, owners, views
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


class Line:
    """The tracker behind the API: it handles what views send before they go on.

    Views send it after all that `support.states` tells of.
    """

    def __init__(self, bench: Bench, patch: pytest.MonkeyPatch) -> None:
        self._bench = bench
        self._handled = 0  # entries of the journal
        for module in (deployments, actions):
            patch.setattr(module, "tracked", self._tracked)
        for module in (deployments, changes):
            patch.setattr(module, "datetime", SimpleNamespace(now=lambda _: at(T0 + 100)))

    async def give(self, *messages: Message) -> None:
        """What other boxes say."""
        for message in messages:
            await self._bench.give(deployment_tracker, message)
        self._handled = len(self._bench.journal)

    async def handle(self) -> None:
        """All that views have sent."""
        new = self._bench.journal[self._handled :]
        await self.give(*(one.message for one in new if isinstance(one, Sent)))

    async def _tracked(self, *_: str) -> bool:
        await self.handle()
        return True


class Parser:
    """In the place of the parser: takes every template, or fails as it is told."""

    def __init__(self) -> None:
        self.fault: Exception | None = None

    async def validate(self, *_: Any) -> Validated:
        """What is read of a template."""
        if self.fault is not None:
            raise self.fault
        return Validated({}, "one machine", True, ())


async def answered(asked: Any, status: int) -> dict[str, Any]:
    """The JSON of an answer, which has this status; an error has the body of one."""
    async with asked as answer:
        assert answer.status == status, await answer.text()
        body = dict(await answer.json())
    if status >= 400:
        assert body["code"] == status
        assert body["title"]
        assert body["message"]
    return body
