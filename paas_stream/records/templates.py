"""`template` and `validated-templates`: what a user hands over, and what its nodes need."""

from typing import Literal

from pydantic import AwareDatetime, Field

from paas_stream.records.base import FreeValues, Message, Record, Uuid


class Owner(Record):
    """Who a deployment belongs to."""

    issuer: str
    subject: str
    username: str = ""


class Request(Record):
    """What the user asked for besides the template; travels with the deployment."""

    owner: Owner
    user_group: str | None = None
    user_group_issuer: str | None = None
    max_providers: int | None = None  # total number of providers tried
    deadline: AwareDatetime  # the overall time-out as a moment
    per_provider_timeout: int  # minutes
    keep_last_attempt: bool = False
    target_provider_name: str | None = None
    target_provider_type: str | None = None
    target_region_name: str | None = None
    access_token: str | None = None  # JWE


class Template(Message):
    """`template`: a TOSCA template with the user's inputs."""

    uuid: Uuid
    operation: Literal["create", "update"] = "create"
    revision: int = 1
    template: str  # TOSCA, YAML text
    template_name: str = ""
    template_inputs: FreeValues = Field(default={})
    request: Request
    callback: str | None = None


class NodeRequirement(Record):
    """What one node of a template needs from a provider; amounts are for one instance."""

    name: str
    kind: Literal["compute", "container"] = "compute"
    count: int = 1  # instances (`scalable.count`)
    cpus: float = 0
    memory_mib: int = 0
    disk_gib: int = 0
    gpus: int = 0
    gpu_vendor: str | None = None
    gpu_model: str | None = None
    instance_type: str | None = None  # flavor by name
    image: str | None = None  # image by name or URI
    os_type: str | None = None
    os_architecture: str | None = None
    os_distribution: str | None = None
    os_version: str | None = None
    public_address: bool = False
    volumes_gib: tuple[int, ...] = ()  # one entry per attached volume
    infiniband: bool = False


class ValidatedTemplate(Message):
    """`validated-templates`: the template with inputs resolved, and what it needs."""

    uuid: Uuid
    revision: int = 1
    template: FreeValues  # TOSCA, types merged in, no import left
    template_name: str
    is_automatic: bool = True  # no placement policy
    user_group: str | None = None
    requirements: tuple[NodeRequirement, ...]
    request: Request
    warnings: tuple[str, ...] = ()
