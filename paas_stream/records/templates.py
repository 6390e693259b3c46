"""`template` and `validated-templates`: what a user hands over, and what its nodes need."""

from typing import Literal

from pydantic import Field

from paas_stream.records.base import FreeValues, Message, Moment, Quantity, Record, Uuid, Whole


class Owner(Record):
    """Who a deployment belongs to."""

    issuer: str  # who vouches for the subject
    subject: str  # the user's identifier at the issuer
    username: str = ""


class Request(Record):
    """What the user asked for besides the template; travels with the deployment."""

    owner: Owner
    user_group: str | None = None
    user_group_issuer: str | None = None
    max_providers: Whole | None = None  # total number of providers tried
    deadline: Moment  # the overall time-out as a moment
    per_provider_timeout: Whole  # minutes
    keep_last_attempt: bool = False  # a failed last attempt is not cleaned up
    target_provider_name: str | None = None  # only this one may be tried
    target_provider_type: str | None = None  # only of this type
    target_region_name: str | None = None  # only in this region
    access_token: str | None = None  # JWE


class Template(Message):
    """`template`: a TOSCA template with the user's inputs."""

    uuid: Uuid
    operation: Literal["create", "update"] = "create"
    revision: Whole = 1  # 1 = as created; each update adds 1
    template: str  # TOSCA, YAML text
    template_name: str = ""
    template_inputs: FreeValues = Field(default={})  # by name
    request: Request
    callback: str | None = None  # URL that is told of changes
    body_digest: str | None = (
        None  # of a create with an Idempotency-Key: SHA-256 of the request, in hexadecimal
    )
    removals: tuple[str, ...] = ()  # of an update: machines in the IM that are to go
    existing: dict[str, Whole] = Field(
        default={}
    )  # of an update: instances that each node has already
    owner_ssh_public_key: str | None = None  # for inputs that hold one and were not given


class NodeRequirement(Record):
    """What one node of a template needs from a provider; amounts are for one instance."""

    name: str
    kind: Literal["compute", "container"] = "compute"
    count: Whole = 1  # instances (`scalable.count`); of an update those that are to be added
    cpus: Quantity = 0
    memory_mib: Whole = 0
    disk_gib: Whole = 0
    gpus: Whole = 0
    gpu_vendor: str | None = None
    gpu_model: str | None = None
    instance_type: str | None = None  # flavor by name
    image: str | None = None  # image by name or URI
    os_type: str | None = None
    os_architecture: str | None = None
    os_distribution: str | None = None
    os_version: str | None = None
    gpu_driver: bool = False  # the image must have one
    gpu_driver_version: str | None = None  # at least
    cuda_support: bool = False  # the image must have it
    cuda_version: str | None = None  # at least
    public_address: bool = False  # whether it needs one
    volumes_gib: tuple[Whole, ...] = ()  # one entry per attached volume
    infiniband: bool = False
    ports: tuple[str, ...] = ()  # "22/tcp", "2000-2100/udp"; published:inside for containers
    networks: tuple[str, ...] = ()  # kinds of those its ports bind it to: public, private, ...


class Node(Record):
    """One node of a template, as a user knows it."""

    name: str
    types: tuple[str, ...]  # its own type, then those that it derives from
    count: Whole = 1  # instances
    has_machines: bool = False  # the IM makes a machine or container of each instance
    fixed: str = ""  # a digest of what cannot be changed in place; empty: machines, nothing is
    has_volumes: bool = False  # a container that is made anew loses what it has stored


class ValidatedTemplate(Message):
    """`validated-templates`: the template with inputs resolved, and what it needs."""

    uuid: Uuid
    revision: Whole = 1  # as in `template`
    template: FreeValues  # TOSCA, types merged in, no import left
    template_name: str
    is_automatic: bool = True  # no placement policy
    user_group: str | None = None
    requirements: tuple[NodeRequirement, ...]
    nodes: tuple[Node, ...] = ()  # all of the template's
    request: Request
    warnings: tuple[str, ...] = ()  # sentences
    removals: tuple[str, ...] = ()  # as in `template`
