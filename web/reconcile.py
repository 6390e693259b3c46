"""`POST /admin/reconcile`: the IM is compared with all deployments now, not when their turn comes.

Every worker asks for its own deployments, one after the other, slowly enough for other work to go on.
What a worker has not asked for when it ends has its turn later: dispatchers compare all that is at rest
again and again.
"""

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.records import Command
from tables import deployments as tables
from web import callers, owners
from web.deployments import check_ready
from web.faults import unavailable

PER_S = 20.0  # deployments; each is a call on the IM for every attempt


class Inspections:
    """At most one walk over the deployments of this worker."""

    def __init__(self, per_s: float = PER_S) -> None:
        self._pause_s = 1 / per_s
        self._walk: asyncio.Task[None] | None = None

    @property
    def is_going_on(self) -> bool:
        """Whether there are deployments that have not been asked for."""
        return self._walk is not None and not self._walk.done()

    def begin(self, uuids: Collection[str]) -> None:
        """Ask for these, unless a walk goes on: it is as good."""
        if not self.is_going_on:
            self._walk = asyncio.create_task(self._all(tuple(uuids)))

    async def _all(self, uuids: tuple[str, ...]) -> None:
        for uuid in uuids:
            await app.emit(Command(uuid=uuid, command="inspect", timestamp=datetime.now(UTC)))
            await asyncio.sleep(self._pause_s)

    async def stop(self) -> None:
        """Leave the rest."""
        if self._walk is not None:
            self._walk.cancel()
            await asyncio.wait({self._walk})


inspections = Inspections()


@app.page("/admin/reconcile")
class Reconcile(View):
    """For admins."""

    async def post(self, request: web.Request) -> web.Response:
        """Begin on all workers. One that does not answer makes it a 503; repeating does no harm."""
        check_ready()
        await callers.require(request, Action.ADMINISTER)
        if owners.HOP not in request.headers:
            others = (owners.forward(request, one) for one in owners.others())
            answers = await asyncio.gather(*others)
            if any(one.status != 202 for one in answers):
                raise unavailable("a worker cannot answer yet")
        inspections.begin(tables.index)
        return web.Response(status=202)


@app.on_before_shutdown.connect(weak=False)
async def stop(*_: Any, **__: Any) -> None:
    """Before the producer is closed."""
    await inspections.stop()
