"""Programs in the background: started detached, found again by a pid file, stopped on request.

A program is told from a stranger with the same pid by the time it was started, so a pid file that
outlived its program, or the machine's last boot, does no harm. Linux only (`/proc`).
"""

import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paas_stream.errors import ConfigurationError, PaasError

POLL_S = 0.1
KILL_WAIT_S = 5.0  # a killed process is gone within this, or stuck in the kernel
LOG_MAX_BYTES = 10 * 1024 * 1024  # a longer log is set aside at the next start
LOG_TAIL_LINES = 15  # shown when a program does not start

# Children of this process: kept so that a dead one is collected instead of staying a zombie.
_children: list[subprocess.Popen[bytes]] = []


class NotStartedError(PaasError):
    """A program ended, or did not answer, while it was being started."""

    code = "not_started"


@dataclass(frozen=True)
class Launch:
    """How a program is run."""

    command: list[str]
    directory: Path  # working directory
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    ports: Mapping[int, str] = field(default_factory=dict)  # loopback port: setting that moves it


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `condition` became true within `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as exc:
            if exc.errno != errno.EADDRINUSE:
                raise
            return False
        return True


def identity(pid: int) -> str | None:
    """What tells this process from all others that ever have its pid; None when it is dead."""
    for child in _children:
        child.poll()
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # After the name in brackets, which may hold blanks: 0 state, 17 threads, 19 start time.
    fields = stat.rpartition(")")[2].split()
    # A killed program's threads end one by one: until the last one has, its ports are taken.
    is_dead = fields[0] in "ZX" and int(fields[17]) <= 1
    return None if is_dead else f"{boot}/{fields[19]}"


class BackgroundProcess:
    """One program, its pid file and its log, in a directory of its own."""

    def __init__(self, name: str, directory: Path) -> None:
        """`name` is used in sentences; `directory` is readable by this user only."""
        self.name = name
        self.directory = directory.absolute()
        self.pid_file = self.directory / "pid.json"
        self.log_file = self.directory / "service.log"

    def pid(self) -> int | None:
        """The process id while the program runs."""
        try:
            saved = json.loads(self.pid_file.read_text())
            pid, known = int(saved["pid"]), saved["identity"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None
        return pid if known is not None and identity(pid) == known else None

    def start(
        self, prepare: Callable[[], Launch], ready: Callable[[], bool], timeout_s: float
    ) -> bool:
        """Start the program unless it runs, and return when `ready` holds.

        `prepare` is called only when there is something to start. Two callers at once start one
        program. Returns whether this call started it. Raises NotStartedError, and then the program
        is stopped, or ConfigurationError when a port is taken.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        deadline = time.monotonic() + timeout_s
        with self._lock(timeout_s):
            is_new = self.pid() is None
            if is_new:
                self._spawn(prepare())
                deadline = time.monotonic() + timeout_s
            try:
                self._await(ready, deadline, timeout_s)
            except BaseException:
                if is_new:
                    self.stop(KILL_WAIT_S)
                raise
        return is_new

    def stop(self, timeout_s: float) -> bool:
        """End the program: SIGTERM, and SIGKILL to its session after `timeout_s` seconds.

        Returns whether it was running.
        """
        pid = self.pid()
        if pid is not None:
            self._signal(lambda: os.kill(pid, signal.SIGTERM))
            if not wait_until(lambda: self.pid() is None, timeout_s):
                self._signal(lambda: os.killpg(pid, signal.SIGKILL))
                if not wait_until(lambda: self.pid() is None, KILL_WAIT_S):
                    raise PaasError(f"{self.name} (pid {pid}) could not be stopped")
        self.pid_file.unlink(missing_ok=True)
        return pid is not None

    def tail(self, lines: int) -> list[str]:
        """The last lines of the log."""
        try:
            with self.log_file.open(errors="replace") as log:
                return [line.rstrip("\n") for line in deque(log, maxlen=lines)]
        except FileNotFoundError:
            return []

    def follow(self, lines: int) -> Iterator[str]:
        """The last lines of the log, then each new one until the program has ended."""
        if not self.log_file.exists():
            return
        with self.log_file.open(errors="replace") as log:
            yield from (line.rstrip("\n") for line in deque(log, maxlen=lines))
            line = ""
            while True:
                is_running = self.pid() is not None
                for part in log:
                    line += part
                    if line.endswith("\n"):
                        yield line.rstrip("\n")
                        line = ""
                if not is_running:
                    return
                time.sleep(POLL_S)

    def _spawn(self, launch: Launch) -> None:
        for port, setting in launch.ports.items():
            if not port_is_free(port):
                raise ConfigurationError(
                    f"{self.name} cannot be started: port {port} is taken by another program; "
                    f"stop that program, or set {setting} to a free port"
                )
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_MAX_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as log:
            child = subprocess.Popen(
                launch.command,
                cwd=launch.directory,
                env=dict(launch.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _children.append(child)
        saved = {"pid": child.pid, "identity": identity(child.pid)}
        draft = self.pid_file.with_suffix(".new")
        draft.write_text(json.dumps(saved))
        draft.replace(self.pid_file)

    def _await(self, ready: Callable[[], bool], deadline: float, timeout_s: float) -> None:
        while not ready():
            if self.pid() is None:
                raise NotStartedError(self._with_log(f"{self.name} ended while it was started"))
            if time.monotonic() >= deadline:
                sentence = f"{self.name} did not answer within {timeout_s:g} seconds"
                raise NotStartedError(self._with_log(sentence))
            time.sleep(POLL_S)

    def _with_log(self, sentence: str) -> str:
        last = self.tail(LOG_TAIL_LINES)
        return "\n".join([f"{sentence}; the end of {self.log_file}:", *last]) if last else sentence

    @contextlib.contextmanager
    def _lock(self, timeout_s: float) -> Iterator[None]:
        with (self.directory / "lock").open("w") as handle:
            if not wait_until(lambda: _locked(handle.fileno()), timeout_s):
                raise NotStartedError(
                    f"{self.name} is being started by another command for over {timeout_s:g} s"
                )
            yield

    @staticmethod
    def _signal(send: Callable[[], None]) -> None:
        with contextlib.suppress(ProcessLookupError):
            send()


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run(command: list[str], timeout_s: float, fault: str) -> str:
    """Run a program to its end and return its output. `fault` opens the sentence when it fails."""
    try:
        done = subprocess.run(
            command,
            timeout=timeout_s,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise PaasError(f"{fault}: {command[0]} took over {timeout_s:g} seconds") from None
    if done.returncode != 0:
        raise PaasError(
            f"{fault}: {command[0]} ended with {done.returncode}\n{done.stdout[-2000:]}"
        )
    return done.stdout
