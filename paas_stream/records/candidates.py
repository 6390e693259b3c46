"""`inference` and `ranked-providers`: who can host a template, in which order, and who cannot."""

from typing import Literal

from pydantic import AwareDatetime, Field

from paas_stream.records.base import Message, Record, Uuid


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
    nodes: dict[str, NodeTarget] = Field(default={})


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
