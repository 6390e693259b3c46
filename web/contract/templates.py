"""`/templates`: templates described."""

from typing import Any

from pydantic import Field

from paas_stream.access import Action
from paas_stream.records import NodeRequirement
from paas_stream.tosca.validated import Totals
from web.contract.base import Free, Reply
from web.contract.operation import Operation, Tag, in_json
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


OPERATIONS = (
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
