"""`/deployments/{uuid}/template`: the template as its user handed it over, as plain text."""

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from tables import template_texts
from web import callers
from web.deployments import elsewhere, find
from web.faults import ApiError
from web.things import thing_of


@app.page("/deployments/{uuid}/template")
class TemplateText(View):
    """The template of one deployment."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """The text, whatever the client accepts: existing ones ask for JSON and print what comes."""
        if there := await elsewhere(request, uuid):
            return there
        row = await find(uuid)
        await callers.require(request, Action.LOOK, thing_of(row))
        text = template_texts.get(uuid)
        if text is None:
            raise ApiError(
                404, f"the template of {uuid} is not kept: it is older than this service"
            )
        return web.Response(text=text, content_type="text/plain", charset="utf-8")
