"""Quotas: limits minus usage against what a template takes."""

from math import inf

import pytest

from paas_stream.records import Flavor, NodeRequirement, Quota
from paas_stream.selection import quotas
from paas_stream.selection.quotas import Line
from paas_stream.selection.reasons import Code

SMALL = Flavor(name="small", vcpus=2, ram=4096, disk=20)


def demand(*sizes: tuple[NodeRequirement, Flavor | None]) -> dict[str, float]:
    return quotas.demand(quotas.fixed_demand(node for node, _ in sizes), sizes)


def faults(needed: dict[str, float], *rows: Quota) -> list[tuple[Code, str]]:
    reasons, _ = quotas.compare(needed, quotas.budget(rows))
    return [(reason.code, reason.sentence) for reason in reasons]


def test_a_template_takes_its_flavors_times_the_instances() -> None:
    web = NodeRequirement(
        name="web", count=3, cpus=1, memory_mib=1024, public_address=True, volumes_gib=(10, 5)
    )
    database = NodeRequirement(name="database", cpus=2)
    large = Flavor(name="large", vcpus=8, ram=16384, gpus=2, gpu_model="A100")
    assert demand((web, SMALL), (database, large)) == {
        "cores": 14,
        "ram": 28672,
        "instances": 4,
        "public_ips": 3,
        "volumes": 6,
        "gigabytes": 45,
        "per_volume_gigabytes": 10,
        "gpus": 2,
        "gpus:a100": 2,
    }


def test_without_a_flavor_the_amounts_asked_for_count() -> None:
    node = NodeRequirement(name="web", count=2, cpus=0.5, memory_mib=256, gpus=1, gpu_model="T4")
    assert demand((node, None)) == {
        "cores": 1,
        "ram": 512,
        "instances": 2,
        "gpus": 2,
        "gpus:t4": 2,
    }


def test_a_container_is_a_pod_and_takes_no_floating_address() -> None:
    node = NodeRequirement(
        name="web", kind="container", count=2, cpus=0.5, disk_gib=3, public_address=True
    )
    assert demand((node, None)) == {"cores": 1, "instances": 2, "ephemeral_storage": 6}


@pytest.mark.parametrize(
    ("resource", "needed", "code", "sentence"),
    [
        ("cores", 8, Code.QUOTA_CORES, "8 vCPUs are needed, 3 of 20 are free"),
        ("ram", 8, Code.QUOTA_RAM, "8 MiB RAM are needed, 3 of 20 are free"),
        ("instances", 8, Code.QUOTA_INSTANCES, "8 instances are needed, 3 of 20 are free"),
        ("gigabytes", 8, Code.QUOTA_STORAGE, "8 GiB of volumes are needed, 3 of 20 are free"),
        ("volumes", 8, Code.QUOTA_VOLUMES, "8 volumes are needed, 3 of 20 are free"),
        ("public_ips", 8, Code.QUOTA_PUBLIC_IPS, "8 public addresses are needed, 3 of 20 are free"),
    ],
)
def test_a_quota_that_is_too_small_is_told_with_the_numbers(
    resource: str, needed: float, code: Code, sentence: str
) -> None:
    limit = Quota.model_validate({"type": "compute", resource: 20})
    usage = Quota.model_validate({"type": "compute", "usage": True, resource: 17})
    assert faults({resource: needed}, limit, usage) == [(code, sentence)]
    assert faults({resource: 3}, limit, usage) == []


def test_every_quota_that_is_too_small_is_told() -> None:
    rows = Quota(type="compute", cores=1, ram=1024, instances=5)
    found = faults({"cores": 2, "ram": 2048, "instances": 1}, rows)
    assert [code for code, _ in found] == [Code.QUOTA_CORES, Code.QUOTA_RAM]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (Quota(type="compute", cores=-1),),
        (Quota(type="compute", cores=-1), Quota(type="compute", usage=True, cores=1000)),
        (Quota(type="compute", usage=True, cores=1000),),
        (Quota(type="compute", instances=1),),
    ],
)
def test_an_unlimited_or_unknown_quota_excludes_nobody(rows: tuple[Quota, ...]) -> None:
    assert faults({"cores": 1e6}, *rows) == []


def test_a_limit_of_zero_is_a_limit() -> None:
    assert faults({"public_ips": 1}, Quota(type="networking", public_ips=0)) == [
        (Code.QUOTA_PUBLIC_IPS, "1 public addresses are needed, 0 of 0 are free")
    ]
    assert faults({"cores": 1}, Quota(type="networking", public_ips=0)) == []


