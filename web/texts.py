"""`/deployments/{uuid}/log` and `/extrainfo`: what machines say, as text.

Views never call the IM: a log is asked for with a command, and comes back as an event. When that takes
too long, the one that came last is shown.
"""

import asyncio
import uuid as uuids
from datetime import UTC, datetime

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.records import Command
from paas_stream.secrets import vault
from tables import deployments as tables
from tables.watched import watch
from web import changes, deployment_resources
from web.deployments import elsewhere, found, send


def as_text(text: str) -> web.Response:
    """Text, whatever the client says that it accepts."""
    return web.Response(text=text, content_type="text/plain", charset="utf-8")


@app.page("/deployments/{uuid}/log")
class ContextualizationLog(View):
    """The contextualization log."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """The log as it is now; empty when there is none."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.CHANGE)
        if row.physical_id is not None and row.delete_since is None:
            await _fetched(request, row)
        known = tables.logs.get(uuid)
        return as_text(vault().open(known.text) if known is not None else "")


async def _fetched(request: web.Request, row: DeploymentRow) -> None:
    """Ask for the log, and wait for it, though not for ever."""
    asked = str(uuids.uuid4())
    with watch(row.uuid) as changed:
        await send(
            Command(
                uuid=row.uuid,
                command="log",
                request_id=asked,
                access_token=await changes.token_of_owner(request, row),
                timestamp=datetime.now(UTC),
            )
        )
        try:
            async with asyncio.timeout(app.settings.web.log_timeout_s):
                while (known := tables.logs.get(row.uuid)) is None or known.request_id != asked:
                    await changed.wait()
                    changed.clear()
        except TimeoutError:
            return


@app.page("/deployments/{uuid}/extrainfo")
class ExtraInfo(View):
    """What the IM says of the machines."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """A JSON array with the description of each machine, as text."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.CHANGE)
        told = [one.info for one in deployment_resources.of(row).all if one.info is not None]
        return as_text(f"[{','.join(told)}]")
