"""`/deployments/{uuid}/ranking`: in which order providers are tried, and why the others are not.

The shape is that of `web.ranked`, with `uuid`. Before a deployment is ranked `providers` and
`discarded` are empty, and `message` says so.
"""

from typing import Any

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.lifecycle.deployment import DeploymentRow, Status
from tables import deployments as tables
from web import ranked
from web.deployments import elsewhere, found
from web.health import as_json


@app.page("/deployments/{uuid}/ranking")
class Ranking(View):
    """The ranking of one deployment."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """Providers in order with scores and reasons, and those discarded."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.LOOK)
        kept = tables.ranking(uuid)
        if kept is not None:
            return as_json({"uuid": uuid, **ranked.ranking(kept)})
        return as_json({"uuid": uuid, **unranked(row)})


def unranked(row: DeploymentRow) -> dict[str, Any]:
    """The answer for a deployment without a ranking."""
    waiting = row.status is Status.CREATE_IN_PROGRESS
    message = "not ranked yet" if waiting else row.status_reason or "it was never ranked"
    return {"message": message, "providers": [], "discarded": []}
