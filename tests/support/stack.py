"""A stack for acceptance tests: the real command in subprocesses, real Kafka, real IM behind a proxy."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
from support.fault_proxy import FaultProxy
from support.processes import WorkerProcess
from yarl import URL

from paas_stream.access import NOBODY
from paas_stream.client import ApiError, Client
from paas_stream.clients.im_login import ImUser, attempt_user, user_header
from paas_stream.secrets import Vault, load_vault
from paas_stream.settings import SecretSettings, Settings, StateSettings
from web import hops

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
COMMAND = Path(sys.executable).parent / "paas-stream"
READY_S = 90.0
SETTLED_S = 90.0
KEPT_S = 120.0  # the last look at what may come back is 85 s after the clean-up


def until(condition: Callable[[], T], timeout_s: float, what: str) -> T:
    """Wait until `condition` gives something true, and return it."""
    deadline = time.monotonic() + timeout_s
    while not (found := condition()):
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout_s:.0f} s: {what}")
        time.sleep(0.1)
    return found


class Worker(WorkerProcess):
    """One `paas-stream worker` process; its tables and log stay over restarts."""

    @property
    def url(self) -> str:
        """Where its REST API is."""
        return f"http://127.0.0.1:{self.port}"

    def run(self, **environment: str) -> None:
        """Start it, and wait until it may be asked."""
        self.start(**environment)
        self.wait_ready()

    def wait_ready(self) -> None:
        """Wait for /readyz; an end of the process fails at once."""
        until(lambda: self.is_ready, READY_S, f"{self.name} is ready")

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.sigterm()
        return self.wait_exit(90)


class Stack:
    """Kafka, IM behind a proxy, and workers of one state directory."""

    def __init__(self, kafka: str, im: str, folder: Path) -> None:
        self.proxy = FaultProxy(im)
        self.im = im
        self.folder = folder
        self.reports = folder / "rally"
        self.reports.mkdir()
        settings = {
            "PAAS_STATE_DIR": str(folder / "state"),
            "PAAS_STREAM_ID": folder.name,
            # as in production: a shorter one makes a busy machine's workers lose their partitions
            "PAAS_KAFKA_SESSION_TIMEOUT_S": "10",
            "PAAS_KAFKA_HEARTBEAT_S": "2",
            "PAAS_IM_URL": self.proxy.url,
            "PAAS_IM_CALL_TIMEOUT_S": "3",
            "PAAS_DISPATCH_CALL_MARGIN_S": "1",
            "PAAS_DISPATCH_POLL_MIN_S": "0.2",
            "PAAS_DISPATCH_RETRY_MAX_S": "2",
            "PAAS_DISPATCH_RECHECK_S": "1",
            # as good as never: the test of it turns it up, and others must not be forestalled
            "PAAS_DISPATCH_INSPECT_PER_S": "0.001",
            # the examples say in which order their sites are tried, however often they are deployed
            "PAAS_RANKER_MIN_ATTEMPTS": "1000000",
            "PAAS_TRAINER_INTERVAL_S": "0",
            "PAAS_FEEDER_FILES": json.dumps([str(ROOT / "examples" / "federation.yaml")]),
            "PAAS_RALLY_DIR": str(self.reports),
            "PAAS_RALLY_INTERVAL_S": "1",
            "DEMO_UNREACHABLE_USERNAME": "nobody",
            "DEMO_UNREACHABLE_PASSWORD": "nothing",
        }
        self.workers = [Worker(f"worker-{number}", folder, kafka, settings) for number in range(2)]
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
        return str(
            self.client.submit(self.example(example), {}, userGroup=group, **options)["uuid"]
        )

    def settled(self, uuid: str, timeout_s: float = SETTLED_S) -> dict[str, Any]:
        """The deployment once it is at rest."""

        def at_rest() -> dict[str, Any] | None:
            try:
                found = self.client.deployment(uuid)
            except ApiError:
                return None
            return None if found["status"].endswith("IN_PROGRESS") else found

        return dict(self._until(at_rest, timeout_s, uuid, "is at rest"))

    def _until(self, condition: Callable[[], T], timeout_s: float, uuid: str, what: str) -> T:
        """As `until`; a failure tells what the deployment has gone through, and what the IM has of it."""
        try:
            return until(condition, timeout_s, f"{uuid} {what}")
        except AssertionError as exc:
            events = self.client.events(uuid)
            names = ("timestamp", "attempt", "step", "status", "message")
            told = [" ".join(str(one.get(name)) for name in names) for one in events]
            has = self.infrastructures(uuid)
            raise AssertionError("\n".join([str(exc), *told, f"the IM has {has}"])) from None

    def infrastructures(self, uuid: str, attempts: int = 3) -> list[str]:
        """What the IM has of a deployment, asked without the proxy."""
        found = []
        for number in range(1, attempts + 1):
            found += self._listed(f"{self.im}/infrastructures", uuid, number)
        return found

    def keeps_one(self, uuid: str) -> None:
        """Wait until the IM has the infrastructure that a deployment shows, and no other of it."""
        self.keeps(uuid, self.client.deployment(uuid)["physicalId"])

    def keeps(self, uuid: str, *infrastructures: str) -> None:
        """Wait until the IM has these of a deployment, or nothing.

        What is deleted just when it is made may stay, or come up again in the IM: it is looked for once
        more after the deployment has come to rest.
        """
        wanted = list(infrastructures)

        def found() -> list[str]:
            return [one.rpartition("/")[2] for one in self.infrastructures(uuid)]

        self._until(lambda: found() == wanted, KEPT_S, uuid, f"has in the IM: {wanted}")

    def shown(self, uuid: str) -> list[str]:
        """Ids in the IM of the machines that the deployment shows."""
        url = f"{self.worker.url}/deployments/{uuid}/resources"
        page = requests.get(url, timeout=30).json()
        known = [one["physicalId"] for one in page["content"] if one.get("physicalId")]
        return [one.rpartition("/vms/")[2] for one in known]

    def machines(self, uuid: str) -> list[str]:
        """Ids of the machines of the one infrastructure of a deployment's first attempt."""
        (infrastructure,) = self._listed(f"{self.im}/infrastructures", uuid, 1)
        return [one.rpartition("/")[2] for one in self._listed(infrastructure, uuid, 1)]

    def _listed(self, url: str, uuid: str, attempt: int) -> list[str]:
        name = attempt_user(uuid, attempt)
        login = user_header(ImUser(name, self.vault().im_password(name)))
        headers = {"Authorization": login, "Accept": "application/json"}
        answer = requests.get(url, headers=headers, timeout=10)
        return [one["uri"] for one in answer.json()["uri-list"]]

    def has(self, worker: Worker, uuid: str) -> bool:
        """Whether the deployment is this worker's, asked as another worker would."""
        url = URL(f"{worker.url}/deployments/{uuid}")
        told = hops.about(NOBODY, b"")
        headers = told | hops.signed(self.vault().hop_key, "test", "GET", url, told)
        return requests.get(str(url), headers=headers, timeout=30).ok

    def vault(self) -> Vault:
        """The keys of its state directory."""
        return load_vault(
            Settings(state=StateSettings(dir=self.folder / "state"), secret=SecretSettings())
        )

    def run(self, *words: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
        """A command of ours, to its end."""
        return subprocess.run(
            [COMMAND, *words],
            env=dict(os.environ) | self.worker.environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def close(self) -> None:
        """End all processes."""
        for worker in self.workers:
            if worker.is_running:
                worker.kill9()
        self.proxy.close()
