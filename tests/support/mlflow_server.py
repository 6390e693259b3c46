"""A real MLflow server in a process of its own."""

from pathlib import Path
from typing import Any

import requests
from support.identity import Service, installed
from support.ports import free_port
from support.processes import ROOT

_CALL_S = 20.0


class MlflowServer(Service):
    """MLflow from PyPI: runs in SQLite, files behind its own proxy."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        home = installed("mlflow", ROOT / "requirements" / "mlflow.txt")
        self.executable = str(home / "bin" / "mlflow")
        stores = ("--backend-store-uri", f"sqlite:///{folder}/runs.db")
        files = ("--artifacts-destination", str(folder / "files"))
        place = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
        super().__init__("mlflow", ["server", *stores, *files, *place], folder, port)
        self.environment |= {
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # one more process, which we need not
        }
        self.url = f"http://127.0.0.1:{port}"

    def serve(self) -> None:
        """Start it."""
        self.run(f"{self.url}/health")

    def runs(self, name: str) -> list[dict[str, Any]]:
        """All runs of this name, in whichever experiment."""
        found = self._call("POST", "experiments/search", {"max_results": 1000})["experiments"]
        wanted = {
            "experiment_ids": [one["experiment_id"] for one in found],
            "filter": f"attributes.run_name = '{name}'",
        }
        return list(self._call("POST", "runs/search", wanted).get("runs", []))

    def experiment(self, run: dict[str, Any]) -> str:
        """The name of a run's experiment."""
        place = f"experiments/get?experiment_id={run['info']['experiment_id']}"
        return str(self._call("GET", place)["experiment"]["name"])

    def file(self, run: dict[str, Any], path: str) -> bytes:
        """The content of one of a run's files."""
        info = run["info"]
        place = f"{info['experiment_id']}/{info['run_id']}/artifacts/{path}"
        address = f"{self.url}/api/2.0/mlflow-artifacts/artifacts/{place}"
        answer = requests.get(address, timeout=_CALL_S)
        answer.raise_for_status()
        return answer.content

    def stop(self) -> None:
        """End it; the process that it has started to serve ends with it."""
        if self.is_running:
            self.sigterm()
            self.wait_exit()

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        address = f"{self.url}/api/2.0/mlflow/{path}"
        answer = requests.request(method, address, json=body, timeout=_CALL_S)
        answer.raise_for_status()
        return answer.json()
