"""`/deployments`: the operations that clients live by."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from paas_stream.access import Action
from paas_stream.records import NodeRequirement
from web.changes import ResetRequest
from web.contract.base import Free, Link, Minute, Moment, Page, Reply
from web.contract.operation import (
    EVENT_STREAM,
    JSON,
    Answer,
    Operation,
    Tag,
    empty,
    in_json,
    in_text,
)
from web.contract.queries import CreateQuery, DeleteQuery, DeploymentsQuery, EventsQuery
from web.contract.ranking import Ranked
from web.idempotency import KEY_MOST
from web.requests import DeploymentRequest

Status = Literal[
    "CREATE_IN_PROGRESS",
    "CREATE_COMPLETE",
    "CREATE_FAILED",
    "UPDATE_IN_PROGRESS",
    "UPDATE_COMPLETE",
    "UPDATE_FAILED",
    "DELETE_IN_PROGRESS",
    "DELETE_COMPLETE",
    "DELETE_FAILED",
    "UNKNOWN",
]
Task = Literal["NONE", "BROKERING", "DEPLOYER"]
UserGroup = Annotated[
    str | None,
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
    Field(description="in whose name; null when in no group's"),
]


class CreatedBy(Reply):
    """Whose it is."""

    issuer: str
    subject: str


class CloudProviderEndpoint(Reply):
    """Where it runs."""

    cpEndpoint: str
    cpComputeServiceId: str = Field(description="names the provider's service: its endpoint")
    region: str | None = None
    deploymentType: str = Field(description="as iaasType", examples=["OPENSTACK"])
    iaasType: str = Field(description="the provider's type", examples=["OPENSTACK"])


class Deployment(Reply):
    """A deployment as it is now."""

    uuid: str
    creationTime: Minute
    updateTime: Minute
    physicalId: str | None = Field(None, max_length=36, description="the IM's id")
    status: Status
    statusReason: str | None = Field(
        None,
        description="of a state that has failed; in CREATE_IN_PROGRESS of the last failed attempt",
    )
    outputs: Free = Field(description="by the names that the template gives them")
    outputsUnavailable: str | None = Field(None, description="why the outputs cannot be shown")
    task: Task = Field(description="which part of the pipeline works on it")
    callback: str | None = None
    userGroup: UserGroup
    cloudProviderName: str | None = None
    cloudProviderEndpoint: CloudProviderEndpoint | None = None
    createdBy: CreatedBy
    links: list[Link] = Field(description="self, resources, template")


class DeploymentPage(Page[Deployment]):
    """Deployments, newest first."""


class DryRun(Ranked):
    """What would become of a request."""

    valid: Literal[True]
    warnings: list[str]
    requirements: list[NodeRequirement]


class DeploymentRanking(Ranked):
    """The ranking of one deployment."""

    uuid: str


class TimelineEntry(Reply):
    """One step of a deployment."""

    id: str = Field(description="stays the same")
    time: Moment
    component: str
    step: str
    status: str = Field(description="begin, end or failed")
    message: str
    attempt: int | None = None
    provider: str | None = None
    region: str | None = None
    durationSeconds: float | None = None


class IdempotencyHeaders(BaseModel):
    """Headers of a request that creates."""

    model_config = ConfigDict(populate_by_name=True)

    key: str | None = Field(
        None,
        alias="Idempotency-Key",
        max_length=KEY_MOST,
        description="the same key from the same caller makes one deployment, however often it is sent; "
        "printable characters. A blank one counts as none",
    )


class StreamHeaders(BaseModel):
    """Headers of a request for a stream."""

    model_config = ConfigDict(populate_by_name=True)

    last: str | None = Field(
        None, alias="Last-Event-ID", description="of a stream: go on after this one"
    )


_STREAM = (
    "With `Accept: text/event-stream` entries come as they are stored: an event without a name holds "
    "an entry, `status` the state, `end` the reason why nothing more will come."
)

OPERATIONS = (
    Operation(
        "GET",
        "/deployments",
        "listDeployments",
        Tag.DEPLOYMENTS,
        "The deployments, newest first",
        {200: in_json("a page", DeploymentPage)},
        Action.LIST,
        query=DeploymentsQuery,
        aliases=("/deployments/",),
    ),
    Operation(
        "POST",
        "/deployments",
        "createDeployment",
        Tag.DEPLOYMENTS,
        "Deploy a TOSCA template",
        {
            200: in_json("a dry run: who would host it; nothing was deployed", DryRun),
            201: in_json("accepted", Deployment, "Location"),
        },
        Action.CREATE,
        query=CreateQuery,
        headers=IdempotencyHeaders,
        body=DeploymentRequest,
        errors=(422,),
        about="Faults of the template are found at once and answered with 400. An `Idempotency-Key` that "
        "comes again with the same request is answered with its deployment, and with another request "
        "422; the order of JSON's fields does not matter.",
        aliases=("/deployments/",),
    ),
    Operation(
        "GET",
        "/deployments/{uuid}",
        "getDeployment",
        Tag.DEPLOYMENTS,
        "One deployment",
        {200: in_json("as it is now", Deployment)},
        Action.LOOK,
        errors=(404,),
        about="Never 404 after the 201 of its POST.",
    ),
    Operation(
        "PUT",
        "/deployments/{uuid}",
        "updateDeployment",
        Tag.DEPLOYMENTS,
        "Bring a deployment to another template or other inputs",
        {202: in_json("the update has begun, or waits for the one before", Deployment)},
        Action.CHANGE,
        errors=(404, 409),
        body=DeploymentRequest,
        about="It stays at its provider. Inputs that are not given keep their values; `userGroup`, "
        "`providerTimeoutMins`, `maxProvidersRetry` and `keepLastAttempt` are not looked at.",
    ),
    Operation(
        "PATCH",
        "/deployments/{uuid}",
        "resetDeployment",
        Tag.DEPLOYMENTS,
        "Give up a delete that does not end",
        {204: empty("it will be DELETE_FAILED, and can be deleted again")},
        Action.CHANGE,
        errors=(404, 409),
        body=ResetRequest,
    ),
    Operation(
        "DELETE",
        "/deployments/{uuid}",
        "deleteDeployment",
        Tag.DEPLOYMENTS,
        "Delete a deployment; running work is cancelled",
        {204: empty("the delete has begun")},
        Action.CHANGE,
        errors=(404, 408, 409, 413),
        query=DeleteQuery,
        about="A body is read and ignored.",
    ),
    Operation(
        "GET",
        "/deployments/{uuid}/template",
        "getTemplateText",
        Tag.DEPLOYMENTS,
        "The template as it was handed over",
        {200: in_text("TOSCA, whatever `Accept` says")},
        Action.LOOK,
        errors=(404,),
    ),
    Operation(
        "GET",
        "/deployments/{uuid}/log",
        "getLog",
        Tag.DEPLOYMENTS,
        "What the Infrastructure Manager has logged",
        {200: in_text("the log, whatever `Accept` says; empty when there is none")},
        Action.CHANGE,
        errors=(404,),
    ),
    Operation(
        "GET",
        "/deployments/{uuid}/extrainfo",
        "getExtraInfo",
        Tag.DEPLOYMENTS,
        "The machines as the Infrastructure Manager tells of them",
        {200: in_text("a JSON array, whatever `Accept` says")},
        Action.CHANGE,
        errors=(404,),
    ),
    Operation(
        "GET",
        "/deployments/{uuid}/events",
        "listEvents",
        Tag.DEPLOYMENTS,
        "The timeline: every step, attempt and reason",
        {
            200: Answer(
                "oldest first; as a stream in the order in which they came",
                {JSON: list[TimelineEntry], EVENT_STREAM: str},
            ),
            204: empty("of a stream: all has been told, and nothing more will come"),
        },
        Action.LOOK,
        errors=(404,),
        query=EventsQuery,
        headers=StreamHeaders,
        about=_STREAM,
    ),
    Operation(
        "GET",
        "/deployments/{uuid}/ranking",
        "getRanking",
        Tag.DEPLOYMENTS,
        "In which order providers are tried, and why the others are not",
        {200: in_json("providers in order", DeploymentRanking)},
        Action.LOOK,
        errors=(404,),
    ),
)
