"""`/deployments/{uuid}/actions` and those of one resource: what is done with machines that exist.

Answered as soon as the command is safe; the state of the resources tells how it goes.
"""

from aiohttp import web
from faust.web import View

from paas_stream import topics
from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.records import Command
from web import changes
from web.deployment_resources import of, one_of
from web.deployments import elsewhere, found, send, tracked


async def _taken(command: Command) -> web.Response:
    await send(command)
    await tracked(topics.DEPLOYMENT_COMMANDS, command.uuid)  # so that the next GET shows it
    return web.Response(status=202)


@app.page("/deployments/{uuid}/actions")
class DeploymentActions(View):
    """What is done with all machines of a deployment."""

    async def post(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """Configure them once more."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.CHANGE)
        return await _taken(await changes.action_on_all(request, row, of(row)))


@app.page("/deployments/{uuid}/resources/{rid}/actions")
class ResourceActions(View):
    """What is done with one machine."""

    async def post(self, request: web.Request, uuid: str, rid: str) -> web.StreamResponse:
        """Start or stop it, or configure it once more."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.CHANGE)
        return await _taken(await changes.action(request, row, one_of(row, rid)))
