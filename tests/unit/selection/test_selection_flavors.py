"""The flavor of a node: the smallest one that is large enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.records import Flavor, NodeRequirement
from paas_stream.selection import flavors
from paas_stream.selection.reasons import Code, Reason

OFFERED = flavors.in_order(
    [
        Flavor(name="large", vcpus=4, ram=8192, disk=80),
        Flavor(name="small", vcpus=1, ram=2048, disk=20),
        Flavor(name="medium", vcpus=2, ram=4096, disk=40),
        Flavor(name="fast", vcpus=4, ram=8192, disk=80, infiniband=True),
        Flavor(
            name="a100", vcpus=8, ram=32768, disk=80, gpus=1, gpu_vendor="NVIDIA", gpu_model="A100"
        ),
        Flavor(
            name="mi300", vcpus=8, ram=65536, disk=80, gpus=2, gpu_vendor="AMD", gpu_model="MI300"
        ),
    ]
)


def choose(**asked: object) -> Flavor | Reason:
    return flavors.choose(NodeRequirement.model_validate({"name": "server", **asked}), OFFERED)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({}, "small"),
        ({"cpus": 1}, "small"),
        ({"cpus": 0.5}, "small"),
        ({"cpus": 1, "memory_mib": 4096}, "medium"),
        ({"disk_gib": 41}, "large"),
        ({"cpus": 3}, "large"),
        ({"infiniband": True}, "fast"),
        ({"gpus": 1}, "a100"),
        ({"gpus": 1, "gpu_vendor": "nvidia"}, "a100"),
        ({"gpus": 1, "gpu_model": "mi300"}, "mi300"),
        ({"gpus": 2, "gpu_vendor": "AMD", "gpu_model": "MI300"}, "mi300"),
        # vendor and model say nothing when no GPU is asked
        ({"cpus": 1, "gpu_model": "H100"}, "small"),
        # a name is taken as it is, and a name not found falls back to the amounts
        ({"instance_type": "large"}, "large"),
        ({"instance_type": "small", "cpus": 4}, "small"),
        ({"instance_type": "Large", "cpus": 2}, "medium"),
        ({"instance_type": "none", "infiniband": True}, "fast"),
    ],
)
def test_the_smallest_flavor_that_fits_is_chosen(asked: dict[str, object], chosen: str) -> None:
    flavor = choose(**asked)
    assert isinstance(flavor, Flavor)
    assert flavor.name == chosen


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"cpus": 16}, "16 vCPUs are needed, the largest flavor has 8"),
        (
            {"memory_mib": 100000, "disk_gib": 100},
            "100000 MiB RAM are needed, the largest flavor has 65536; "
            "100 GiB disk are needed, the largest flavor has 80",
        ),
        ({"gpus": 4}, "4 GPUs are needed, the largest flavor has 2"),
        (
            {"cpus": 1, "gpus": 2, "gpu_vendor": "NVIDIA"},
            "no flavor has 1 vCPUs, 2 NVIDIA GPUs together",
        ),
        ({"cpus": 8, "infiniband": True}, "no flavor has 8 vCPUs, InfiniBand together"),
        (
            {"instance_type": "huge"},
            "the flavor 'huge' is not offered (offered: small, medium, large, fast, a100 "
            "and 1 more)",
        ),
    ],
)
def test_a_flavor_that_is_missing_is_told_with_the_numbers(
    asked: dict[str, object], sentence: str
) -> None:
    reason = choose(**asked)
    assert isinstance(reason, Reason)
    assert reason.code == Code.FLAVOR
    assert reason.sentence == f"node 'server': {sentence}"


def test_a_provider_without_flavors_hosts_no_machine() -> None:
    reason = flavors.choose(NodeRequirement(name="server"), ())
    assert isinstance(reason, Reason)
    assert reason.sentence == "node 'server': the provider offers no flavor"


def test_of_equal_flavors_the_one_private_to_the_project_comes_first() -> None:
    shared = Flavor(name="a", vcpus=1, ram=1024)
    private = Flavor(name="b", vcpus=1, ram=1024, is_shared=False)
    larger = Flavor(name="c", vcpus=2, ram=1024, is_shared=False)
    assert flavors.in_order([larger, shared, private]) == (private, shared, larger)


@pytest.mark.parametrize(
    ("asked", "exact"),
    [
        ({"cpus": 2, "memory_mib": 4096, "disk_gib": 40}, True),
        ({"cpus": 2}, True),
        ({}, True),
        ({"instance_type": "medium", "cpus": 1}, True),
        ({"cpus": 1}, False),
        ({"cpus": 2, "memory_mib": 2048}, False),
        ({"cpus": 2, "disk_gib": 10}, False),
        ({"instance_type": "other", "cpus": 2}, False),
    ],
)
def test_a_flavor_is_exact_when_all_that_was_given_is_equal(
    asked: dict[str, object], exact: bool
) -> None:
    medium = Flavor(name="medium", vcpus=2, ram=4096, disk=40)
    requirement = NodeRequirement.model_validate({"name": "server", **asked})
    assert flavors.is_exact(medium, requirement) is exact


def test_gpus_that_nobody_asked_for_are_not_exact() -> None:
    flavor = Flavor(name="gpu", vcpus=2, ram=4096, gpus=1)
    assert not flavors.is_exact(flavor, NodeRequirement(name="server", cpus=2))


some_flavors = st.lists(
    st.builds(
        Flavor,
        name=st.sampled_from("abcdef"),
        vcpus=st.integers(1, 6),
        ram=st.integers(1, 6).map(lambda n: n * 1024),
        disk=st.integers(0, 6),
        gpus=st.integers(0, 2),
        gpu_vendor=st.sampled_from(["NVIDIA", "AMD", None]),
        gpu_model=st.sampled_from(["A100", "MI300", None]),
        infiniband=st.booleans(),
        is_shared=st.booleans(),
    ),
    max_size=8,
)
some_requirements = st.builds(
    NodeRequirement,
    name=st.just("server"),
    cpus=st.integers(0, 6),
    memory_mib=st.integers(0, 6).map(lambda n: n * 1024),
    disk_gib=st.integers(0, 6),
    gpus=st.integers(0, 2),
    gpu_vendor=st.sampled_from(["nvidia", "amd", None]),
    gpu_model=st.sampled_from(["a100", "mi300", None]),
    infiniband=st.booleans(),
)


def is_large_enough(flavor: Flavor, asked: NodeRequirement) -> bool:
    """The rule, written out once more."""
    if flavor.vcpus < asked.cpus or flavor.ram < asked.memory_mib or flavor.disk < asked.disk_gib:
        return False
    if asked.infiniband and not flavor.infiniband:
        return False
    if asked.gpus == 0:
        return True
    if flavor.gpus < asked.gpus:
        return False
    vendor, model = (flavor.gpu_vendor or "").lower(), (flavor.gpu_model or "").lower()
    return asked.gpu_vendor in (None, vendor) and asked.gpu_model in (None, model)


def size(flavor: Flavor) -> tuple[float, ...]:
    return flavor.gpus, flavor.vcpus, flavor.ram, flavor.disk, flavor.is_shared, flavor.infiniband


@given(some_flavors, some_requirements)
def test_the_chosen_flavor_satisfies_the_request_and_no_smaller_one_would(
    offered: list[Flavor], asked: NodeRequirement
) -> None:
    chosen = flavors.choose(asked, flavors.in_order(offered))
    enough = [flavor for flavor in offered if is_large_enough(flavor, asked)]
    if isinstance(chosen, Reason):
        assert enough == []
    else:
        assert chosen in enough
        assert size(chosen) == min(size(flavor) for flavor in enough)
        if asked.infiniband:
            assert chosen.infiniband
        if asked.gpus:
            assert asked.gpu_vendor in (None, str(chosen.gpu_vendor).lower())
            assert asked.gpu_model in (None, str(chosen.gpu_model).lower())


@given(some_flavors, some_requirements, st.randoms())
def test_the_order_of_the_flavors_does_not_matter(
    offered: list[Flavor], asked: NodeRequirement, random: object
) -> None:
    shuffled = list(offered)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    def outcome(some: list[Flavor]) -> object:
        chosen = flavors.choose(asked, flavors.in_order(some))
        if isinstance(chosen, Reason):
            return chosen.code
        return chosen.name, chosen.gpus, chosen.vcpus, chosen.ram, chosen.disk, chosen.is_shared

    assert outcome(offered) == outcome(shuffled)
