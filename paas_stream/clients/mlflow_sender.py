"""Sends one run to MLflow, in a process of its own.

MLflow bounds single requests only, prints what it likes, and ends with threads of its own: a training has
to be able to end it at any time, and no setting of this program is its business. What is sent lies in a
folder (`Job`), and what came of it is put beside it (`Sent`).
"""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn

FILES: Final = "model"  # the folder of files, in the job's folder and in MLflow
FINISHED: Final = "FINISHED"
FAILED: Final = "FAILED"
_JOB: Final = "job.json"
_SENT: Final = "sent.json"
_FAULT_MOST: Final = 700  # characters
_ANSWERS: Final = re.compile(r"too many (\d{3}) error responses")  # said when retries are used up
_STOPS: Final = (signal.SIGTERM, signal.SIGINT)
_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]+@")


@dataclass(frozen=True)
class Job:
    """A run that is to be sent, besides its files."""

    name: str
    params: dict[str, str]
    metrics: dict[str, float]  # finite
    tags: dict[str, str]

    def write(self, folder: Path) -> None:
        """Lay it down for the process."""
        (folder / _JOB).write_text(json.dumps(asdict(self)))


@dataclass
class Sent:
    """What has come of it so far."""

    run: str = ""  # MLflow's id, once there is one
    fault: str = ""  # why the run is not whole
    state: str = ""  # what MLflow was told that has become of the run; "": it takes it for running
    folder: Path = field(default=Path(), repr=False)

    @classmethod
    def read(cls, folder: Path) -> "Sent":
        """As the process has left it, however it ended."""
        try:
            return cls(**json.loads((folder / _SENT).read_text()))
        except (OSError, ValueError):
            return cls()

    def keep(self) -> None:
        """Write it down, whole or not at all."""
        known = {name: getattr(self, name) for name in ("run", "fault", "state")}
        new = self.folder / "new.json"
        new.write_text(json.dumps(known))
        new.replace(self.folder / _SENT)


def without_login(text: str) -> str:
    """`text` without the names and passwords of the addresses in it."""
    return _LOGIN.sub("", text)


def send(folder: Path) -> Sent:
    """Send the job of a folder. A fault is told in what is returned; SystemExit ends it early."""
    job = Job(**json.loads((folder / _JOB).read_text()))
    sent = Sent(folder=folder)
    try:
        import mlflow

        client = mlflow.MlflowClient()
        # of the fluent interface, since it goes by MLFLOW_EXPERIMENT_NAME and makes that experiment
        sent.run = mlflow.start_run(run_name=job.name, tags=job.tags).info.run_id
        sent.keep()
        try:
            client.log_batch(sent.run, _metrics(job), _params(job))
            client.log_artifacts(sent.run, str(folder / FILES), FILES)
            _end(client, sent, FINISHED)
        except BaseException:
            with suppress(Exception):  # it may be gone, and the first fault is the one to tell
                _end(client, sent, FAILED)
            raise
        _end_doubles(client, sent, job)
    except Exception as exc:  # noqa: BLE001 - MLflow's stores and plug-ins raise whatever they like
        sent.fault = _fault(exc)
        if sent.run:  # the same fault of another run is the same sentence
            sent.fault = sent.fault.replace(sent.run, "RUN")
    except SystemExit:
        sent.fault = "it was stopped"
    sent.keep()
    return sent


def _metrics(job: Job) -> list[Any]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, value, now, 0) for name, value in job.metrics.items()]


def _params(job: Job) -> list[Any]:
    from mlflow.entities import Param

    return [Param(name, value) for name, value in job.params.items()]


def _end(client: Any, sent: Sent, state: str) -> None:
    client.set_terminated(sent.run, state)
    sent.state = state
    sent.keep()


def _end_doubles(client: Any, sent: Sent, job: Job) -> None:
    """A run whose answer was lost was asked for again, and would stand there as running for ever."""
    with suppress(Exception):  # the run itself is whole
        experiment = client.get_run(sent.run).info.experiment_id
        running = f"attributes.run_name = '{job.name}' and attributes.status = 'RUNNING'"
        for one in client.search_runs([experiment], running):
            client.set_terminated(one.info.run_id, FAILED)


def _fault(exc: BaseException) -> str:
    """In words, on one line."""
    from requests.exceptions import ConnectionError as NoConnectionError
    from requests.exceptions import Timeout

    for one in _chain(exc):
        if isinstance(one, Timeout) or (isinstance(one, NoConnectionError) and _is_slow(one)):
            return "it does not answer in time"
        if isinstance(one, NoConnectionError):
            return "it does not answer"
        if found := _ANSWERS.search(str(one)):
            return f"it answers {found[1]}"
    text = " ".join(without_login(str(exc)).split()) or type(exc).__name__
    return text if len(text) <= _FAULT_MOST else f"{text[:_FAULT_MOST]}..."


def _is_slow(exc: Exception) -> bool:
    """Whether the retries have ended with a time-out, which requests tells as a lost connection."""
    return "timed out" in str(exc)


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__


def _stop(*_: Any) -> NoReturn:
    for one in _STOPS:
        signal.signal(one, signal.SIG_IGN)  # the run is ended first
    raise SystemExit


def main() -> NoReturn:
    """The process: the folder is its argument. Exit status 1: the run is not whole."""
    for one in _STOPS:
        signal.signal(one, _stop)
    sent = send(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(bool(sent.fault))  # MLflow's threads and last words are not waited for


if __name__ == "__main__":
    main()
