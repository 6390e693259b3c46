"""`/deployments/{uuid}/resources`: the instances of the template's nodes."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.lifecycle import representation
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.resources import Resource, Resources
from tables import deployments as tables
from web import requests, resources
from web.contract.queries import ResourcesQuery
from web.deployments import base_url, elsewhere, found
from web.faults import ApiError
from web.health import as_json


def shown(request: web.Request, row: DeploymentRow, one: Resource) -> dict[str, Any]:
    """A resource for the caller."""
    here = f"{base_url(request)}/deployments/{row.uuid}"
    physical = f"{row.physical_id}/vms/{one.machine}" if one.machine is not None else None
    fields = {
        "uuid": one.uuid,
        "creationTime": representation.moment(one.created),
        "updateTime": representation.moment(one.updated),
        "physicalId": physical,
        "state": one.state(row.status).value,
        "toscaNodeType": one.types[0] if one.types else "",
        "toscaNodeName": one.node,
        "requiredBy": [],
        "metadata": {"VirtualMachineInfo": one.info} if one.info is not None else {},
        "links": [
            {"rel": "self", "href": f"{here}/resources/{one.uuid}"},
            {"rel": "deployment", "href": here},
        ],
    }
    return {name: value for name, value in fields.items() if value is not None}


def of(row: DeploymentRow) -> Resources:
    """All resources of a deployment of this worker."""
    return tables.resources.get(row.uuid) or Resources(row.uuid)


def one_of(row: DeploymentRow, rid: str) -> Resource:
    """One of them. Raises ApiError 404."""
    known = of(row).find(rid)
    if known is None:
        raise ApiError(404, f"the deployment {row.uuid} has no resource {rid}")
    return known


@app.page("/deployments/{uuid}/resources")
class DeploymentResources(View):
    """The collection."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """A page of them; with `type` those of that type and of all that derive from it."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.LOOK)
        asked = requests.query_of(request, ResourcesQuery)
        kind, number, size = asked.type, asked.page, asked.size
        listed = [one for one in of(row).all if kind is None or one.is_of(kind)]
        if kind is not None:
            number, size = 0, max(len(listed), 1)  # as clients know it: all of a type at once
        query = urlencode({"type": kind}) if kind is not None else ""
        return as_json(
            resources.page(
                [shown(request, row, one) for one in listed[number * size : (number + 1) * size]],
                number=number,
                size=size,
                total=len(listed),
                url=f"{base_url(request)}/deployments/{uuid}/resources",
                query=query,
            )
        )


@app.page("/deployments/{uuid}/resources/{rid}")
class DeploymentResource(View):
    """One resource."""

    async def get(self, request: web.Request, uuid: str, rid: str) -> web.StreamResponse:
        """The resource."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.LOOK)
        return as_json(shown(request, row, one_of(row, rid)))
