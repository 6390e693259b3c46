"""Programs of the product in processes of their own, to be killed, stopped and read."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from support.ports import free_port
from support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
EXIT_S = 60.0  # a process that was asked to stop has ended within this


class Process:
    """A program; what it prints goes into a file. It can be started again and again."""

    executable = sys.executable

    def __init__(
        self,
        name: str,
        program: list[str],
        directory: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`program`: what follows `executable` on the command line; `directory`: for its files."""
        self.name = name
        self.program = program
        self.directory = directory
        self.environment = dict(environment or {})
        self.log_file = directory / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> Self:
        """Start it; `environment` is for this time only."""
        assert not self.is_running, f"{self.name} runs already"
        self.directory.mkdir(parents=True, exist_ok=True)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PAAS_")}
        paths = [str(ROOT), *filter(None, [inherited.get("PYTHONPATH")])]
        with self.log_file.open("ab") as log:
            self._child = subprocess.Popen(
                [self.executable, *self.program],
                cwd=ROOT,
                env=inherited
                | {"PYTHONPATH": os.pathsep.join(paths)}
                | self.environment
                | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return self

    @property
    def child(self) -> subprocess.Popen[bytes]:
        """The process that was started last."""
        assert self._child is not None, f"{self.name} was never started"
        return self._child

    @property
    def is_running(self) -> bool:
        """Whether it runs now."""
        return self._child is not None and self._child.poll() is None

    @property
    def log(self) -> str:
        """All that it printed, over all starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def kill9(self) -> None:
        """End it by SIGKILL, as a crash of the machine would, and wait until it is gone."""
        if self.is_running:
            self.child.kill()
        self.child.wait()

    def sigterm(self) -> None:
        """Ask it to stop."""
        self.child.send_signal(signal.SIGTERM)

    def wait_exit(self, timeout_s: float = EXIT_S) -> int:
        """Wait until it has ended. Returns the exit code; AssertionError when it still runs."""
        try:
            return self.child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} runs after {timeout_s:g} s") from None

    async def exited(self, timeout_s: float = EXIT_S) -> int:
        """As wait_exit, for a test in which something else goes on meanwhile."""
        await wait_until(lambda: not self.is_running, timeout_s, f"{self.name} has ended")
        return self.wait_exit()


class WorkerProcess(Process):
    """A worker: of the product, or of another program that reads the product's settings.

    It has a web port, a name and a state directory of its own. `settings` are environment
    variables (`PAAS_...`).
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        kafka: str,
        settings: Mapping[str, str] | None = None,
        program: list[str] | None = None,
    ) -> None:
        self.port = free_port()
        own = {
            "PAAS_KAFKA_URL": kafka,
            "PAAS_KAFKA_SESSION_TIMEOUT_S": "4",
            "PAAS_KAFKA_HEARTBEAT_S": "1",
            "PAAS_STREAM_PARTITIONS": "2",
            "PAAS_STATE_DIR": str(directory / name),
            "PAAS_WEB_PORT": str(self.port),
            "PAAS_WEB_WORKER": name,
        }
        product = ["-m", "paas_stream.cli.main", "worker"]
        super().__init__(name, program or product, directory, own | dict(settings or {}))

    def get(self, path: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers and JSON body of a GET; status 0 while nothing listens."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), json.loads(answer.read() or b"null")
        except OSError:
            return 0, {}, None
        finally:
            connection.close()

    @property
    def is_ready(self) -> bool:
        """Whether `/readyz` says so. AssertionError when the process has ended."""
        assert self.is_running, f"{self.name} ended with {self.child.returncode}"
        return self.get("/readyz")[0] == 200
