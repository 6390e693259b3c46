"""Logs runs with MLflow, where that is installed; it is an extra of ours, and no dependency.

Where runs go is MLflow's own matter: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and its other variables.
All calls block; none belongs in an event loop.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import util
from pathlib import Path
from typing import Final

from paas_stream.clients import mlflow_sender
from paas_stream.clients.mlflow_sender import FILES, FINISHED, Job, Sent, without_login
from paas_stream.errors import ConfigurationError, TemporaryError

_END_S = 15.0  # a sender that is told to stop may take this long to have its run ended

# Its own are two minutes, and seven retries that wait twice as long each time.
_DEFAULTS: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",  # seconds
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nobody is called who was not named
    "GIT_PYTHON_REFRESH": "quiet",  # a machine without git is no fault
}


class NotLoggedError(TemporaryError):
    """MLflow has not taken a run, or not the whole of it."""

    code = "mlflow"


def check() -> None:
    """Raises ConfigurationError when MLflow is not installed, or was not told where runs go."""
    if util.find_spec("mlflow") is None:
        raise ConfigurationError(
            'MLflow is not installed here: `pip install "paas-stream[mlflow]"` into the environment '
            "of paas-stream, or leave out --mlflow"
        )
    if not _address():
        # MLflow itself would make a database in the working directory, where nobody looks for it
        raise ConfigurationError(
            "MLflow was not told where runs go: set MLFLOW_TRACKING_URI, for instance to "
            "http://mlflow.example.org:5000, or leave out --mlflow"
        )


def send(job: Job, files: Mapping[str, bytes], timeout_s: float) -> str:
    """One run with its files, by name; its id in MLflow.

    Raises NotLoggedError when it has not come there as a whole within so many seconds, and as `check`
    does.
    """
    check()
    with tempfile.TemporaryDirectory(prefix="paas-stream-mlflow-") as made:
        folder = Path(made)
        job.write(folder)
        (folder / FILES).mkdir()
        for name, content in files.items():
            (folder / FILES / name).write_bytes(content)
        try:
            last, sent = _last_words(folder, timeout_s), Sent.read(folder)
        except subprocess.TimeoutExpired:
            sent = Sent.read(folder)
            last = sent.fault = f"it was not done within {timeout_s:g} s"
    if sent.state == FINISHED:
        return sent.run
    raise NotLoggedError(f"MLflow at {without_login(_address())} {_told(sent, last)}")


def _address() -> str:
    return os.environ.get("MLFLOW_TRACKING_URI", "").strip()


def _told(sent: Sent, last: str) -> str:
    why = sent.fault or f"sending it ended unforeseen: {last}"
    if not sent.run:
        return f"has not taken the run: {why}"
    how = "failed" if sent.state else "running, since it could not be told the end"
    return f"has not taken the whole run, which stands there as {how}: {why}"


def _last_words(folder: Path, timeout_s: float) -> str:
    """Run the sender to its end. Raises TimeoutExpired; no process is left then."""
    passed = {name: value for name, value in os.environ.items() if not name.startswith("PAAS_")}
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(  # noqa: S603 - a program of ours, by a list
            [sys.executable, "-m", mlflow_sender.__name__, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=_DEFAULTS | passed,
        )
        try:
            process.wait(timeout_s)
        finally:
            _stopped(process)
    lines = (folder / "said.txt").read_text(errors="replace").splitlines()
    return without_login(lines[-1]) if lines else f"exit status {process.returncode}"


def _stopped(process: subprocess.Popen[bytes]) -> None:
    """Have it ended, if it has not: by itself first, so that no run stays behind as running."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
