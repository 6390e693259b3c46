"""`/deployments/{uuid}/resources`: the nodes of a deployment, and what can be done with them."""

from typing import Literal

from pydantic import Field

from paas_stream.access import Action
from web.changes import ActionRequest, DeploymentActionRequest
from web.contract.base import Link, Minute, Page, Reply
from web.contract.operation import Operation, Tag, empty, in_json
from web.contract.queries import ResourcesQuery

State = Literal[
    "INITIAL",
    "CREATING",
    "CREATED",
    "CONFIGURING",
    "CONFIGURED",
    "STARTING",
    "STARTED",
    "STOPPING",
    "STOPPED",
    "DELETING",
    "DELETED",
    "ERROR",
]


class Resource(Reply):
    """One node of a deployment."""

    uuid: str
    creationTime: Minute
    updateTime: Minute
    physicalId: str | None = Field(None, description="the IM's name of the machine")
    state: State
    toscaNodeType: str
    toscaNodeName: str
    requiredBy: list[str]
    metadata: dict[str, str] = Field(
        description="VirtualMachineInfo is JSON text: the machine as the IM tells of it"
    )
    links: list[Link] = Field(description="self, deployment")


class ResourcePage(Page[Resource]):
    """Resources of a deployment."""


_PLACE = "/deployments/{uuid}/resources"
_ACTION = (
    "What is done with a deployment is done one after the other. One that fails is told in the "
    "timeline, and the deployment's status stays."
)

OPERATIONS = (
    Operation(
        "GET",
        _PLACE,
        "listResources",
        Tag.RESOURCES,
        "The nodes of a deployment",
        {200: in_json("a page", ResourcePage)},
        Action.LOOK,
        errors=(404,),
        query=ResourcesQuery,
    ),
    Operation(
        "GET",
        _PLACE + "/{rid}",
        "getResource",
        Tag.RESOURCES,
        "One node",
        {200: in_json("as it is now", Resource)},
        Action.LOOK,
        errors=(404,),
    ),
    Operation(
        "POST",
        _PLACE + "/{rid}/actions",
        "actOnResource",
        Tag.RESOURCES,
        "Start or stop a machine, or configure it once more",
        {202: empty("it has begun: the resource's state tells how it goes")},
        Action.CHANGE,
        errors=(404, 409),
        body=ActionRequest,
        about=_ACTION,
    ),
    Operation(
        "POST",
        "/deployments/{uuid}/actions",
        "actOnDeployment",
        Tag.RESOURCES,
        "Configure all machines that run once more",
        {202: empty("it has begun: the resources' states tell how it goes")},
        Action.CHANGE,
        errors=(404, 409),
        body=DeploymentActionRequest,
        about=_ACTION,
    ),
)
