"""Rally scheduler: which site is tested when, on the worker that holds the partition of `rally`."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from support.bench import Bench, Clock

from agents import rally_runs as module
from agents.provider_catalog import provider_health
from agents.rally_runs import Runs, rally_runs
from paas_stream.clients.rally import RallyRunError
from paas_stream.records import ErrorRecord, Rally
from paas_stream.selection import provider_files

INTERVAL_S = 600.0
FILE = """
trusted_idps:
  - issuer: https://iam/
    user_groups:
      - name: demo
        slas:
          - {doc_uuid: a, start_date: 2025-01-01, end_date: 2099-12-31}
credentials:
  all: {username_env: USER_OF_ALL, password_env: PASSWORD_OF_ALL}
openstack:
  - name: cloud
    auth_url: https://a/v3
    identity_providers: [{endpoint: "https://iam/", name: iam}]
    projects: [{id: p, sla: a, credentials: all}]
"""


class Program:
    """In the place of Rally: what is tested, and when it ends."""

    def __init__(self) -> None:
        self.tested: list[str] = []
        self.fault: Exception | None = None
        self.may_end = asyncio.Event()

    async def run(self, site: Any, login: Any) -> Path:
        assert login.username == "alice"
        self.tested.append(f"{site.provider.name}/{site.region.name}/{site.project.id}")
        await self.may_end.wait()
        if self.fault is not None:
            raise self.fault
        return Path("report.json")


@pytest.fixture
async def program(
    bench: Bench, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Program:
    """A worker that holds the partition, with a federation of one site."""
    file = tmp_path / "providers.yaml"
    file.write_text(FILE)
    monkeypatch.setenv("USER_OF_ALL", "alice")
    monkeypatch.setenv("PASSWORD_OF_ALL", "secret")
    made = Program()
    known = provider_files.read([file])
    monkeypatch.setattr(module, "federation", lambda: known)
    monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(module, "runs", Runs(made, INTERVAL_S))  # type: ignore[arg-type]
    bench.consumer.assigned = {TP("rally", 0)}
    clock.now = datetime.now(UTC).timestamp()
    return made


async def turn(bench: Bench) -> None:
    """One turn of the timer, and what follows from it."""
    await bench.run(rally_runs)
    await settle()


async def settle() -> None:
    for _ in range(200):
        await asyncio.sleep(0.001)
        if module.runs.running is None:
            return


async def test_a_site_that_is_due_is_tested_once(bench: Bench, program: Program) -> None:
    program.may_end.set()
    for _ in range(3):
        await turn(bench)
    assert program.tested == ["cloud/RegionOne/p"]


async def test_one_run_is_under_way_at_a_time(bench: Bench, program: Program, clock: Clock) -> None:
    await turn(bench)
    clock.now += 10 * INTERVAL_S
    await turn(bench)
    assert len(program.tested) == 1
    program.may_end.set()
    await settle()
    await turn(bench)
    assert len(program.tested) == 2


async def test_a_site_is_tested_again_after_the_interval(
    bench: Bench, program: Program, clock: Clock
) -> None:
    program.may_end.set()
    await turn(bench)
    clock.now += INTERVAL_S - 1
    await turn(bench)
    assert len(program.tested) == 1
    clock.now += 1
    await turn(bench)
    assert len(program.tested) == 2


async def test_a_report_that_is_known_counts_after_a_restart(
    bench: Bench, program: Program, clock: Clock
) -> None:
    program.may_end.set()
    reported = datetime.fromtimestamp(clock.now, UTC) - timedelta(seconds=60)
    report = Rally(
        provider="cloud",
        region_name="RegionOne",
        task_uuid="t",
        timestamp=reported,
        status="finished",
        test_result="True",
    )
    await bench.give(provider_health, report, topic="rally", at=clock.now)
    await turn(bench)
    assert program.tested == []
    clock.now += INTERVAL_S - 60
    await turn(bench)
    assert len(program.tested) == 1


async def test_nothing_is_tested_elsewhere_or_before_the_tables_are_filled(
    bench: Bench, program: Program
) -> None:
    bench.ready.tables_ready = False
    await turn(bench)
    bench.ready.tables_ready = True
    bench.consumer.assigned = {TP("feeder", 0)}
    await turn(bench)
    assert program.tested == []


async def test_a_fault_is_told_once_and_the_site_is_tried_again_after_the_interval(
    bench: Bench, program: Program, clock: Clock
) -> None:
    program.fault = RallyRunError("rally db create ended with 3")
    program.may_end.set()
    for _ in range(3):
        await turn(bench)
        clock.now += INTERVAL_S
    assert len(program.tested) == 3
    (told,) = bench.sent(ErrorRecord)
    assert (told.component, told.step, told.code) == ("rally", "run", "rally_run")
