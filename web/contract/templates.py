"""`/templates`: templates described and kept."""

from typing import Any

from pydantic import Field

from paas_stream.access import Action
from paas_stream.records import NodeRequirement
from paas_stream.tosca.validated import Totals
from web.contract.base import Free, Link, Minute, Page, Reply
from web.contract.deployments import CreatedBy
from web.contract.operation import Operation, Tag, empty, in_json
from web.contract.queries import TemplatesQuery
from web.stored_templates import StoreRequest
from web.templates import InspectRequest


class TemplateInput(Reply):
    """An input as the template declares it."""

    name: str
    type: str
    required: bool
    description: str | None = None
    default: Any = None
    constraints: list[Any] | None = None
    entry_schema: Any = None


class TemplateNode(Reply):
    """A node template."""

    name: str
    type: str


class TemplateOutput(Reply):
    """An output."""

    name: str
    description: str


class TemplatePolicy(Reply):
    """A policy."""

    name: str
    type: str
    properties: Free
    targets: list[str]


class Inspection(Reply):
    """What a form needs to know of a template."""

    templateName: str
    description: str
    automatic: bool = Field(description="no policy names a provider")
    inputs: list[TemplateInput]
    nodes: list[TemplateNode]
    requirements: list[NodeRequirement] = Field(description="what each node needs")
    totals: Totals
    objects: list[str] = Field(description="Kubernetes objects", examples=[["Deployment/web"]])
    outputs: list[TemplateOutput]
    policies: list[TemplatePolicy]
    warnings: list[str]


class StoredTemplate(Reply):
    """A template that is kept for all users, without its text."""

    id: str = Field(description="SHA-256 of the text")
    name: str
    description: str | None = None
    createdBy: CreatedBy = Field(description="who stored it first")
    creationTime: Minute
    links: list[Link] = Field(description="self")


class StoredTemplateWithText(StoredTemplate):
    """A template that is kept for all users."""

    template: str


class StoredTemplatePage(Page[StoredTemplate]):
    """Stored templates in the order of their names."""


OPERATIONS = (
    Operation(
        "GET",
        "/templates",
        "listTemplates",
        Tag.TEMPLATES,
        "The stored templates, in the order of their names",
        {200: in_json("a page", StoredTemplatePage)},
        Action.LIST,
        query=TemplatesQuery,
        aliases=("/templates/",),
    ),
    Operation(
        "POST",
        "/templates",
        "storeTemplate",
        Tag.TEMPLATES,
        "Keep a template for all users",
        {
            200: in_json("the same text is stored already", StoredTemplate, "Location"),
            201: in_json("stored", StoredTemplate, "Location"),
            202: in_json("taken; it will be shown soon", StoredTemplate, "Location"),
        },
        Action.CREATE,
        errors=(409,),
        body=StoreRequest,
        about="Faults of the template answer 400; inputs may be without values.",
        aliases=("/templates/",),
    ),
    Operation(
        "GET",
        "/templates/{id}",
        "getTemplate",
        Tag.TEMPLATES,
        "A stored template with its text",
        {200: in_json("it", StoredTemplateWithText)},
        Action.LOOK,
        errors=(404,),
    ),
    Operation(
        "DELETE",
        "/templates/{id}",
        "deleteTemplate",
        Tag.TEMPLATES,
        "Forget a stored template; deployments made from it stay as they are",
        {204: empty("it is gone"), 202: empty("taken; it will be gone soon")},
        Action.CHANGE,
        errors=(404,),
    ),
    Operation(
        "POST",
        "/templates/inspect",
        "inspectTemplate",
        Tag.TEMPLATES,
        "What a form needs to know of a template; nothing is deployed",
        {200: in_json("inputs, nodes, requirements, outputs and policies", Inspection)},
        Action.CREATE,
        body=InspectRequest,
        about="Requirements are those with the given parameters. Faults of the template answer 400.",
    ),
)
