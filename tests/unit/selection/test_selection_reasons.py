"""Each rule of the provider selector, at an OpenStack-like provider and at a container provider."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas_stream.errors import InvalidTemplateError
from paas_stream.records import (
    Feeder,
    Flavor,
    Image,
    Network,
    NodeRequirement,
    Owner,
    Quota,
    Request,
    StorageClass,
)
from paas_stream.selection.health import Windows
from paas_stream.selection.reasons import Code
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import Selection, select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MACHINE = NodeRequirement(name="vm", cpus=2, memory_mib=4096, volumes_gib=(10,))
POD = NodeRequirement(
    name="web", kind="container", count=2, cpus=0.5, memory_mib=512, volumes_gib=(5,), gpus=1
)
ONE_POD = POD.model_copy(update={"count": 1})
COMMON: dict[str, Any] = {
    "provider_name": "site",
    "provider_endpoint": "https://site.example.org:5000/v3",
    "project_id": "p",
    "user_group": "physics",
    "issuer_endpoint": "https://iam.example.org/",
    "sla_id": "sla-1",
    "sla_start": "2026-01-01",
    "sla_end": "2026-12-31",
}
OPENSTACK: dict[str, Any] = COMMON | {
    "provider_type": "openstack",
    "region_name": "north",
    "quotas": [
        Quota(type="compute", cores=20, ram=81920, instances=10, gpus={"A100": 2}),
        Quota(type="compute", usage=True, cores=4, ram=8192, instances=2),
        Quota(type="block-storage", gigabytes=100, volumes=5, per_volume_gigabytes=50),
        Quota(type="networking", public_ips=2),
        Quota(type="networking", usage=True, public_ips=1),
    ],
    "flavors": [
        Flavor(name="m", vcpus=2, ram=4096, disk=20),
        Flavor(name="gpu", vcpus=2, ram=4096, gpus=1, gpu_vendor="NVIDIA", gpu_model="A100"),
    ],
    "images": [Image(name="ubuntu", os_distro="ubuntu", os_version="22.04", cuda_version="12.2")],
    "networks": [
        Network(name="ext", is_router_external=True),
        Network(name="net", is_shared=False, proxy_host="bastion", proxy_user="jump"),
    ],
}
KUBERNETES: dict[str, Any] = COMMON | {
    "provider_type": "kubernetes",
    "quotas": [
        {"type": "compute", "limits_cpu": "4", "requests_cpu": "2", "limits_memory": "8Gi"},
        {"type": "compute", "pods": "10", "gpus": {"nvidia.com/gpu": 4}},
        {"type": "compute", "usage": True, "requests_cpu": "500m", "limits_memory": "2Gi"},
        {"type": "block-storage", "pvcs": 4, "storage": "100Gi", "limits_ephemeral_storage": 50},
        {"type": "storageclass", "name": "fast", "storage": "30Gi"},
        {"type": "storageclass", "name": "slow", "storage": "1Gi"},
    ],
    "storage_classes": [StorageClass(name="fast", is_default=True), StorageClass(name="slow")],
}


@dataclass(frozen=True)
class Case:
    """One rule that is broken."""

    code: Code
    sentence: str
    provider: dict[str, Any] = field(default_factory=dict)  # fields that differ
    node: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)
    age_s: float = 0.0
    sla_id: str | None = None


def run(
    base: dict[str, Any], *nodes: NodeRequirement, case: Case | None = None, **options: Any
) -> Selection:
    case = case or Case(Code.STALE, "")
    row = ProviderRow(
        Feeder.model_validate(base | case.provider), NOW - timedelta(seconds=case.age_s)
    )
    other = Feeder.model_validate(OPENSTACK | {"provider_name": "z", "sla_id": "sla-2"})
    request = Request(
        owner=Owner(issuer="i", subject="s"),
        deadline=NOW,
        per_provider_timeout=1,
        **({"user_group": "physics"} | case.request),
    )
    # the other provider is of another group: it can only be known by its agreement
    closed = other.model_copy(update={"user_group": "biology", "region_name": "south"})
    return select(
        tuple(node.model_copy(update=case.node) for node in nodes),
        [row, ProviderRow(closed.model_copy(update={"project_id": "q"}), NOW)],
        request=request,
        today=NOW.date(),
        now=NOW,
        stale_s=900,
        sla_id=case.sla_id,
        trusted_issuers=frozenset({"https://iam.example.org"}),
        **options,
    )


ANYWHERE = [
    Case(
        Code.USER_GROUP,
        "not open to the user group 'biologists'",
        request={"user_group": "biologists"},
    ),
    Case(
        Code.ISSUER,
        "open to the user group 'physics', not of https://other",
        request={"user_group_issuer": "https://other"},
    ),
    Case(
        Code.ISSUER_NOT_TRUSTED,
        "the issuer 'https://evil' is not trusted",
        {"issuer_endpoint": "https://evil/"},
    ),
    Case(
        Code.PROVIDER_STATUS,
        "the provider's status is 'maintenance', not active",
        {"status": "maintenance"},
    ),
    Case(
        Code.SLA_PLACEMENT,
        "the policy asks for the SLA 'sla-2', this one is 'sla-1'",
        sla_id="sla-2",
    ),
    Case(Code.SLA_DATES, "the SLA's dates 2026-01-01 to soon cannot be read", {"sla_end": "soon"}),
    Case(
        Code.SLA_NOT_STARTED,
        "the SLA begins on 2026-03-02, today is 2026-03-01",
        {"sla_start": "2026-03-02"},
    ),
    Case(
        Code.SLA_EXPIRED,
        "the SLA ended on 2026-02-28, today is 2026-03-01",
        {"sla_end": "2026-02-28"},
    ),
    Case(
        Code.TARGET_PROVIDER,
        "the provider 'other' is asked for",
        request={"target_provider_name": "other"},
    ),
    Case(Code.TARGET_TYPE, "type 'aws' is asked for", request={"target_provider_type": "aws"}),
    Case(
        Code.TARGET_REGION,
        "the region 'south' is asked for",
        request={"target_region_name": "south"},
    ),
    Case(Code.STALE, "silent for 901 s, 900 s are allowed", age_s=901),
    Case(Code.PROVIDER_TYPE, "providers of type 'aws' are not served", {"provider_type": "aws"}),
]
AT_OPENSTACK = [
    *(
        Case(Code.NOT_READ, f"the provider's {part} could not be read so far", {part: None})
        for part in ("flavors", "images", "networks")
    ),
    Case(Code.FLAVOR, "64 vCPUs are needed, the largest flavor has 2", node={"cpus": 64}),
    Case(Code.FLAVOR, "AMD GPUs together", node={"gpus": 1, "gpu_vendor": "AMD"}),
    Case(Code.FLAVOR, "InfiniBand together", node={"infiniband": True}),
    Case(
        Code.IMAGE,
        "no image fits ubuntu 24.04",
        node={"os_distribution": "ubuntu", "os_version": "24.04"},
    ),
    Case(Code.IMAGE, "no image fits with CUDA of at least 12.10", node={"cuda_version": "12.10"}),
    Case(Code.IMAGE, "no image fits with a GPU driver", node={"gpu_driver": True}),
    Case(
        Code.PUBLIC_NETWORK,
        "there is no external or default public network",
        {"networks": [Network(name="net", is_shared=False)]},
        {"public_address": True},
    ),
    Case(Code.PRIVATE_NETWORK, "there is no private network", {"networks": []}),
    Case(Code.QUOTA_CORES, "18 vCPUs are needed, 16 of 20 are free", node={"count": 9}),
    Case(Code.QUOTA_RAM, "MiB RAM are needed, 73728 of 81920 are free", node={"count": 19}),
    Case(Code.QUOTA_INSTANCES, "9 instances are needed, 8 of 10 are free", node={"count": 9}),
    Case(Code.QUOTA_VOLUMES, "6 volumes are needed, 5 of 5 are free", node={"count": 6}),
    Case(
        Code.QUOTA_STORAGE,
        "120 GiB of volumes are needed, 100 of 100 are free",
        node={"volumes_gib": (40, 40, 40)},
    ),
    Case(
        Code.QUOTA_STORAGE,
        "60 GiB in one volume are needed, 50 of 50 are free",
        node={"volumes_gib": (60,)},
    ),
    Case(
        Code.QUOTA_PUBLIC_IPS,
        "2 public addresses are needed, 1 of 2 are free",
        node={"public_address": True, "count": 2},
    ),
    Case(
        Code.QUOTA_GPUS,
        "3 GPUs (a100) are needed, 2 of 2 are free",
        node={"gpus": 1, "count": 3},
    ),
    Case(
        Code.QUOTA_CORES,
        "2 vCPUs are needed, 1 of 1 per user are free",
        {"quotas": [Quota(type="compute", per_user=True, cores=1)]},
    ),
]
AT_KUBERNETES = [
    Case(Code.CONTAINER_COUNT, "'web': 2 containers are asked for, 1 can be made of a node"),
    *(
        Case(Code.CONTAINER_NAME, "a cluster cannot name it so (at most 50", node={"name": name})
        for name in ("Web", "1st", "web-", "web.site", "web site", "w" * 51, "wéb", "web\n")
    ),
    Case(Code.QUOTA_CORES, "2 vCPUs are needed, 1.5 of 2 are free", node={"cpus": 1}),
    Case(Code.QUOTA_RAM, "7168 MiB RAM are needed, 6144 of 8192", node={"memory_mib": 3584}),
    Case(
        Code.QUOTA_INSTANCES,
        "11 instances are needed, 10 of 10 are free",
        node={"count": 11, "cpus": 0.1},
    ),
    Case(Code.QUOTA_VOLUMES, "6 volumes are needed, 4 of 4 are free", node={"count": 6}),
    Case(
        Code.QUOTA_STORAGE,
        "40 GiB of volumes are needed, 30 of 30 are free",
        node={"volumes_gib": (20,)},
    ),
    Case(
        Code.QUOTA_STORAGE,
        "60 GiB of ephemeral storage are needed, 50 of 50 are free",
        node={"disk_gib": 30},
    ),
    Case(Code.QUOTA_GPUS, "6 GPUs are needed, 4 of 4 are free", node={"gpus": 3}),
    Case(
        Code.QUOTA_GPUS,
        "3 GPUs (nvidia) are needed, 1 of 1 are free",
        {"quotas": [{"type": "compute", "gpus": {"nvidia.com/gpu": 1, "amd.com/gpu": 4}}]},
        {"gpus": 3, "gpu_vendor": "NVIDIA", "count": 1},
    ),
    Case(
        Code.STORAGE_CLASS,
        "no storage class is the default (classes: slow)",
        {"storage_classes": [StorageClass(name="slow")]},
    ),
    Case(
        Code.GPU,
        "GPUs of the kind AMD are needed (offered: nvidia.com/gpu)",
        node={"gpu_vendor": "AMD"},
    ),
    Case(
        Code.GPU,
        "GPUs of the kind T4 are needed (offered: A100)",
        {"quotas": [Quota(type="compute", gpus={"A100": 2})]},
        {"gpu_model": "T4"},
    ),
]


def check(selection: Selection, case: Case) -> None:
    assert selection.candidates == ()
    told = {one.code: one.reason for one in selection.discarded if one.project == "p"}
    assert case.code in told
    sentences = [one.reason for one in selection.discarded if one.code == case.code]
    assert any(case.sentence in one for one in sentences), sentences


def label(case: Case) -> str:
    return f"{case.code}-{case.sentence[:24]}"


@pytest.mark.parametrize("base", [OPENSTACK, KUBERNETES], ids=["openstack", "kubernetes"])
@pytest.mark.parametrize("case", ANYWHERE, ids=label)
def test_at_any_provider(case: Case, base: dict[str, Any]) -> None:
    node = MACHINE if base is OPENSTACK else POD
    check(run(base, node, case=case), case)


@pytest.mark.parametrize("case", AT_OPENSTACK, ids=label)
def test_at_an_openstack_like_provider(case: Case) -> None:
    check(run(OPENSTACK, MACHINE, case=case), case)
    if case.code is not Code.PRIVATE_NETWORK:  # the Dummy connector has IM's generic networks
        check(run(OPENSTACK | {"provider_type": "dummy"}, MACHINE, case=case), case)


@pytest.mark.parametrize("case", AT_KUBERNETES, ids=label)
def test_at_a_container_provider(case: Case) -> None:
    check(run(KUBERNETES, POD, case=case), case)


def test_machines_and_containers_each_have_their_providers_and_none_has_both() -> None:
    no_machines = Case(Code.NO_MACHINES, "kubernetes hosts containers only, no machines")
    no_containers = Case(Code.NO_CONTAINERS, "openstack hosts machines only, no containers")
    no_mix = Case(Code.NO_MIX, "machines and containers in one template: no provider has both")
    check(run(KUBERNETES, MACHINE), no_machines)
    check(run(OPENSTACK, POD), no_containers)
    for base in (OPENSTACK, KUBERNETES):
        check(run(base, MACHINE, POD), no_mix)


def test_two_containers_that_a_cluster_would_name_alike() -> None:
    says = "nodes 'web-a' and 'web_a': a cluster has one name for both"
    first, second = (
        ONE_POD.model_copy(update={"name": name, "count": 1}) for name in ("web-a", "web_a")
    )
    check(run(KUBERNETES, first, second), Case(Code.CONTAINER_NAME, says))
    third = second.model_copy(update={"name": "web_b"})
    assert run(KUBERNETES, first, third).candidates


def test_every_code_is_tested_here() -> None:
    tested = {case.code for case in (*ANYWHERE, *AT_OPENSTACK, *AT_KUBERNETES)}
    assert set(Code) - tested == {Code.NO_MACHINES, Code.NO_CONTAINERS, Code.NO_MIX}


def test_both_kinds_of_provider_can_host_what_fits_them() -> None:
    (machine,) = run(OPENSTACK, MACHINE).candidates
    assert (machine.target.proxy_host, machine.target.proxy_user) == ("bastion", "jump")
    (pod,) = run(KUBERNETES, ONE_POD).candidates
    assert (pod.vcpus_requ, pod.vcpus_quota, pod.vcpus_usage) == (0.5, 2, 0.5)
    assert (pod.ram_gb_quota, pod.ram_gb_usage) == (8, 2)
    assert (pod.n_instances_requ, pod.n_instances_quota) == (1, 10)
    assert (pod.storage_gb_requ, pod.storage_gb_quota, pod.n_volumes_quota) == (5, 30, 4)


@pytest.mark.parametrize("name", ["w", "web_server-2", "w" * 50])
def test_a_container_may_have_any_name_that_a_cluster_takes(name: str) -> None:
    for count in (0, 1):
        asked = ONE_POD.model_copy(update={"name": name, "count": count})
        assert run(KUBERNETES, asked).candidates


def test_the_domain_of_a_clusters_applications_is_told_to_the_dispatcher() -> None:
    (found,) = run(KUBERNETES | {"apps_dns": "apps.example.org"}, ONE_POD).candidates
    assert found.target.apps_dns == "apps.example.org"


@pytest.mark.parametrize(
    "unknown",
    [{"quotas": None}, {"quotas": []}, {"quotas": None, "storage_classes": None}],
)
def test_what_is_not_known_excludes_no_container(unknown: dict[str, Any]) -> None:
    assert run(KUBERNETES | unknown, ONE_POD).candidates


def test_an_agreement_that_nobody_serves_is_an_error() -> None:
    with pytest.raises(InvalidTemplateError, match="no provider serves the SLA 'sla-9'"):
        run(OPENSTACK, MACHINE, case=Case(Code.STALE, "", sla_id="sla-9"))


def test_the_agreement_that_a_policy_asks_for_is_used() -> None:
    assert run(OPENSTACK, MACHINE, case=Case(Code.STALE, "", sla_id="sla-1")).candidates


def test_overbooking_makes_no_quota_larger() -> None:
    case = Case(Code.QUOTA_CORES, "18 vCPUs are needed, 16 of 20 are free", node={"count": 9})
    check(run(OPENSTACK | {"overbooking_cpu": 16.0}, MACHINE, case=case), case)


def test_health_of_the_region_stands_in_the_candidate() -> None:
    asked = []

    def health_of(*place: Any) -> Windows:
        asked.append(place)
        return Windows(0.5, 0.25, 0.125)

    (found,) = run(OPENSTACK, MACHINE, health_of=health_of).candidates
    assert asked == [("site", "north", NOW.date())]
    assert found.test_failure_perc_1d == 0.5
    assert (found.test_failure_perc_7d, found.test_failure_perc_30d) == (0.25, 0.125)
    assert found.sla_start == "2026-01-01"
