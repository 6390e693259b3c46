"""`worker`, `up`, `stop`, `kafka`, `im`: what is told before anything runs, and while nothing does."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from paas_stream.cli import up

Run = Callable[..., Result]

ELSEWHERE = {"PAAS_KAFKA_URL": "127.0.0.1:9", "PAAS_IM_URL": "http://127.0.0.1:9"}
WRONG = """\
static:
  - name: site-a
    type: cloud
    endpoint: https://site-a.example.org
    regions: []
    projects: [{id: a, sla: no-such}]
unknown: 1
"""
FAULTS = [
    "a.yaml: static[0].type: ",
    "a.yaml: static[0].regions: ",
    "a.yaml: unknown: ",
    "b.yaml: cannot be read (No such file or directory)",
]


@pytest.fixture
def wrong_files(tmp_path: Path) -> str:
    """Provider files with four faults, as a setting."""
    (tmp_path / "a.yaml").write_text(WRONG)
    return '["a.yaml", "b.yaml"]'


def names_every_fault(stderr: str) -> bool:
    """Whether each fault has its line, and nothing else is told."""
    told = sorted(stderr.removeprefix("paas-stream: ").splitlines())
    return all(one.startswith(fault) for one, fault in zip(told, sorted(FAULTS), strict=True))


def test_a_worker_with_wrong_provider_files_names_every_fault_and_is_not_started(
    wrong_files: str, tmp_path: Path
) -> None:
    own = ELSEWHERE | {"PAAS_FEEDER_FILES": wrong_files, "PAAS_STATE_DIR": str(tmp_path / "state")}
    done = subprocess.run(
        [sys.executable, "-m", "paas_stream.cli.main", "worker"],
        env=dict(os.environ) | own,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert names_every_fault(done.stderr), done.stderr
    assert not (tmp_path / "state" / "workers").exists()


def test_up_with_wrong_provider_files_names_every_fault_and_starts_nothing(
    run: Run, wrong_files: str, tmp_path: Path
) -> None:
    result = run("up", PAAS_FEEDER_FILES=wrong_files, PAAS_STATE_DIR="state")
    assert (result.exit_code, result.stdout) == (1, "")
    assert names_every_fault(result.stderr), result.stderr
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("number", ["0", "33", "many"])
def test_up_refuses_a_number_of_workers_that_makes_no_sense(run: Run, number: str) -> None:
    assert run("up", "--workers", number).exit_code == 2


def test_a_fresh_start_deletes_nothing_that_is_not_its_own(run: Run, tmp_path: Path) -> None:
    (tmp_path / "state" / "kafka").mkdir(parents=True)
    (tmp_path / "state" / "thesis.tex").write_text("a year of work")
    result = run("up", "--fresh", PAAS_STATE_DIR="state", **ELSEWHERE)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "state holds thesis.tex, so it is not deleted" in result.stderr
    assert (tmp_path / "state" / "thesis.tex").exists()
    assert (tmp_path / "state" / "kafka").exists()


def test_a_state_directory_is_deleted_whole(tmp_path: Path) -> None:
    for name in ("kafka", "im", "workers", "keys", "up"):
        (tmp_path / "state" / name).mkdir(parents=True)
    up._delete_state(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    up._delete_state(tmp_path / "state")


def test_a_stop_when_nothing_runs_says_nothing(run: Run) -> None:
    result = run("stop")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("service", ["kafka", "im"])
def test_a_service_that_does_not_run_is_told_by_its_exit_status(run: Run, service: str) -> None:
    status = run(service, "status")
    assert status.exit_code == 3
    assert status.stdout.count("\n") == 1
    assert "not running" in status.stdout
    stopped = run(service, "stop")
    assert stopped.exit_code == 0
    assert run(service, "logs", "-n", "3").stdout == ""
