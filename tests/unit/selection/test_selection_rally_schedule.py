"""Which site Rally tests, and when."""

from pathlib import Path

import pytest
from support.provider_files import read

from paas_stream.selection import rally_schedule
from paas_stream.selection.rally_schedule import due
from paas_stream.selection.readings import Site

NOW = 1_800_000_000.0  # epoch seconds
INTERVAL_S = 600.0
FILE = """
trusted_idps:
  - issuer: https://iam/
    user_groups:
      - name: demo
        slas:
          - {doc_uuid: a, start_date: 2025-01-01, end_date: 2099-12-31}
          - {doc_uuid: b, start_date: 2025-01-01, end_date: 2099-12-31}
          - {doc_uuid: c, start_date: 2025-01-01, end_date: 2099-12-31}
          - {doc_uuid: d, start_date: 2025-01-01, end_date: 2099-12-31}
credentials:
  all: {username_env: USER_OF_ALL, password_env: PASSWORD_OF_ALL}
openstack:
  - name: cloud
    auth_url: https://a/v3
    identity_providers: [{endpoint: "https://iam/", name: iam}]
    regions: [{name: north}, {name: south}]
    projects:
      - {id: no-login, sla: a}
      - {id: p, sla: b, credentials: all}
      - {id: q, sla: c, credentials: all}
  - name: out-of-service
    status: maintenance
    auth_url: https://b/v3
    identity_providers: [{endpoint: "https://iam/", name: iam}]
    projects: [{id: p, sla: d, credentials: all}]
kubernetes:
  - name: cluster
    auth_url: https://c
    identity_providers: [{endpoint: "https://iam/", name: iam}]
    projects: [{id: r, sla: d, credentials: all}]
"""
NORTH, SOUTH = ("cloud", "north"), ("cloud", "south")


@pytest.fixture
def sites(tmp_path: Path) -> tuple[Site, ...]:
    return tuple(rally_schedule.tested(read(tmp_path, FILE).sites()))


def test_each_region_of_an_openstack_in_service_is_tested_with_its_first_project_that_has_a_login(
    sites: tuple[Site, ...],
) -> None:
    assert [one.key for one in sites] == [("cloud", "north", "p"), ("cloud", "south", "p")]


@pytest.mark.parametrize(
    ("north", "south", "region"),
    [
        (None, None, "north"),
        (NOW, None, "south"),
        (NOW - INTERVAL_S, NOW - INTERVAL_S - 1, "south"),
        (NOW - INTERVAL_S, NOW - INTERVAL_S, "north"),
        (NOW - INTERVAL_S, NOW, "north"),
        (NOW - INTERVAL_S + 1, NOW, None),
        (NOW + 60, NOW + 60, None),  # the clock of who reported it is ahead
    ],
)
def test_the_one_whose_test_is_the_longest_ago_is_due_after_an_interval(
    sites: tuple[Site, ...], north: float | None, south: float | None, region: str | None
) -> None:
    known = {NORTH: north, SOUTH: south}
    last = {place: at for place, at in known.items() if at is not None}
    found = due(sites, last, NOW, INTERVAL_S)
    assert (found and found.region.name) == region


def test_where_nothing_is_tested_nothing_is_due() -> None:
    assert due((), {}, NOW, INTERVAL_S) is None