def test_more_used_than_the_limit_reads_as_nothing_free() -> None:
    rows = Quota(type="compute", cores=20), Quota(type="compute", usage=True, cores=30)
    assert faults({"cores": 1}, *rows) == [
        (Code.QUOTA_CORES, "1 vCPUs are needed, 0 of 20 are free")
    ]


def test_a_limit_per_user_stands_beside_that_of_the_project() -> None:
    rows = (
        Quota(type="compute", cores=100),
        Quota(type="compute", usage=True, cores=10),
        Quota(type="compute", per_user=True, cores=4),
    )
    assert faults({"cores": 4}, *rows) == []
    assert faults({"cores": 5}, *rows) == [
        (Code.QUOTA_CORES, "5 vCPUs are needed, 4 of 4 per user are free")
    ]
    assert len(faults({"cores": 95}, *rows)) == 2


def test_gpus_are_counted_by_model_and_in_total() -> None:
    rows = (
        Quota(type="compute", gpus={"A100": 2, "T4": 4}),
        Quota(type="compute", usage=True, gpus={"A100": 2, "T4": 1}),
    )
    assert faults({"gpus": 3, "gpus:t4": 3}, *rows) == []
    assert faults({"gpus": 1, "gpus:a100": 1}, *rows) == [
        (Code.QUOTA_GPUS, "1 GPUs (a100) are needed, 0 of 2 are free")
    ]
    assert faults({"gpus": 4}, *rows) == [(Code.QUOTA_GPUS, "4 GPUs are needed, 3 of 6 are free")]
    assert faults({"gpus": 1, "gpus:h100": 1}, *rows) == []


def test_one_unlimited_model_makes_the_total_unlimited() -> None:
    rows = Quota(type="compute", gpus={"A100": 0, "T4": -1})
    assert faults({"gpus": 9, "gpus:t4": 9}, rows) == []
    assert len(faults({"gpus": 9, "gpus:a100": 9}, rows)) == 1


def test_gpus_of_a_namespace_are_counted_by_maker() -> None:
    rows = (
        Quota(type="compute", gpus={"nvidia.com/gpu": 1, "nvidia.com/mig-1g.5gb": 2}),
        Quota(type="compute", gpus={"amd.com/gpu": 4, "gpu.intel.com/i915": -1}),
        Quota(type="compute", usage=True, gpus={"amd.com/gpu": 1}),
    )
    free = {name: line.free for name, line in quotas.budget(rows).project.items()}
    assert (free["gpus:nvidia"], free["gpus:amd"], free["gpus:intel"]) == (3, 3, inf)
    assert free["gpus"] == inf
    pod = NodeRequirement(name="web", kind="container", count=2, gpus=2, gpu_vendor="AMD")
    assert faults(demand((pod, None)), *rows) == [
        (Code.QUOTA_GPUS, "4 GPUs (amd) are needed, 3 of 4 are free")
    ]


def test_gpus_that_stand_in_several_rows_are_added_up() -> None:
    rows = Quota(type="compute", gpus={"A100": 2}), Quota(type="compute", gpus={"T4": 4})
    assert quotas.budget(rows).project["gpus"] == Line(6, 0, 6)


@pytest.mark.parametrize(
    ("name", "maker"),
    [
        ("nvidia.com/gpu", "nvidia"),
        ("gpu.intel.com/i915", "intel"),
        ("habana.ai/gaudi", "habana"),
        ("A100", None),
        ("A/100", None),
    ],
)
def test_a_resource_of_kubernetes_names_the_maker(name: str, maker: str | None) -> None:
    assert quotas.maker_of(name) == maker


def test_of_several_rows_for_a_resource_the_tightest_limit_and_the_highest_usage_count() -> None:
    rows = (
        Quota(type="compute", cores=-1),
        Quota(type="compute", cores=30),
        Quota(type="compute", cores=20),
        Quota(type="compute", usage=True, cores=5),
        Quota(type="compute", usage=True, cores=2),
    )
    assert quotas.budget(rows).project["cores"] == Line(20, 5, 15)


def test_headroom_is_the_smallest_share_that_stays_free() -> None:
    budget = quotas.budget(
        [
            Quota(type="compute", cores=10, ram=100, instances=-1),
            Quota(type="compute", usage=True, cores=2, ram=50),
        ]
    )
    assert quotas.compare({"cores": 3, "ram": 10, "instances": 5}, budget) == ([], 0.4)
    assert quotas.compare({"instances": 5}, budget) == ([], 1.0)
