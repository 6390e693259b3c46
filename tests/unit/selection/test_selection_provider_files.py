"""Provider files: refused as a whole with every fault, or a federation."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.provider_files import IDPS, STATIC, faults, read

from paas_stream.errors import ConfigurationError
from paas_stream.records import Feeder, Owner, Request
from paas_stream.selection import provider_files, provider_schema, yaml_text
from paas_stream.selection.provider_files import Federation
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[3] / "examples" / "federation.yaml"


def test_no_files_make_an_empty_federation() -> None:
    assert provider_files.read([]).static_feeders(NOW) == ()


def test_an_empty_file_is_no_fault(tmp_path: Path) -> None:
    assert read(tmp_path, "").static_feeders(NOW) == ()


def test_one_message_is_made_for_each_region_and_project(tmp_path: Path) -> None:
    text = """
static:
  - name: site-a
    type: openstack
    endpoint: https://a.example.org:5000/v3
    identity_providers: [{endpoint: https://iam.example.org/, name: iam, protocol: openid}]
    regions:
      - {name: north, overbooking_cpu: 2, bandwidth_in: 40}
      - {name: south}
    projects:
      - {id: p, sla: sla-1, credentials: robot}
      - {id: q, sla: sla-2, quotas: [{type: compute, cores: 1}]}
    flavors: [{name: small, vcpus: 1, ram: 2048}]
    quotas: [{type: compute, cores: 8}, {type: compute, usage: true, cores: 2}]
credentials:
  robot: {username_env: U, password_env: P}
"""
    feeders = read(tmp_path, IDPS + text).static_feeders(NOW)
    assert [f.key for f in feeders] == [
        "site-a/north/p",
        "site-a/north/q",
        "site-a/south/p",
        "site-a/south/q",
    ]
    first, second = feeders[:2]
    assert Feeder.decode(first.encode()) == first
    assert first.timestamp == NOW
    assert (first.user_group, first.issuer_endpoint) == ("physics", "https://iam.example.org/")
    assert (first.issuer_name, first.issuer_protocol) == ("iam", "openid")
    assert (first.sla_start, first.sla_end) == ("2025-01-01", "2027-12-31")
    assert (first.overbooking_cpu, first.bandwidth_in, first.bandwidth_out) == (2, 40, 10)
    assert (first.credentials, second.credentials) == ("robot", None)
    assert [q.cores for q in first.quotas] == [8, 2]
    assert [q.cores for q in second.quotas] == [1]


def test_a_message_says_whether_the_provider_is_active(tmp_path: Path) -> None:
    text = IDPS + STATIC.replace("type: dummy", "type: dummy\n    status: maintenance")
    (message,) = read(tmp_path, text).static_feeders(NOW)
    assert message.status == "maintenance"
    (message,) = read(tmp_path, IDPS + STATIC).static_feeders(NOW)
    assert (message.status, message.sla_id) == ("active", "sla-1")


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30",
        "0000-00-00",
        "2026-01-01t00:00:00+99:99",
        "9" * 5000,
        "!!int x",
        "!!float x",
        "!!bool x",
        "!!timestamp x",
    ],
)
def test_a_value_that_yaml_cannot_make_is_a_fault_with_its_place(
    tmp_path: Path, value: str
) -> None:
    (told,) = faults(tmp_path, IDPS.replace("start_date: 2025-01-01", f"start_date: {value}", 1))
    assert "line " in told
    assert f"{value.split()[-1][:80]!r} cannot be read as " in told


@pytest.mark.parametrize("name", ["overbooking_cpu", "overbooking_ram", "bandwidth_in"])
def test_a_number_that_no_message_could_carry_is_a_fault(tmp_path: Path, name: str) -> None:
    text = STATIC.replace(
        "type: dummy", f"type: dummy\n    regions: [{{name: r, {name}: 1.0e+300}}]"
    )
    (told,) = faults(tmp_path, IDPS + text)
    assert f"static[0].regions[0].{name}: " in told


def test_files_are_read_together(tmp_path: Path) -> None:
    assert len(read(tmp_path, STATIC, IDPS).static_feeders(NOW)) == 1


def test_two_files_may_name_the_same_issuer_and_group(tmp_path: Path) -> None:
    other = IDPS.replace("sla-1", "sla-3").replace("sla-2", "sla-4")
    site = STATIC.replace("site-a", "site-b").replace("sla-1", "sla-3")
    assert len(read(tmp_path, IDPS + STATIC, other + site).static_feeders(NOW)) == 2


def test_the_fields_format_is_accepted_and_kept(tmp_path: Path) -> None:
    text = """
openstack:
  - name: cloud
    status: active
    is_public: false
    support_emails: [help@example.org]
    auth_url: https://keystone.example.org:5000/v3
    image_tags: [public]
    network_tags: []
    block_storage_vol_types: {gold: ssd}
    identity_providers:
      - {endpoint: https://iam.example.org/, name: iam, protocol: openid, audience: cloud}
    regions:
      - name: north
        location: {site: Bari, country: Italy}
        overbooking_cpu: 2.0
        overbooking_ram: 1
        bandwidth_in: 10
        bandwidth_out: 10
    projects:
      - id: 4dd93340f51f4206a8dfd0569d4eb812
        sla: sla-1
        default_public_net: public
        default_private_net: private
        private_net_proxy: {host: proxy.example.org, user: me}
        per_user_limits: {compute: {cores: 4}}
        per_region_props:
          - {region_name: north, default_public_net: other}
kubernetes:
  - name: cluster
    auth_url: https://k8s.example.org:6443
    ca_path: ca.pem
    identity_providers: [{endpoint: https://iam.example.org/, name: iam, audience: k8s}]
    projects: [{id: namespace, sla: sla-1}]
"""
    (tmp_path / "ca.pem").touch()
    federation = read(tmp_path, IDPS + text)
    assert [p.name for p in federation.openstack] == ["cloud"]
    assert [p.name for p in federation.kubernetes] == ["cluster"]
    assert federation.kubernetes[0].ca_path == tmp_path / "ca.pem"
    assert [site.key for site in federation.sites()] == [
        ("cloud", "north", "4dd93340f51f4206a8dfd0569d4eb812"),
        ("cluster", "default", "namespace"),
    ]
    assert federation.kubernetes[0].regions[0].name == "default"
    assert federation.static_feeders(NOW) == ()


CLUSTER = """
kubernetes:
  - name: cluster
    auth_url: https://k8s.example.org:6443
    identity_providers: [{endpoint: https://iam.example.org/, name: iam}]
    projects: [{id: namespace, sla: sla-1}]
"""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("auth_url:", "ca_path: none.pem\n    auth_url:"),
            "kubernetes[0].ca_path: there is no file",
        ),
        (
            ("sla: sla-1}", "sla: sla-1, per_user_limits: {compute: {cups: 4}}}"),
            "kubernetes[0].projects[0].per_user_limits: no quota has this: cups: Extra inputs",
        ),
        (
            ("sla: sla-1}", "sla: sla-1, per_user_limits: {computer: {cores: 4}}}"),
            "kubernetes[0].projects[0].per_user_limits: no quota has this: type: Input should be",
        ),
    ],
)
def test_faults_of_a_site_that_is_read_name_their_place(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, IDPS + CLUSTER.replace(*change))
    assert fault in caught.value.message


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (("type: dummy", "type: cloud"), "static[0].type: Input should be 'dummy', 'openstack' or"),
        (("endpoint: https", "endpoint: ftp"), "static[0].endpoint: String should match pattern"),
        (("name: site-a", "name: site/a"), "static[0].name: String should match pattern"),
        (("name: site-a", "name: 1"), "static[0].name: Input should be a valid string"),
        (("sla: sla-1", "sla: sla-1, colour: red"), "static[0].projects[0].colour: Extra inputs"),
        (("id: p, ", ""), "static[0].projects[0].id: Field required"),
        (("[{id: p, sla: sla-1}]", "[]"), "static[0].projects: Tuple should have at least 1 item"),
        (("sla: sla-1", "sla: sla-9"), "static[0].projects[0].sla: no group of trusted_idps has"),
        (
            ("sla: sla-1}", "sla: sla-1, credentials: none}"),
            "static[0].projects[0].credentials: no credentials of the name 'none'",
        ),
        (
            ("[{id: p, sla: sla-1}]", "[{id: p, sla: sla-1}, {id: p, sla: sla-2}]"),
            "static[0].projects[1].id: the project 'p' is given before, at static[0].projects[0].id",
        ),
        (
            ("[{id: p, sla: sla-1}]", "[{id: p, sla: sla-1}, {id: q, sla: sla-1}]"),
            "static[0].projects[1].sla: the SLA 'sla-1' is given before",
        ),
        (
            ("type: dummy", "type: dummy\n    regions: [{name: r}, {name: r}]"),
            "static[0].regions[1].name: the region 'r' is given before",
        ),
        (
            ("type: dummy", "type: dummy\n    flavors: [{name: s, vcpus: 1, ram: 1, cpu: 2}]"),
            "static[0].flavors[0].cpu: Extra inputs are not permitted",
        ),
        (
            ("type: dummy", "type: dummy\n    flavors: [{name: s, vcpus: '1', ram: 1}]"),
            "static[0].flavors[0].vcpus: Input should be a valid number",
        ),
        (
            ("type: dummy", "type: dummy\n    quotas: [{type: compute, cores: .inf}]"),
            "static[0].quotas[0].cores: ",
        ),
        (
            (
                "type: dummy",
                "type: dummy\n    identity_providers: [{endpoint: https://x.org/, name: x}]",
            ),
            "static[0].projects[0].sla: its issuer https://iam.example.org/ is not among",
        ),
        (
            ("end_date: 2027-12-31", "end_date: 2024-12-31"),
            "slas[0]: end_date 2024-12-31 is before",
        ),
        (("start_date: 2025-01-01", "start_date: 20250101"), "slas[0].start_date: Input should be"),
        (
            ("doc_uuid: sla-2", "doc_uuid: sla-1"),
            "slas[1].doc_uuid: the SLA 'sla-1' is given before",
        ),
        (
            ("type: dummy", "type: dummy\n    type: dummy"),
            "column 5: the key 'type' is given twice",
        ),
        (("static:", "static: ["), "1.yaml: line "),
        (("type: dummy", "type: !!python/name:os.system x"), "could not determine a constructor"),
    ],
)
def test_each_fault_is_told_with_its_place(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    text = IDPS + STATIC
    assert text.count(change[0]) == 1
    (found,) = faults(tmp_path, text.replace(*change))
    assert found.startswith("1.yaml: ")
    assert fault in found


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    one = IDPS + STATIC.replace("dummy", "cloud").replace("https", "ftp")
    two = "static: 5\ncolour: red\n"
    three = "a: 1\na: 2\na: 3\n"
    found = faults(tmp_path, one, two, three)
    assert [fault.split(": ", 2)[:2] for fault in found] == [
        ["1.yaml", "static[0].type"],
        ["1.yaml", "static[0].endpoint"],
        ["2.yaml", "static"],
        ["2.yaml", "colour"],
        ["3.yaml", "line 2, column 1"],
        ["3.yaml", "line 3, column 1"],
    ]


def test_the_same_name_in_two_files_is_told_with_both_places(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, IDPS + STATIC, STATIC)
    assert found.startswith("2.yaml: static[0].name: the provider 'site-a' is given before, at ")
    assert found.endswith("1.yaml: static[0].name")


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError) as caught:
        provider_files.read([tmp_path / "none.yaml", tmp_path / "binary.yaml"])
    assert caught.value.message.splitlines() == [
        f"{tmp_path}/none.yaml: cannot be read (No such file or directory)",
        f"{tmp_path}/binary.yaml: not UTF-8 text",
    ]


@pytest.mark.parametrize(
    "text", ["- 1\n", "5\n", "text\n", "&a [*a]\n", "? {a: b}\n: c\n", "x: !!binary aGk=\n"]
)
def test_yaml_that_is_no_provider_file_is_refused_without_a_crash(
    tmp_path: Path, text: str
) -> None:
    assert faults(tmp_path, text)


def test_the_example_fits_the_schema() -> None:
    data, sentences = yaml_text.load(EXAMPLE.read_text(encoding="utf-8"))
    assert sentences == []
    plain = json.loads(json.dumps(data, default=str))
    Draft202012Validator(provider_schema.json_schema()).validate(plain)


def candidates(federation: Federation, user_group: str | None) -> list[str]:
    request = Request(
        owner=Owner(issuer="i", subject="s"),
        deadline=NOW,
        per_provider_timeout=1,
        user_group=user_group,
    )
    rows = [ProviderRow(feeder, NOW) for feeder in federation.static_feeders(NOW)]
    selection = select((), rows, request=request, today=NOW.date(), now=NOW, stale_s=900)
    return [candidate.target.project for candidate in selection.candidates]


@pytest.mark.parametrize(
    ("user_group", "projects"),
    [
        ("demo", ["demo-a", "demo-b"]),
        ("demo-failover", ["failover-b", "demo"]),
        ("demo-expired", []),
        (None, ["demo-a", "demo-b", "failover-b", "demo"]),
    ],
)
def test_the_example_offers_each_group_its_sites(
    user_group: str | None, projects: list[str]
) -> None:
    assert candidates(provider_files.read([EXAMPLE]), user_group) == projects


def test_a_namespace_may_be_described_with_kubernetes_quantities(tmp_path: Path) -> None:
    text = (
        IDPS
        + """
static:
  - name: cluster
    type: kubernetes
    endpoint: https://k8s.example.org:6443
    projects: [{id: namespace, sla: sla-1}]
    storage_classes: [{name: fast, is_default: true}]
    quotas:
      - {type: compute, limits_cpu: 500m, limits_memory: 10Gi, pods: 2k}
      - {type: block-storage, storage: 1Ti, pvcs: 5}
"""
    )
    (message,) = read(tmp_path, text).static_feeders(NOW)
    compute, storage = message.quotas
    assert (compute.limits_cpu, compute.limits_memory, compute.pods) == (0.5, 10240, 2000)
    assert (storage.storage, storage.pvcs) == (1024, 5)
    assert message.storage_classes[0].is_default
    with pytest.raises(ConfigurationError, match=r"quotas\[0\]\.limits_memory: .*'10 GB'"):
        read(tmp_path, text.replace("10Gi", "10 GB"))
