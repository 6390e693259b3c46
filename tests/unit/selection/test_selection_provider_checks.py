"""Provider files: what their entries say of one another, in one file or in several."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.provider_files import IDPS, STATIC, faults, read

from paas_stream.selection import readings
from paas_stream.selection.readings import Reading

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_faults_of_form_and_across_entries_are_told_together(tmp_path: Path) -> None:
    one = IDPS.replace("end_date: 2027-12-31", "end_date: 2024-12-31") + STATIC.replace(
        "type: dummy", "type: cloud"
    )
    two = """
static:
  - {name: site-a, type: dummy, endpoint: "https://b", projects: [{id: q, sla: sla-9}]}
  - {name: site-c, type: dummy, projects: [{id: q, sla: sla-1}, {id: q, sla: sla-2}]}
  - 5
"""
    found = faults(tmp_path, one, two)
    told = [fault.split(": ", 2)[:2] for fault in found]
    assert told == [
        ["1.yaml", "trusted_idps[0].user_groups[0].slas[0]"],
        ["1.yaml", "static[0].type"],
        ["2.yaml", "static[1].endpoint"],
        ["2.yaml", "static[2]"],
        ["2.yaml", "static[0].name"],
        ["2.yaml", "static[0].projects[0].sla"],
        ["2.yaml", "static[1].projects[1].id"],
    ]


@pytest.mark.parametrize(
    ("idps", "number"),
    [
        ("static: [", 1),  # no YAML: it may hold the agreement
        ("- 1\n", 1),
        (IDPS.replace("doc_uuid: sla-1", "doc_uuid: 1"), 1),
        (IDPS.replace("slas:", "slas: 5\n        more:"), 2),
        (IDPS.replace("issuer: https", "issuer: ftp"), 1),
    ],
)
def test_what_may_stand_where_nothing_can_be_read_is_not_missed(
    tmp_path: Path, idps: str, number: int
) -> None:
    found = faults(tmp_path, idps, STATIC)
    assert len(found) == number
    assert all(fault.startswith("1.yaml") for fault in found)


CLOUD = """
openstack:
  - name: cloud
    auth_url: https://cloud.example.org:5000/v3
    identity_providers: [{endpoint: https://iam.example.org/, name: iam}]
    projects: [{id: p, sla: sla-1}]
"""


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (
            ("name: iam}]", "name: iam}, {endpoint: https://iam.example.org/, name: two}]"),
            "openstack[0].identity_providers[1].endpoint: the issuer 'https://iam.example.org/' is "
            "given before, at openstack[0].identity_providers[0].endpoint",
        ),
        (
            ("sla: sla-1}", "sla: sla-1, per_region_props: [{region_name: moon}]}"),
            "openstack[0].projects[0].per_region_props[0].region_name: there is no region 'moon'",
        ),
        (
            ("      - name: physics", "      - {name: physics}\n      - name: physics"),
            "trusted_idps[0].user_groups[1].name: the user group 'physics' is given before, at "
            "trusted_idps[0].user_groups[0].name",
        ),
        (
            (
                "trusted_idps:",
                "trusted_idps:\n  - {issuer: https://iam.example.org/, user_groups: [{name: x}]}",
            ),
            "trusted_idps[1].issuer: the issuer 'https://iam.example.org/' is given before, at "
            "trusted_idps[0].issuer",
        ),
    ],
)
def test_entries_that_do_not_agree_are_told(
    tmp_path: Path, change: tuple[str, str], fault: str
) -> None:
    text = IDPS + CLOUD
    assert text.count(change[0]) == 1
    assert faults(tmp_path, text.replace(*change)) == [f"1.yaml: {fault}"]


def test_a_region_of_the_default_may_have_props_of_its_own(tmp_path: Path) -> None:
    props = "sla: sla-1, per_region_props: [{region_name: RegionOne}]}"
    assert len(read(tmp_path, IDPS + CLOUD.replace("sla: sla-1}", props)).sites()) == 1


def test_credentials_in_two_files_are_told_with_both_places(tmp_path: Path) -> None:
    text = "credentials: {robot: {username_env: U, password_env: P}}\n"
    (found,) = faults(tmp_path, text, text)
    assert found == (
        f"2.yaml: credentials.robot: the credentials 'robot' is given before, at "
        f"{tmp_path}/1.yaml: credentials.robot"
    )


REGIONAL = """
openstack:
  - name: cloud
    auth_url: https://cloud.example.org:5000/v3
    identity_providers: [{endpoint: https://iam.example.org/, name: iam}]
    regions: [{name: north}, {name: south}]
    projects:
      - id: p
        sla: sla-1
        default_public_net: wan
        per_user_limits: {compute: {cores: 4}, network: {public_ips: 1}}
        per_region_props:
          - {region_name: south, default_public_net: sea, per_user_limits: {compute: {ram: 8}}}
"""


def test_limits_of_users_in_a_region_go_before_those_of_the_project(tmp_path: Path) -> None:
    north, south = read(tmp_path, IDPS + REGIONAL).sites()
    told = [
        {row.type: (row.cores, row.ram, row.public_ips) for row in readings.per_user(one)}
        for one in (north, south)
    ]
    assert told == [
        {"compute": (4, None, None), "networking": (None, None, 1)},
        {"compute": (None, 8, None), "networking": (None, None, 1)},
    ]
    message = readings.message(south, Reading(project_name="physics"), NOW)
    assert message.project_name == "physics"
    assert {row.per_user for row in message.quotas} == {True}
