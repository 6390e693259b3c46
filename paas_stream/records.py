"""Wire messages: one pydantic model per topic, the source of the JSON Schemas.

Values are JSON (UTF-8). Unknown fields and unknown minor versions are accepted, an unknown major
version is refused. NaN and Infinity are neither written nor read. Sizes: RAM in MiB, disk in GiB,
-1 = unlimited, except where a name says otherwise. Times: RFC 3339 with zone; durations in seconds
unless the name says minutes.
"""

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

import orjson
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from paas_stream.errors import InvalidMessageError

Uuid = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
]


def _finite(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse NaN and Infinity, which JSON does not know, anywhere in free values."""
    left: list[Any] = [value]
    while left:
        match left.pop():
            case dict() as mapping:
                left.extend(mapping.values())
            case list() as items:
                left.extend(items)
            case float() as number if not math.isfinite(number):
                raise ValueError(f"NaN and Infinity are not JSON, and {number} was given")
    return value


FreeValues = Annotated[dict[str, Any], AfterValidator(_finite)]


class Record(BaseModel):
    """Base of all parts of messages."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class Message(Record):
    """Base of all messages."""

    major: ClassVar[int] = 1

    msg_version: str = "1.0.0"
    timestamp: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))
    cause: str | None = None  # names the event that led to it; a replay of that event says the same

    @classmethod
    def decode(cls, value: bytes | None) -> Self:
        """The message in `value`. Raises InvalidMessageError, which names every fault."""
        try:
            data = orjson.loads(value or b"")
        except orjson.JSONDecodeError as exc:
            raise InvalidMessageError(f"not JSON: {exc}") from exc
        if not isinstance(data, dict):
            raise InvalidMessageError(f"a JSON object was expected, not {type(data).__name__}")
        version = str(data.get("msg_version", f"{cls.major}.0.0"))
        if version.split(".")[0] != str(cls.major):
            raise InvalidMessageError(f"version {version} is unknown, {cls.major}.x was expected")
        try:
            return cls.model_validate(data)
        except ValidationError as exc:
            faults = [f"{'.'.join(map(str, e['loc'])) or '-'}: {e['msg']}" for e in exc.errors()]
            raise InvalidMessageError("; ".join(faults)) from exc

    def encode(self) -> bytes:
        """JSON, without fields that have no value."""
        return orjson.dumps(self.model_dump(mode="json", exclude_none=True))


M = TypeVar("M", bound=Message)


def caused_by(cause: str, messages: Iterable[M]) -> list[M]:
    """The messages, told apart by number, with the event that led to them."""
    return [
        message.model_copy(update={"cause": f"{cause}#{number}"})
        for number, message in enumerate(messages)
    ]


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
    template_inputs: FreeValues = {}
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


class NodeTarget(Record):
    """What one node becomes at one provider."""

    flavor: str | None = None
    image: str | None = None  # URI, or the image's identifier there
    network: str | None = None


class Target(Record):
    """Where a deployment can be made: all that the dispatcher needs of a provider."""

    type: str  # dummy, openstack, kubernetes
    endpoint: str
    project: str = ""
    issuer: str | None = None
    protocol: str | None = None
    credentials: str | None = None  # name of the credentials that the operator configured
    public_network: str | None = None
    private_network: str | None = None
    nodes: dict[str, NodeTarget] = {}


class Candidate(Record):
    """A provider, region and project that can host the template. -1 = unlimited or unknown."""

    provider_name: str
    region_name: str
    overbooking_cpu: float = 1.0
    overbooking_ram: float = 1.0
    bandwidth_in: float = 0.0
    bandwidth_out: float = 0.0
    exact_flavors: float = 0.0
    gpus_requ: float = 0.0
    vcpus_requ: float = 0.0
    vcpus_quota: float = -1.0
    vcpus_usage: float = 0.0
    ram_gb_requ: float = 0.0
    ram_gb_quota: float = -1.0
    ram_gb_usage: float = 0.0
    n_instances_requ: float = 0.0
    n_instances_quota: float = -1.0
    n_instances_usage: float = 0.0
    floating_ips_requ: float = 0.0
    floating_ips_quota: float = -1.0
    floating_ips_usage: float = 0.0
    storage_gb_requ: float = 0.0
    storage_gb_quota: float = -1.0
    storage_gb_usage: float = 0.0
    n_volumes_requ: float = 0.0
    n_volumes_quota: float = -1.0
    n_volumes_usage: float = 0.0
    test_failure_perc_1d: float = -1.0
    test_failure_perc_7d: float = -1.0
    test_failure_perc_30d: float = -1.0
    target: Target


class RankedCandidate(Candidate):
    """A candidate with its place in the order; -1 = no model said anything."""

    classification: float = -1.0
    regression: float = -1.0
    resource_exactness: float = -1.0
    p_success: float | None = None
    t_success_s: float | None = None
    t_failure_s: float | None = None
    score: float = 0.0  # the larger the better


class Discarded(Record):
    """A provider that cannot host the template, and why."""

    provider_name: str
    region_name: str
    project: str = ""
    code: str
    reason: str


class Inference(Message):
    """`inference`: the providers that can host the template, not yet in order."""

    msg_version: str = "1.1.0"
    uuid: Uuid
    revision: int = 1
    template_name: str
    submission_time: AwareDatetime
    user_group: str | None = None
    providers: tuple[Candidate, ...]
    discarded: tuple[Discarded, ...] = ()


