"""Whatever is raised of a project's quotas: nobody who could be hosted is refused for it."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

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
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import Selection, select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ASKED = Request(owner=Owner(issuer="i", subject="s"), deadline=NOW, per_provider_timeout=1)
OFFER: dict[str, Any] = {
    "flavors": [
        Flavor(name="m", vcpus=2, ram=4096, disk=40),
        Flavor(name="a", vcpus=2, ram=4096, gpus=1, gpu_vendor="NVIDIA", gpu_model="A100"),
        Flavor(name="t", vcpus=4, ram=8192, gpus=2, gpu_vendor="NVIDIA", gpu_model="T4"),
    ],
    "images": [Image(name="ubuntu")],
    "networks": [Network(name="ext", is_router_external=True), Network(name="net")],
    "storage_classes": [StorageClass(name="fast", is_default=True)],
}

# (of whom, what) -> limit; None: it is not bounded, -1: it is unlimited
Limits = dict[tuple[str, str], int | None]


def limits(of: dict[str, dict[str, int]]) -> st.SearchStrategy[Limits]:
    """Limits up to the numbers in `of`."""
    return st.fixed_dictionaries(
        {
            (whose, what): st.one_of(
                st.just(-1), st.integers(0, most), *([] if whose == "gpus" else [st.none()])
            )
            for whose, fields in of.items()
            for what, most in fields.items()
        }
    )


def rows(given_limits: Limits) -> Iterable[Quota]:
    of: dict[str, dict[str, int]] = {"project": {}, "user": {}, "class": {}, "gpus": {}}
    for (whose, what), limit in given_limits.items():
        if limit is not None:
            of[whose][what] = limit
    yield Quota.model_validate({"type": "compute", **of["project"]})
    yield Quota.model_validate({"type": "compute", "per_user": True, **of["user"]})
    yield Quota.model_validate({"type": "storageclass", "name": "fast", **of["class"]})
    yield Quota(type="compute", gpus=of["gpus"])
    yield Quota(
        type="compute", usage=True, cores=1, requests_cpu=1, gpus=dict.fromkeys(of["gpus"], 1)
    )


def outcome(kind: str, nodes: list[NodeRequirement], given_limits: Limits) -> Selection:
    feeder = Feeder.model_validate(
        OFFER
        | {
            "provider_name": "site",
            "provider_type": kind,
            "provider_endpoint": "https://a",
            "project_id": "p",
            "user_group": "physics",
            "quotas": list(rows(given_limits)),
        }
    )
    row = ProviderRow(feeder, NOW)
    return select(tuple(nodes), [row], request=ASKED, today=NOW.date(), now=NOW, stale_s=900)


def raised(data: st.DataObject, before: Limits) -> Limits:
    """One of the limits is larger, or there is none any more."""
    name = data.draw(st.sampled_from(sorted(before)))
    limit = before[name]
    most = st.just(-1)
    new = data.draw(most if limit in (None, -1) else st.one_of(most, st.integers(limit, 50000)))
    return before | {name: new}


def codes(selection: Selection) -> set[str]:
    return {one.code for one in selection.discarded}


MACHINES = {
    "project": {
        "cores": 20,
        "ram": 40000,
        "instances": 6,
        "volumes": 6,
        "gigabytes": 200,
        "per_volume_gigabytes": 60,
        "public_ips": 6,
    },
    "user": {"cores": 10, "instances": 4, "per_volume_gigabytes": 60},
    "gpus": {"A100": 4, "T4": 6},
}
PODS = {
    "project": {
        "limits_cpu": 20,
        "requests_cpu": 20,
        "limits_memory": 40000,
        "requests_memory": 40000,
        "pods": 6,
        "pvcs": 6,
        "storage": 200,
        "limits_ephemeral_storage": 100,
        "requests_ephemeral_storage": 100,
    },
    "user": {"limits_cpu": 10, "pods": 4},
    "class": {"storage": 100, "pvcs": 4},
    "gpus": {"nvidia.com/gpu": 4, "amd.com/gpu": 6},
}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "name": st.uuids().map(str),
    "count": st.integers(0, 3),
    "cpus": st.integers(0, 4),
    "memory_mib": st.sampled_from([0, 4096, 8192]),
    "volumes_gib": st.lists(st.integers(1, 80), max_size=2).map(tuple),
    "gpus": st.integers(0, 2),
    "gpu_model": st.sampled_from([None, "A100", "t4"]),
}
machines = st.lists(
    st.builds(NodeRequirement, public_address=st.booleans(), **FIELDS), min_size=1, max_size=3
)
pods = st.lists(
    st.builds(
        NodeRequirement,
        kind=st.just("container"),
        disk_gib=st.integers(0, 40),
        gpu_vendor=st.sampled_from([None, "NVIDIA", "amd"]),
        **FIELDS,
    ),
    min_size=1,
    max_size=3,
)


@settings(deadline=None)
@given(machines, limits(MACHINES), st.data())
def test_more_quota_never_discards_a_provider_of_machines(
    nodes: list[NodeRequirement], before: Limits, data: st.DataObject
) -> None:
    after = outcome("openstack", nodes, raised(data, before))
    assert codes(after) <= codes(outcome("openstack", nodes, before))


@settings(deadline=None)
@given(pods, limits(PODS), st.data())
def test_more_quota_never_discards_a_provider_of_containers(
    nodes: list[NodeRequirement], before: Limits, data: st.DataObject
) -> None:
    after = outcome("kubernetes", nodes, raised(data, before))
    # that only GPUs of another kind may be had is told once there may be any at all
    assert codes(after) - {"gpu"} <= codes(outcome("kubernetes", nodes, before))
    if outcome("kubernetes", nodes, before).candidates:
        assert after.candidates
