"""`inference` and `ranked-providers`: who can host a template, in which order, and who cannot."""

from typing import Literal

from pydantic import Field

from paas_stream.records.base import Message, Moment, Number, Record, Uuid, Whole


class NodeTarget(Record):
    """What one node becomes at one provider."""

    flavor: str | None = None  # its name there
    image: str | None = None  # URI, or the image's identifier there
    network: str | None = None  # its name there


class Target(Record):
    """Where a deployment can be made: all that the dispatcher needs of a provider."""

    type: str  # dummy, openstack, kubernetes
    endpoint: str  # URL of the provider's identity service or API
    project: str = ""  # its identifier there
    project_name: str | None = None  # its name there, if it was read
    issuer: str | None = None
    protocol: str | None = None
    credentials: str | None = None  # name of the credentials that the operator configured
    public_network: str | None = None
    private_network: str | None = None
    proxy_host: str | None = None  # through which machines of the private network are reached
    proxy_user: str | None = None
    apps_dns: str | None = None  # domain in which a cluster's applications get their names
    nodes: dict[str, NodeTarget] = Field(default={})
    # What the template takes there of each quota; RAM in MiB, storage in GiB
    demand: dict[str, Number] = Field(default={})


class ProviderNumbers(Record):
    """What is known of a provider and region before a deployment. -1 = unlimited or unknown."""

    provider_name: str
    region_name: str
    overbooking_cpu: Number = 1.0  # promised to real capacity
    overbooking_ram: Number = 1.0  # promised to real capacity
    bandwidth_in: Number = 0.0  # Gbit/s
    bandwidth_out: Number = 0.0  # Gbit/s
    exact_flavors: Number = 0.0  # share of machines whose flavor is exactly what was asked
    gpus_requ: Number = 0.0  # asked for, by all machines; so are all `_requ`
    vcpus_requ: Number = 0.0
    vcpus_quota: Number = -1.0  # limit of the project; so are all `_quota`
    vcpus_usage: Number = 0.0  # used of it by now; so are all `_usage`
    ram_gb_requ: Number = 0.0  # GiB
    ram_gb_quota: Number = -1.0  # GiB
    ram_gb_usage: Number = 0.0  # GiB
    n_instances_requ: Number = 0.0
    n_instances_quota: Number = -1.0
    n_instances_usage: Number = 0.0
    floating_ips_requ: Number = 0.0
    floating_ips_quota: Number = -1.0
    floating_ips_usage: Number = 0.0
    storage_gb_requ: Number = 0.0  # GiB
    storage_gb_quota: Number = -1.0  # GiB
    storage_gb_usage: Number = 0.0  # GiB
    n_volumes_requ: Number = 0.0
    n_volumes_quota: Number = -1.0
    n_volumes_usage: Number = 0.0
    test_failure_perc_1d: Number = -1.0  # share of Rally tasks that failed, 0 to 1
    test_failure_perc_7d: Number = -1.0  # the same in 7 days
    test_failure_perc_30d: Number = -1.0  # the same in 30 days


class Candidate(ProviderNumbers):
    """A provider, region and project that can host the template."""

    sla_start: str | None = None  # date from which the group's agreement holds; ours
    stale: bool = False  # silent for too long: to be tried after all others; ours
    target: Target


class RankedNumbers(ProviderNumbers):
    """What the ranker has served for a provider; -1 and null = it had no experience to go by."""

    classification: Number = -1.0  # 0.75 x the probability of success
    regression: Number = -1.0  # 0.25 x speed among the candidates: 0 slowest, 1 fastest
    resource_exactness: Number = -1.0  # share of machines whose flavor is exactly what was asked
    p_success: Number | None = None  # probability that an attempt succeeds
    t_success_s: Number | None = None  # how long an attempt that succeeds takes
    t_failure_s: Number | None = None  # how long an attempt that fails takes
    score: Number = 0.0  # 0 to 1, the larger the better
    # what the ranker knew of it then, in the order of its features; null: not known
    features: tuple[Number | None, ...] | None = None


class RankedCandidate(RankedNumbers, Candidate):
    """A candidate with its place in the order."""

    reasons: tuple[str, ...] = ()  # why it stands where it stands, in words


class Discarded(Record):
    """A provider that cannot host the template, and why."""

    provider_name: str
    region_name: str
    project: str = ""
    code: str  # of the reason
    reason: str  # a sentence with the numbers


class Inference(Message):
    """`inference`: the providers that can host the template, not yet in order."""

    msg_version: str = "1.1.0"
    uuid: Uuid
    revision: Whole = 1  # as in `template`
    template_name: str
    submission_time: Moment  # when the template was accepted
    user_group: str | None = None
    max_providers: Whole | None = None  # providers that may be tried, in all; ours
    deadline: Moment | None = None  # the overall time-out as a moment; ours
    providers: tuple[Candidate, ...]
    discarded: tuple[Discarded, ...] = ()


class RankedProviders(Message):
    """`ranked-providers`: the same providers in the order in which they are to be tried."""

    uuid: Uuid
    revision: Whole = 1  # as in `template`
    template_name: str = ""
    submission_time: Moment | None = None  # when the template was accepted
    user_group: str | None = None
    deadline: Moment | None = None  # the overall time-out as a moment
    ranked_providers: tuple[RankedCandidate, ...]
    discarded: tuple[Discarded, ...] = ()
    fallback: Literal["model", "rates", "rule", "sla"] = "rule"  # the step that made the order
    explanation: str = ""  # why this step, in words
    model_version: str | None = None
    features_schema: str | None = None  # digest of the features' names and units
    propensity: Number | None = None  # probability with which the first came first; null: no chance