class RankedProviders(Message):
    """`ranked-providers`: the same providers in the order in which they are to be tried."""

    uuid: Uuid
    revision: int = 1
    ranked_providers: tuple[RankedCandidate, ...]
    discarded: tuple[Discarded, ...] = ()
    fallback: Literal["model", "rates", "rule", "sla"] = "rule"  # the step that made the order
    model_version: str | None = None


class Operation(StrEnum):
    """What the dispatcher works on."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ACTION = "action"


class DeploymentResult(Message):
    """`deployment-results`: what the dispatcher did; `final` once per operation."""

    uuid: Uuid
    kind: Literal["accepted", "attempt", "resources", "log", "final"]
    operation: Operation = Operation.CREATE
    success: bool | None = None  # of an attempt or an operation
    attempt: int | None = None  # from 1
    provider_name: str | None = None
    region_name: str | None = None
    provider_type: str | None = None
    provider_endpoint: str | None = None
    infrastructure_id: str | None = None
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    failure: str | None = None  # class of the failure
    reason: str | None = None  # a sentence
    im_state: str | None = None
    outputs: str | None = None  # JWE of a JSON object
    kept: bool = False  # a failed attempt that was left in place (keep_last_attempt)


class Source(Record):
    """Where a record stands on the broker."""

    topic: str
    partition: int
    offset: int
    key: str | None = None


class ErrorRecord(Message):
    """`errors`: what went wrong in any box."""

    uuid: str | None = None
    component: str
    step: str
    code: str
    message: str
    retriable: bool = False
    source: Source | None = None
    payload_base64: str | None = None


class ProcedureStatus(Message):
    """`procedure-status`: the begin or end of one step of one deployment."""

    uuid: Uuid
    component: str
    step: str
    status: Literal["begin", "end", "failed"]
    message: str = ""
    duration_s: float | None = None
    attempt: int | None = None
    provider_name: str | None = None
    region_name: str | None = None


class Command(Message):
    """`deployment-commands`: something a user or the tracker wants done."""

    uuid: Uuid
    command: Literal["delete", "cancel", "forget"]
    force: bool = False
    reason: str | None = None
    request_id: str | None = None
    access_token: str | None = None  # JWE


class DispatchEvent(Message):
    """`dispatch-events` (internal): a tick, or what became of an effect."""

    uuid: Uuid
    event: Literal["tick", "effect"]
    attempt: int = 0
    issue: int = 0  # which issue of the effect this answers
    effect: str = ""
    outcome: str = ""
    infrastructures: tuple[str, ...] = ()
    state: str | None = None
    machines: int = 0
    message: str | None = None
    outputs: str | None = None  # JWE
    retry_after_s: float | None = None


class TrackerEvent(Message):
    """`tracker-events` (internal): a tick."""

    uuid: Uuid
    event: Literal["tick"]


class Quota(Record):
    """One row of a provider's quotas: the limits, or (`usage`) what is used of them."""

    type: str  # compute, block-storage, networking, object-store, storageclass
    usage: bool = False
    per_user: bool = False
    cores: float | None = None
    ram: float | None = None
    instances: float | None = None
    gigabytes: float | None = None
    volumes: float | None = None
    public_ips: float | None = None
    gpus: dict[str, int] | None = None


class Flavor(Record):
    """A size of machine."""

    name: str
    vcpus: float
    ram: float  # MiB
    disk: float = 0  # GiB
    gpus: int = 0
    gpu_vendor: str | None = None
    gpu_model: str | None = None
    infiniband: bool = False
    is_shared: bool = True
    iaas_uuid: str | None = None


class Image(Record):
    """A machine image."""

    name: str
    iaas_uuid: str | None = None
    os_type: str | None = None
    os_distro: str | None = None
    os_version: str | None = None
    architecture: str | None = None
    is_shared: bool = True
    created_at: str | None = None
    gpu_driver: bool = False
    cuda_support: bool = False
    tags: tuple[str, ...] = ()


class Network(Record):
    """A network of a project."""

    name: str
    is_router_external: bool = False
    is_default: bool = False
    is_shared: bool = True
    iaas_uuid: str | None = None


class Feeder(Message):
    """`feeder` 2.0.0: one provider, region and project, as last read."""

    major: ClassVar[int] = 2

    msg_version: str = "2.0.0"
    provider_name: str
    provider_type: str
    provider_endpoint: str
    region_name: str = "default"
    project_id: str
    user_group: str
    issuer_endpoint: str = ""
    issuer_name: str = ""
    issuer_protocol: str | None = None
    overbooking_cpu: float = 1.0
    overbooking_ram: float = 1.0
    bandwidth_in: float = 0.0
    bandwidth_out: float = 0.0
    quotas: tuple[Quota, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    images: tuple[Image, ...] = ()
    networks: tuple[Network, ...] = ()
    sla_start: str | None = None  # date; ours
    sla_end: str | None = None  # date; ours
    credentials: str | None = None  # name of configured credentials; ours

    @property
    def key(self) -> str:
        """Row key: provider/region/project."""
        return f"{self.provider_name}/{self.region_name}/{self.project_id}"


class ComponentStatus(Message):
    """`component-status`: heartbeat of one box on one worker."""

    component: str
    instance: str
    status: Literal["alive", "stopped"] = "alive"
