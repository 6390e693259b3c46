"""The provider selector: candidates, and every reason why the others are none."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.records import (
    Feeder,
    Flavor,
    Image,
    Inference,
    Network,
    NodeRequirement,
    NodeTarget,
    Owner,
    Quota,
    Request,
    Target,
)
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import MAX_CANDIDATES, MAX_CLOSED, Selection, select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SERVER = NodeRequirement(name="server", cpus=2, memory_mib=4096, os_distribution="ubuntu")
LIMITS = Quota(
    type="compute", cores=100, ram=204800, instances=50, volumes=10, gigabytes=500, public_ips=5
)
USAGE = Quota(
    type="compute",
    usage=True,
    cores=10,
    ram=20480,
    instances=5,
    volumes=1,
    gigabytes=50,
    public_ips=1,
)


def row(name: str = "site-a", age_s: float = 0, **fields: object) -> ProviderRow:
    feeder = Feeder.model_validate(
        {
            "provider_name": name,
            "provider_type": "openstack",
            "provider_endpoint": "https://a.example.org:5000/v3",
            "region_name": "north",
            "project_id": "p",
            "project_name": "physics at a",
            "user_group": "physics",
            "issuer_name": "iam",
            "issuer_protocol": "openid",
            "credentials": "site-a-robot",
            "quotas": (LIMITS, USAGE),
            "flavors": (
                Flavor(name="medium", vcpus=2, ram=4096, disk=40),
                Flavor(name="large", vcpus=4, ram=8192, disk=80),
            ),
            "images": (Image(name="ubuntu", iaas_uuid="u", os_distro="ubuntu"),),
            "networks": (
                Network(name="ext", is_router_external=True),
                Network(name="net", is_shared=False),
            ),
            **fields,
        }
    )
    return ProviderRow(feeder, NOW - timedelta(seconds=age_s))


def choose(
    requirements: Iterable[NodeRequirement], *rows: ProviderRow, **request: object
) -> Selection:
    asked = Request.model_validate(
        {
            "owner": Owner(issuer="i", subject="s"),
            "deadline": NOW,
            "per_provider_timeout": 1,
            "user_group": "physics",
            **request,
        }
    )
    return select(tuple(requirements), rows, request=asked, today=NOW.date(), now=NOW, stale_s=900)


def codes(selection: Selection) -> list[str]:
    return [discarded.code for discarded in selection.discarded]


def test_a_candidate_carries_all_that_a_ranker_and_a_dispatcher_need() -> None:
    server = SERVER.model_copy(update={"count": 2, "public_address": True, "volumes_gib": (10,)})
    selection = choose([server], row())
    assert selection.refusals == ()
    (candidate,) = selection.candidates
    assert candidate.target == Target(
        type="openstack",
        endpoint="https://a.example.org:5000/v3",
        project="p",
        project_name="physics at a",
        issuer="iam",
        protocol="openid",
        credentials="site-a-robot",
        public_network="ext",
        private_network="net",
        nodes={
            "server": NodeTarget(flavor="medium", image="ost://a.example.org/u", network="net,ext")
        },
        demand={
            "cores": 4,
            "ram": 8192,
            "instances": 2,
            "public_ips": 2,
            "volumes": 2,
            "gigabytes": 20,
            "per_volume_gigabytes": 10,
        },
    )
    amounts = candidate.model_dump(
        include={f for f in type(candidate).model_fields if "_requ" in f}
    )
    assert amounts == {
        "gpus_requ": 0,
        "vcpus_requ": 4,
        "ram_gb_requ": 8,
        "n_instances_requ": 2,
        "floating_ips_requ": 2,
        "storage_gb_requ": 20,
        "n_volumes_requ": 2,
    }
    assert (candidate.vcpus_quota, candidate.vcpus_usage) == (100, 10)
    assert (candidate.ram_gb_quota, candidate.ram_gb_usage) == (200, 20)
    assert (candidate.n_instances_quota, candidate.n_instances_usage) == (50, 5)
    assert (candidate.floating_ips_quota, candidate.floating_ips_usage) == (5, 1)
    assert (candidate.storage_gb_quota, candidate.storage_gb_usage) == (500, 50)
    assert (candidate.n_volumes_quota, candidate.n_volumes_usage) == (10, 1)
    assert candidate.test_failure_perc_1d == -1


def test_unlimited_and_unknown_quotas_are_minus_one() -> None:
    quotas = (Quota(type="compute", cores=-1, ram=-1),)
    (candidate,) = choose([SERVER], row(quotas=quotas)).candidates
    assert (candidate.vcpus_quota, candidate.ram_gb_quota, candidate.n_volumes_quota) == (
        -1,
        -1,
        -1,
    )


@pytest.mark.parametrize(
    ("nodes", "exact"),
    [
        ([], 1.0),
        ([{"cpus": 2, "memory_mib": 4096}], 1.0),
        ([{"instance_type": "large"}], 1.0),
        ([{"cpus": 3}], 0.0),
        ([{"cpus": 2}, {"cpus": 3}], 0.5),
    ],
)
def test_exactness_is_the_share_of_flavors_that_are_what_was_asked(
    nodes: list[dict[str, object]], exact: float
) -> None:
    asked = [NodeRequirement.model_validate({"name": str(i), **n}) for i, n in enumerate(nodes)]
    (candidate,) = choose(asked, row()).candidates
    assert candidate.exact_flavors == exact


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"sla_end": "2026-02-28"}, "sla_expired"),
        ({"sla_start": "2026-03-02"}, "sla_not_started"),
        ({"age_s": 901}, "stale"),
        ({"provider_type": "aws"}, "provider_type"),
        ({"provider_type": "kubernetes"}, "no_machines"),
        ({"flavors": ()}, "flavor"),
        ({"images": ()}, "image"),
        ({"networks": ()}, "private_network"),
        ({"quotas": (Quota(type="compute", cores=1),)}, "quota_cores"),
        ({"quotas": (Quota(type="compute", ram=1),)}, "quota_ram"),
        ({"quotas": (Quota(type="compute", instances=0),)}, "quota_instances"),
        ({"quotas": (Quota(type="compute", per_user=True, cores=1),)}, "quota_cores"),
    ],
)
def test_a_provider_that_breaks_one_rule_is_discarded_for_it(
    fields: dict[str, object], code: str
) -> None:
    selection = choose([SERVER], row(**fields))  # type: ignore[arg-type]
    assert selection.candidates == ()
    assert code in codes(selection)


def test_every_rule_that_fails_is_recorded() -> None:
    greedy = SERVER.model_copy(
        update={"cpus": 8, "count": 20, "os_distribution": "debian", "public_address": True}
    )
    bad = row(networks=(Network(name="net", is_shared=False),), sla_end="2026-02-28", age_s=1000)
    selection = choose([greedy], bad, target_region_name="south")
    assert codes(selection) == [
        "target_region",
        "sla_expired",
        "stale",
        "flavor",
        "image",
        "public_network",
        "quota_public_ips",
        "quota_cores",
    ]
    assert {(d.provider_name, d.region_name, d.project) for d in selection.discarded} == {
        ("site-a", "north", "p")
    }
    assert selection.discarded[-1].reason == "160 vCPUs are needed, 90 of 100 are free"


def test_a_container_is_hosted_by_kubernetes_only() -> None:
    web = NodeRequirement(name="web", kind="container", image="docker://nginx", cpus=0.5)
    cluster = row("cluster", provider_type="kubernetes", flavors=(), images=(), networks=())
    selection = choose([web], row(), cluster)
    (candidate,) = selection.candidates
    assert candidate.provider_name == "cluster"
    assert candidate.target.nodes == {"web": NodeTarget(image="docker://nginx")}
    assert codes(selection) == ["no_containers"]


def test_a_request_without_group_is_open_to_all_groups() -> None:
    rows = row("a"), row("b", user_group="biology")
    names = [c.provider_name for c in choose([SERVER], *rows, user_group=None).candidates]
    assert names == ["a", "b"]


def test_stale_providers_may_be_kept_for_the_end() -> None:
    asked = Request(owner=Owner(issuer="i", subject="s"), deadline=NOW, per_provider_timeout=1)
    fresh = [row(f"site-{number:03}", user_group="g") for number in range(MAX_CANDIDATES - 1)]
    stale = [row(f"a-{number}", age_s=901) for number in range(3)]
    selection = select(
        (SERVER,),
        [*stale, *fresh],
        request=asked,
        today=NOW.date(),
        now=NOW,
        stale_s=900,
        stale_last=True,
    )
    assert selection.refusals == ()
    assert len(selection.candidates) == MAX_CANDIDATES
    assert [one.provider_name for one in selection.candidates if one.stale] == ["a-0"]


def test_a_site_is_not_told_as_closed_when_one_of_its_projects_is_open() -> None:
    other_project = row(project_id="q", user_group="biology")
    selection = choose([SERVER], row(), other_project, row("b", user_group="biology"))
    assert len(selection.candidates) == 1
    assert [(d.provider_name, d.code) for d in selection.discarded] == [("b", "user_group")]


def test_closed_providers_are_named_up_to_a_number_and_then_counted() -> None:
    rows = [row(f"site-{i:03}", user_group="biology") for i in range(MAX_CLOSED + 7)]
    selection = choose([SERVER], *rows)
    assert len(selection.discarded) == MAX_CLOSED
    assert selection.summary()[-1].reason == "7 more providers are not open to the user group"


def test_the_summary_counts_what_it_leaves_out() -> None:
    rows = [row(f"site-{i}", flavors=()) for i in range(5)]
    selection = choose([SERVER], *rows)
    summary = selection.summary(most=3)
    assert [d.provider_name for d in summary] == ["site-0", "site-1", "site-2", "*"]
    assert summary[-1].reason == "2 more reasons are left out"


def test_the_explanation_names_each_provider_and_its_reason() -> None:
    selection = choose([SERVER], row(flavors=()), row("b", user_group="biology"))
    assert selection.explanation() == (
        "no provider can host the template: "
        "site-a/north: node 'server': the provider offers no flavor; "
        "b/north: not open to the user group 'physics'"
    )
    assert choose([SERVER]).explanation() == "no provider can host the template: none is known"


def test_of_very_many_the_best_matches_are_kept() -> None:
    exact_but_full = [
        row(f"full-{i:03}", quotas=(Quota(type="compute", cores=4),)) for i in range(60)
    ]
    exact = [row(f"roomy-{i:03}") for i in range(60)]
    inexact = [
        row(f"large-{i:03}", flavors=(Flavor(name="l", vcpus=4, ram=8192),)) for i in range(60)
    ]
    selection = choose([SERVER], *inexact, *exact_but_full, *exact)
    names = [candidate.provider_name for candidate in selection.candidates]
    assert len(names) == MAX_CANDIDATES
    assert names == [f"full-{i:03}" for i in range(40)] + [f"roomy-{i:03}" for i in range(60)]


def test_a_full_message_stays_below_a_megabyte() -> None:
    nodes = [SERVER.model_copy(update={"name": f"server-{i}"}) for i in range(10)]
    rows = [row(f"site-{i:03}") for i in range(150)]
    refusing = [row(f"full-{i:03}", flavors=()) for i in range(500)]
    selection = choose(nodes, *rows, *refusing)
    message = Inference(
        uuid="00000000-0000-0000-0000-000000000000",
        template_name="t",
        submission_time=NOW,
        providers=selection.candidates,
        discarded=selection.summary(),
    )
    assert len(message.encode()) < 1_000_000


some_requirements = st.lists(
    st.builds(
        NodeRequirement,
        name=st.uuids().map(str),
        count=st.integers(0, 4),
        cpus=st.integers(0, 5),
        memory_mib=st.sampled_from([0, 4096, 8192, 16384]),
        public_address=st.booleans(),
        volumes_gib=st.lists(st.integers(1, 50), max_size=2).map(tuple),
    ),
    max_size=3,
)
some_limits = st.fixed_dictionaries(
    {
        resource: st.one_of(st.none(), st.just(-1), st.integers(0, most))
        for resource, most in {
            "cores": 20,
            "ram": 40000,
            "instances": 6,
            "volumes": 6,
            "gigabytes": 200,
            "public_ips": 6,
        }.items()
    }
)


@given(some_requirements, some_limits, st.data())
def test_more_quota_never_discards(
    nodes: list[NodeRequirement], limits: dict[str, int | None], data: st.DataObject
) -> None:
    resource = data.draw(st.sampled_from(sorted(limits)))
    before = limits[resource]
    after = data.draw(
        st.just(-1) if before in (None, -1) else st.one_of(st.just(-1), st.integers(before, 50000))
    )

    def outcome(values: dict[str, int | None]) -> set[str]:
        quota = Quota.model_validate({"type": "compute", **values})
        return set(codes(choose(nodes, row(quotas=(quota, USAGE)))))

    assert outcome({**limits, resource: after}) <= outcome(limits)


@given(some_requirements, some_limits)
def test_what_a_candidate_takes_is_within_its_quota(
    nodes: list[NodeRequirement], limits: dict[str, int | None]
) -> None:
    quota = Quota.model_validate({"type": "compute", **limits})
    for c in choose(nodes, row(quotas=(quota, USAGE))).candidates:
        for requested, limit, used in (
            (c.vcpus_requ, c.vcpus_quota, c.vcpus_usage),
            (c.ram_gb_requ, c.ram_gb_quota, c.ram_gb_usage),
            (c.n_instances_requ, c.n_instances_quota, c.n_instances_usage),
            (c.floating_ips_requ, c.floating_ips_quota, c.floating_ips_usage),
            (c.storage_gb_requ, c.storage_gb_quota, c.storage_gb_usage),
            (c.n_volumes_requ, c.n_volumes_quota, c.n_volumes_usage),
        ):
            assert limit == -1 or requested == 0 or requested + used <= limit


@given(st.permutations(range(6)))
def test_the_order_of_the_rows_does_not_matter(numbers: list[int]) -> None:
    rows = [row(f"site-{i}", flavors=() if i % 3 == 0 else row().feeder.flavors) for i in numbers]
    selection = choose([SERVER], *rows)
    assert [c.provider_name for c in selection.candidates] == [
        "site-1",
        "site-2",
        "site-4",
        "site-5",
    ]
    assert {d.provider_name for d in selection.discarded} == {"site-0", "site-3"}


def test_a_prepared_row_gives_the_same_outcome() -> None:
    assert choose([SERVER], row().prepare()).candidates == choose([SERVER], row()).candidates
