"""Logs a training with MLflow, where that is installed; it is an extra of ours, and no dependency.

Where runs go is MLflow's own matter: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME and its other variables.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import util
from pathlib import Path
from typing import Final

from paas_stream.clients import mlflow_sender
from paas_stream.clients.mlflow_sender import FILES, FINISHED, Job, Sent, without_login
from paas_stream.errors import ConfigurationError, TemporaryError
from paas_stream.records import ModelCard

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


def log(
    card: ModelCard, parts: Mapping[str, bytes], tags: Mapping[str, bool], timeout_s: float
) -> str:
    """One run: parameters, metrics, tags and the model's files; its id in MLflow.

    Raises NotLoggedError when it has not come there as a whole within so many seconds, and as `check`
    does.
    """
    check()
    with _job(card, parts, tags) as folder:
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


@contextmanager
def _job(card: ModelCard, parts: Mapping[str, bytes], tags: Mapping[str, bool]) -> Iterator[Path]:
    """A folder with all that is sent."""
    with tempfile.TemporaryDirectory(prefix="paas-stream-mlflow-") as made:
        folder = Path(made)
        job = Job(
            card.version,
            {name: str(value) for name, value in parameters(card).items()},
            metrics(card),
            {
                "version": card.version,
                "mlflow.source.name": "paas-stream train",
                **{name: str(value).lower() for name, value in tags.items()},
            },
        )
        job.write(folder)
        (folder / FILES).mkdir()
        (folder / FILES / "card.json").write_text(card.model_dump_json(indent=2))
        for name, content in parts.items():
            (folder / FILES / f"{name}.ubj").write_bytes(content)
        yield folder


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


def parameters(card: ModelCard) -> dict[str, str | float]:
    """What the model was made with, by name."""
    return {
        "seed": card.seed,
        "rows": card.rows,
        "features_schema": card.features_schema,
        "failure_cost_s": card.failure_cost_s,
        "library": card.library,
        **{f"rounds_{part}": number for part, number in card.rounds.items()},
    }


def metrics(card: ModelCard) -> dict[str, float]:
    """Of the new model, the rates and the live one, by name; all are finite, as in every record."""
    found: dict[str, float] = {}
    for who, judged in (
        ("model", card.judged),
        ("rates", card.rates),
        ("live", card.live),
        ("beside_live", card.beside_live),
    ):
        if judged is not None:
            numbers = judged.model_dump(exclude={"rows"}, exclude_none=True)
            found |= {f"{who}_{name}": value for name, value in numbers.items()}
    return found
