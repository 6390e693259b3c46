"""`paas-stream train` as a program of its own: what its ends mean, and that nothing of it is left."""

import asyncio
import os
import sys
from pathlib import Path

import pytest
from support.waiting import wait_until

from paas_stream.cli.train import NOT_LOGGED, NOTHING_DUE
from paas_stream.clients import training
from paas_stream.clients.training import (
    RunNotLoggedError,
    Said,
    TrainingProgram,
    TrainingRunError,
)


def program(text: str, timeout_s: float = 30.0) -> TrainingProgram:
    return TrainingProgram(timeout_s, (sys.executable, "-c", text))


def test_both_sides_mean_the_same_exit_status() -> None:
    assert (training.NOTHING_DUE, training.NOT_LOGGED) == (NOTHING_DUE, NOT_LOGGED)


async def test_what_it_says_is_given_back() -> None:
    assert await program("print('published')").run() == Said("published", is_trained=True)


async def test_too_few_rows_are_no_fault() -> None:
    said = await program("import sys; print('too few', file=sys.stderr); sys.exit(3)").run()
    assert said == Said("too few", is_trained=False)


async def test_a_run_that_is_not_logged_is_a_fault_with_its_last_line() -> None:
    text = "import sys; print('v1: published'); print('MLflow is down', file=sys.stderr); exit(4)"
    with pytest.raises(RunNotLoggedError) as fault:
        await program(text).run()
    assert fault.value.message == "MLflow is down"
    assert fault.value.said == "v1: published\nMLflow is down"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import sys; sys.exit('Kafka does not answer')", "ended with 1: Kafka does not answer"),
        ("import os; os.kill(os.getpid(), 11)", "ended with -11: "),
        ("print('x' * 5000); exit(1)", "x" * 900),
    ],
)
async def test_any_other_end_is_a_fault_with_its_last_words(text: str, says: str) -> None:
    with pytest.raises(TrainingRunError) as fault:
        await program(text).run()
    assert says in fault.value.message
    assert len(fault.value.message) < 1100


async def test_a_program_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(TrainingRunError, match="cannot be started: No such file"):
        await TrainingProgram(30.0, ("/no/such/program",)).run()


FORKS = """
import os, time
child = os.fork()
if child:
    open({file!r}, "w").write(f"{{os.getpid()}} {{child}}")
time.sleep(600)
"""


@pytest.mark.parametrize("way", ["time-out", "shutdown"])
async def test_nothing_of_it_outlives_its_call(tmp_path: Path, way: str) -> None:
    file = tmp_path / "pids"
    timeout_s = 2.0 if way == "time-out" else 60.0
    running = asyncio.create_task(program(FORKS.format(file=str(file)), timeout_s).run())
    await wait_until(lambda: file.exists() and len(file.read_text().split()) == 2, 20, "it runs")
    pids = [int(pid) for pid in file.read_text().split()]
    if way == "shutdown":
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    else:
        with pytest.raises(TrainingRunError, match="not done within 2 s"):
            await running
    await wait_until(lambda: not any(map(lives, pids)), 10, "both are gone")


def lives(pid: int) -> bool:
    """Whether a process is there and is not merely waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_deployments_go_first() -> None:
    said = await program("import os, time; time.sleep(0.5); print(os.nice(0))").run()
    assert int(said.text) >= min(os.nice(0) + 1, 10)
