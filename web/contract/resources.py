"""`/deployments/{uuid}/resources`: the nodes of a deployment, and what can be done with them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from web.contract.base import Link, Minute, Page, Reply
from web.contract.operation import Operation

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


class ActionRequest(BaseModel):
    """Body of POST /deployments/{uuid}/resources/{rid}/actions."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["start", "stop"]


class PatchRequest(BaseModel):
    """Body of PATCH /deployments/{uuid}: a delete that is stuck is given up."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["DELETE_FAILED"]


OPERATIONS: tuple[Operation, ...] = ()
