"""The program `rally` is run: what it is given, what becomes of its report, and how it is ended.

A script stands in its place here; the real one runs in the acceptance tests.
"""

import asyncio
import json
import os
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from paas_stream.clients import rally
from paas_stream.clients.rally import RallyProgram, RallyRunError
from paas_stream.errors import ConfigurationError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_schema import OpenStackProvider, Sla
from paas_stream.selection.readings import Site

LOGIN = Credentials("password", "alice", "s3cret")
SPEC = {"auth_url": "https://a/v3", "users": [{"username": "alice", "password": "s3cret"}]}
SCRIPT = """\
#!/bin/sh
shift 2
echo "$*" >> {notes}/said
env >> {notes}/environment
stat -c %a . >> {notes}/mode
case "$1 $2" in
  "env create") cp spec.json {notes}/spec.json ;;
  "task report") echo '{{"report": 1}}' > "$5" ;;
esac
{more}
"""


@pytest.fixture
def site() -> Site:
    provider = OpenStackProvider.model_validate(
        {
            "name": "cloud",
            "auth_url": "https://a/v3",
            "identity_providers": [{"endpoint": "https://iam/", "name": "iam"}],
            "projects": [{"id": "p", "sla": "s"}],
        },
        strict=False,
    )
    sla = Sla(doc_uuid="s", start_date=date(2025, 1, 1), end_date=date(2099, 12, 31))
    return Site(
        provider, provider.regions[0], provider.projects[0], Agreement(sla, "g", "https://iam/")
    )


@pytest.fixture(autouse=True)
def spec(monkeypatch: pytest.MonkeyPatch) -> None:
    """The login has told the project's name."""
    monkeypatch.setattr(rally, "_spec", lambda *_: SPEC)


def program(folder: Path, more: str = "exit 0", **settings: Any) -> RallyProgram:
    command = folder / "rally"
    command.write_text(SCRIPT.format(notes=folder, more=more))
    command.chmod(0o700)
    given = {"timeout_s": 20.0, "login_timeout_s": 1.0, "kept_s": 3600.0} | settings
    return RallyProgram(command, rally.TASK, folder / "reports", **given)


async def test_a_report_comes_to_the_place_that_names_provider_and_region(
    tmp_path: Path, site: Site
) -> None:
    report = await program(tmp_path).run(site, LOGIN)
    assert report.parent == tmp_path / "reports" / "cloud" / "RegionOne"
    assert json.loads(report.read_text()) == {"report": 1}
    assert [one.name for one in report.parent.iterdir()] == [report.name]
    words = [line.split()[:2] for line in (tmp_path / "said").read_text().splitlines()]
    assert words == [["db", "create"], ["env", "create"], ["task", "start"], ["task", "report"]]
    assert json.loads((tmp_path / "spec.json").read_text()) == {"existing@openstack": SPEC}


async def test_the_folder_with_the_password_is_private_and_does_not_stay(
    tmp_path: Path, site: Site
) -> None:
    await program(tmp_path).run(site, LOGIN)
    assert set((tmp_path / "mode").read_text().split()) == {"700"}
    homes = [
        line.removeprefix("HOME=")
        for line in (tmp_path / "environment").read_text().splitlines()
        if line.startswith("HOME=")
    ]
    assert homes
    assert not [home for home in homes if Path(home).exists()]


async def test_no_secret_of_this_process_is_passed_on(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAAS_SECRETS_KEY", "very-secret")
    await program(tmp_path).run(site, LOGIN)
    assert "very-secret" not in (tmp_path / "environment").read_text()


async def test_a_site_that_fails_its_tests_has_a_report(tmp_path: Path, site: Site) -> None:
    failing = '[ "$1 $2" = "task start" ] && exit 2; exit 0'
    assert (await program(tmp_path, failing).run(site, LOGIN)).exists()


async def test_a_program_that_fails_is_told_with_its_last_words(tmp_path: Path, site: Site) -> None:
    with pytest.raises(RallyRunError, match="rally db create ended with 3: no such table"):
        await program(tmp_path, "echo no such table; exit 3").run(site, LOGIN)
    assert list((tmp_path / "reports").rglob("*.json")) == []


async def test_a_run_that_takes_too_long_ends_with_all_that_it_has_begun(
    tmp_path: Path, site: Site
) -> None:
    hanging = f"sleep 600 & echo $! > {tmp_path}/child; wait"
    with pytest.raises(RallyRunError, match=r"no report within 0\.5 s"):
        await program(tmp_path, hanging, timeout_s=0.5).run(site, LOGIN)
    child = int((tmp_path / "child").read_text())
    deadline = time.monotonic() + 10
    while _is_running(child):
        assert time.monotonic() < deadline, "the child goes on"
        await asyncio.sleep(0.05)


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


async def test_reports_of_earlier_runs_are_removed_in_the_end_and_those_of_others_are_not(
    tmp_path: Path, site: Site
) -> None:
    folder = tmp_path / "reports" / "cloud" / "RegionOne"
    folder.mkdir(parents=True)
    old, young, foreign = (folder / f"{name}.json" for name in ("run-1", "run-2", "another"))
    for one in (old, young, foreign):
        one.write_text("{}")
    for one in (old, foreign):
        os.utime(one, (1.0, 1.0))
    report = await program(tmp_path).run(site, LOGIN)
    assert set(folder.iterdir()) == {young, foreign, report}


@pytest.mark.parametrize(
    "login", [None, Credentials("application_credential", "id", "s"), Credentials("token")]
)
async def test_only_a_users_password_will_do(
    tmp_path: Path, site: Site, login: Credentials | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    with pytest.raises(ConfigurationError, match="a user's password"):
        await program(tmp_path).run(site, login)


async def test_a_program_that_is_not_there_is_told(tmp_path: Path, site: Site) -> None:
    made = program(tmp_path)
    made.command.unlink()
    with pytest.raises(RallyRunError, match="cannot be started"):
        await made.run(site, LOGIN)


def test_the_task_that_comes_with_the_program_asks_each_service() -> None:
    task = json.loads(rally.TASK.read_text())
    assert [one["title"] for one in task["subtasks"]] == ["keystone", "glance", "nova", "neutron"]
    for subtask in task["subtasks"]:
        for workload in subtask["workloads"]:
            assert workload["sla"] == {"failure_rate": {"max": 0}}
