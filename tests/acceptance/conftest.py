"""A stack for acceptance tests: the real command in subprocesses, real Kafka, real IM behind a proxy."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from fault_proxy import FaultProxy

from paas_stream.client import ApiError, Client
from paas_stream.clients.im_login import ImUser, attempt_user, user_header
from paas_stream.secrets import load_vault
from paas_stream.settings import SecretSettings, Settings, StateSettings

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).parent / "paas-stream"
READY_S = 60.0
SETTLED_S = 60.0


def until(condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Wait until `condition` gives something true, and return it."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.1)


class Worker:
    """One `paas-stream worker` process; its tables and log stay over restarts."""

    def __init__(self, env: dict[str, str], number: int, folder: Path) -> None:
        self.port = int(env["PAAS_WEB_PORT"]) + number
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"worker-{number}.log"
        self._env = env | {"PAAS_WEB_PORT": str(self.port), "PAAS_WEB_WORKER": f"worker-{number}"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True, **env: str) -> None:
        """Start it, and wait until it may be asked."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [COMMAND, "worker"], env=self._env | env, stdout=log, stderr=log, cwd=ROOT
            )
        if ready:
            self.wait_ready()

    def wait_ready(self) -> None:
        """Wait for /readyz; an end of the process fails at once."""

        def is_ready() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            return Client(self.url).is_ready()

        until(is_ready, READY_S, f"{self.url} is ready")

    def kill9(self) -> None:
        """Kill it as a crash would."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        if self.process is None or self.process.poll() is not None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


class Stack:
    """Kafka, IM behind a proxy, and workers of one state directory."""

    def __init__(self, kafka: str, im: str, folder: Path, port: int) -> None:
        self.proxy = FaultProxy(im)
        self.im = im
        self.folder = folder
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("PAAS_")},
            "PAAS_STATE_DIR": str(folder / "state"),
            "PAAS_KAFKA_URL": kafka,
            "PAAS_KAFKA_SESSION_TIMEOUT_S": "4",
            "PAAS_KAFKA_HEARTBEAT_S": "1",
            "PAAS_STREAM_ID": folder.name,
            "PAAS_STREAM_PARTITIONS": "2",
            "PAAS_WEB_PORT": str(port),
            "PAAS_IM_URL": self.proxy.url,
            "PAAS_IM_CALL_TIMEOUT_S": "3",
            "PAAS_DISPATCH_CALL_MARGIN_S": "1",
            "PAAS_DISPATCH_POLL_MIN_S": "0.2",
            "PAAS_DISPATCH_RETRY_MAX_S": "2",
            "PAAS_DISPATCH_RECHECK_S": "1",
            "PAAS_FEEDER_FILES": json.dumps([str(ROOT / "examples" / "federation.yaml")]),
            "DEMO_UNREACHABLE_USERNAME": "nobody",
            "DEMO_UNREACHABLE_PASSWORD": "nothing",
        }
        self.workers = [Worker(self.env, number, folder) for number in range(2)]
        self.client = Client(self.workers[0].url)

    @property
    def worker(self) -> Worker:
        """The first worker."""
        return self.workers[0]

    def example(self, name: str) -> str:
        """The text of one of our examples."""
        return (ROOT / "examples" / f"{name}.yaml").read_text()

    def submit(self, example: str = "vm", group: str = "demo", **options: Any) -> str:
        """Post one of our examples; its uuid."""
        return str(self.client.submit(self.example(example), {}, userGroup=group, **options)["uuid"])

    def settled(self, uuid: str, timeout_s: float = SETTLED_S) -> dict[str, Any]:
        """The deployment once it is at rest."""

        def at_rest() -> dict[str, Any] | None:
            try:
                found = self.client.deployment(uuid)
            except ApiError:
                return None
            return None if found["status"].endswith("IN_PROGRESS") else found

        return dict(until(at_rest, timeout_s, f"{uuid} is at rest"))

    def infrastructures(self, uuid: str, attempts: int = 3) -> list[str]:
        """What the IM has of a deployment, asked without the proxy."""
        vault = load_vault(
            Settings(
                state=StateSettings(dir=Path(self.env["PAAS_STATE_DIR"])), secret=SecretSettings()
            )
        )
        found = []
        for number in range(1, attempts + 1):
            name = attempt_user(uuid, number)
            login = user_header(ImUser(name, vault.im_password(name)))
            answer = requests.get(
                f"{self.im}/infrastructures",
                headers={"Authorization": login, "Accept": "application/json"},
                timeout=10,
            )
            found += [one["uri"] for one in answer.json()["uri-list"]]
        return found

    def run(self, *words: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
        """A command of ours, to its end."""
        return subprocess.run(
            [COMMAND, *words],
            env=self.env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers:
            worker.stop()
        self.proxy.close()


@pytest.fixture(scope="module")
def stack(
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Stack]:
    """One stack per module; its first worker runs."""
    folder = tmp_path_factory.mktemp(request.module.__name__.rsplit(".", 1)[-1])
    made = Stack(kafka, im, folder, free_port())
    try:
        made.worker.start()
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def no_fault_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let go of held calls after each test."""
    yield
    if "stack" in request.fixturenames:
        request.getfixturevalue("stack").proxy.clear()


def free_port() -> int:
    """A loopback port whose successor is likely to be free too."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
