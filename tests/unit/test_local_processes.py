"""Background processes, tried on small real programs."""

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError, PaasError
from paas_stream.local import processes
from paas_stream.local.processes import BackgroundProcess, Launch, NotStartedError, wait_until

SLEEPER = "print('up', flush=True); import time; time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"
TIMEOUT_S = 20.0


def python(program: str, directory: Path, ports: dict[int, str] | None = None) -> Launch:
    return Launch([sys.executable, "-c", program], directory, ports=ports or {})


@pytest.fixture
def process(tmp_path: Path) -> Iterator[BackgroundProcess]:
    process = BackgroundProcess("Thing", tmp_path / "thing")
    yield process
    process.stop(0)


def is_up(process: BackgroundProcess) -> bool:
    return "up" in process.tail(10)


def start(process: BackgroundProcess, program: str = SLEEPER, timeout_s: float = TIMEOUT_S) -> bool:
    return process.start(
        lambda: python(program, process.directory), lambda: is_up(process), timeout_s
    )


def test_a_started_program_is_found_by_a_later_command(process: BackgroundProcess) -> None:
    assert start(process)
    later = BackgroundProcess("Thing", process.directory)
    assert later.pid() == process.pid() is not None


def test_a_second_start_leaves_the_program_alone(process: BackgroundProcess) -> None:
    start(process)
    first = process.pid()
    assert not start(process)
    assert process.pid() == first


def test_two_starts_at_once_start_one_program(process: BackgroundProcess) -> None:
    started: list[bool] = []
    threads = [threading.Thread(target=lambda: started.append(start(process))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * TIMEOUT_S)
    assert sorted(started) == [False, True]


def test_a_start_does_not_wait_for_ever_for_another_one(process: BackgroundProcess) -> None:
    process.directory.mkdir()
    with (process.directory / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(NotStartedError, match=r"started by another command for over 0.2 s"):
            start(process, timeout_s=0.2)


def test_a_program_does_not_share_the_terminal_and_its_signals(process: BackgroundProcess) -> None:
    start(process)
    pid = process.pid()
    assert pid is not None
    assert os.getsid(pid) == pid != os.getsid(0)


def test_a_stale_pid_file_is_not_taken_for_a_running_service(process: BackgroundProcess) -> None:
    process.directory.mkdir()
    stranger = {"pid": os.getpid(), "identity": "an earlier boot/1234"}
    process.pid_file.write_text(json.dumps(stranger))
    assert process.pid() is None
    assert not process.stop(TIMEOUT_S), "the stranger, this very test, is not touched"
    assert start(process)


@pytest.mark.parametrize(
    "content",
    ["", "17", "{}", '{"pid": "x", "identity": "y"}', '{"pid": 999999999, "identity": null}'],
)
def test_a_damaged_pid_file_means_not_running(process: BackgroundProcess, content: str) -> None:
    process.directory.mkdir()
    process.pid_file.write_text(content)
    assert process.pid() is None


def test_a_killed_program_is_noticed_and_can_be_started_again(process: BackgroundProcess) -> None:
    start(process)
    first = process.pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert wait_until(lambda: process.pid() is None, TIMEOUT_S)
    assert start(process)
    assert process.pid() not in (None, first)


def test_a_dead_process_that_nobody_collected_does_not_count_as_running() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        assert processes.identity(zombie.pid) is None


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(
    process: BackgroundProcess,
) -> None:
    with pytest.raises(NotStartedError, match=r"Thing ended while(.|\n)*no such disk"):
        start(process, "raise SystemExit('no such disk')")
    assert process.pid() is None
    assert not process.pid_file.exists()


def test_a_program_that_does_not_answer_in_time_is_stopped(process: BackgroundProcess) -> None:
    with pytest.raises(NotStartedError, match=r"did not answer within 0.2 seconds"):
        start(process, "import time; time.sleep(600)", timeout_s=0.2)
    assert process.pid() is None


def test_a_program_that_was_running_already_survives_a_start_that_times_out(
    process: BackgroundProcess,
) -> None:
    start(process)
    with pytest.raises(NotStartedError):
        process.start(lambda: python(SLEEPER, process.directory), lambda: False, 0.2)
    assert process.pid() is not None


def test_stop_ends_the_program(process: BackgroundProcess) -> None:
    start(process)
    assert process.stop(TIMEOUT_S)
    assert process.pid() is None
    assert not process.stop(TIMEOUT_S), "there is nothing to stop any more"


def test_a_program_that_ignores_the_request_to_stop_is_killed(process: BackgroundProcess) -> None:
    start(process, STUBBORN)
    assert process.stop(0.3)
    assert process.pid() is None


def test_a_taken_port_is_named_with_the_setting_that_moves_it(process: BackgroundProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {port: "PAAS_THING_PORT"}
        with pytest.raises(ConfigurationError, match=rf"port {port} is taken.*PAAS_THING_PORT"):
            process.start(
                lambda: python(SLEEPER, process.directory, ports), lambda: True, TIMEOUT_S
            )
    assert process.pid() is None


def test_the_directory_is_closed_to_other_users(process: BackgroundProcess) -> None:
    start(process)
    assert process.directory.stat().st_mode & 0o077 == 0


def test_the_log_has_what_the_program_says_and_keeps_earlier_runs(
    process: BackgroundProcess,
) -> None:
    process.directory.mkdir()
    process.log_file.write_text("the run before\n")
    start(process)
    assert process.tail(5) == ["the run before", "up"]
    assert process.tail(1) == ["up"]


def test_a_long_log_is_set_aside_at_the_next_start(
    process: BackgroundProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_MAX_BYTES", 3)
    process.directory.mkdir()
    process.log_file.write_text("long\n")
    start(process)
    assert process.tail(5) == ["up"]
    assert (process.directory / "service.log.1").read_text() == "long\n"


def test_following_the_log_shows_new_lines_and_ends_with_the_program(
    process: BackgroundProcess,
) -> None:
    start(process)
    lines = process.follow(5)
    assert next(lines) == "up"
    with process.log_file.open("a") as log:
        log.write("more")
        log.write(" of it\n")
    assert next(lines) == "more of it"
    process.stop(TIMEOUT_S)
    assert list(lines) == []


def test_a_service_that_never_ran_has_an_empty_log(process: BackgroundProcess) -> None:
    assert process.tail(5) == list(process.follow(5)) == []


def test_a_program_that_fails_is_reported_with_its_output() -> None:
    with pytest.raises(PaasError, match=r"it failed: .* ended with 3\nwhy"):
        processes.run([sys.executable, "-c", "print('why'); exit(3)"], TIMEOUT_S, "it failed")


def test_a_program_that_takes_too_long_is_reported() -> None:
    with pytest.raises(PaasError, match=r"it failed: .* took over 0.2 seconds"):
        processes.run([sys.executable, "-c", SLEEPER], 0.2, "it failed")
