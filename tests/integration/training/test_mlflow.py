"""Trainings that are logged with a real MLflow server, and what becomes of its faults."""

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import played
from support.fault_proxy import FaultProxy
from support.mlflow_server import MlflowServer
from support.ports import free_port
from support.processes import Process
from support.trainings import Run, fill, listed, past_records

from paas_stream.cli import mlflow_run
from paas_stream.clients import mlflow_sender
from paas_stream.clients.mlflow_runs import NotLoggedError
from paas_stream.clients.mlflow_sender import Job, Sent
from paas_stream.ranking.boosters import PARTS
from paas_stream.ranking.models import Model

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """A real MLflow server."""
    server = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    try:
        server.serve()
        yield server
    finally:
        server.stop()


@pytest.fixture
def proxy(mlflow: MlflowServer) -> Iterator[FaultProxy]:
    """Between our command and the server."""
    made = FaultProxy(mlflow.url)
    yield made
    made.close()


@pytest.fixture(scope="module")
def model() -> Model:
    made, _ = played.model(played.rows(200))
    return made


@pytest.fixture
def log(model: Model, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`log(version, timeout_s)`: as `train` logs a model, by way of the proxy."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", proxy.url)

    def send(version: str, timeout_s: float = 60.0) -> str:
        card = model.card.model_copy(update={"version": version})
        return mlflow_run.log(card, model.boosters.parts(), {"live": True}, timeout_s)

    return send


def test_without_mlflow_or_its_address_it_is_told_how_to_get_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for address in (None, " "):
        nowhere = run("train", "--mlflow", MLFLOW_TRACKING_URI=address)
        assert (nowhere.exit_code, nowhere.stdout) == (1, "")
        assert nowhere.stderr.startswith("paas-stream: MLflow was not told where runs go: set MLFL")
    monkeypatch.setitem(sys.modules, "mlflow", None)  # as Python has what is not installed
    refused = run("train", "--mlflow")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert '`pip install "paas-stream[mlflow]"`' in refused.stderr


@pytest.mark.usefixtures("topics")
def test_mlflow_gets_parameters_metrics_tags_and_files(
    run: Run, kafka: str, mlflow: MlflowServer
) -> None:
    fill(kafka, past_records(200))
    there = {"MLFLOW_TRACKING_URI": mlflow.url, "MLFLOW_EXPERIMENT_NAME": "of a federation"}
    told = run("train", "--mlflow", **there)
    assert (told.exit_code, told.stderr) == (0, "")
    card = json.loads(run("models", "show", "live", "--json").stdout)
    (found,) = mlflow.runs(card["version"])
    assert told.stdout.endswith(f"logged with MLflow as run {found['info']['run_id']}\n")
    assert found["info"]["status"] == "FINISHED"
    assert mlflow.experiment(found) == "of a federation"  # it was not there before
    data = {
        kind: {one["key"]: one["value"] for one in found["data"][kind]}
        for kind in ("params", "metrics", "tags")
    }
    assert data["params"] == {
        "seed": "1",
        "rows": str(card["rows"]),
        "features_schema": card["features_schema"],
        "failure_cost_s": str(card["failure_cost_s"]),
        "library": card["library"],
        **{f"rounds_{part}": str(number) for part, number in card["rounds"].items()},
    }
    assert data["metrics"] == {
        f"{who}_{name}": pytest.approx(card[of][name])
        for who, of in (("model", "judged"), ("rates", "rates"))
        for name in ("brier", "log_loss", "time_to_success_s")
        if card[of][name] is not None
    }
    tags = {"version": card["version"], "published": "true", "live": "true"}
    assert tags.items() <= data["tags"].items()
    assert json.loads(mlflow.file(found, "model/card.json")) == card
    boosters = {
        part: hashlib.sha256(mlflow.file(found, f"model/{part}.ubj")).hexdigest() for part in PARTS
    }
    assert boosters == card["sha256"]


@pytest.mark.usefixtures("topics")
def test_a_scheduled_model_is_live_and_told_of_whatever_is_wrong_with_mlflow(
    run: Run, kafka: str
) -> None:
    fill(kafka, past_records(200))
    place = f"127.0.0.1:{free_port()}/mlflow"
    down = {"MLFLOW_TRACKING_URI": f"http://me:secret@{place}"}
    failed = run("train", "--if-due", "--mlflow", "--json", **down)
    assert (failed.exit_code, failed.stderr) == (
        4,
        f"paas-stream: MLflow at http://{place} has not taken the run: it does not answer\n",
    )
    made = json.loads(failed.stdout)
    assert made["live"]
    assert listed(run) == {made["version"]: "live"}
    # nor does an address that is missing end it before it has looked
    assert run("train", "--if-due", "--mlflow", MLFLOW_TRACKING_URI="").exit_code == 3


CREATE, UPDATE, BATCH = "runs/create", "runs/update", "runs/log-batch"
AS_FAILED = "has not taken the whole run, which stands there as failed: "
AS_RUNNING = "has not taken the whole run, which stands there as running, since it could not be "


@pytest.mark.parametrize(
    ("faults", "says", "status"),
    [
        ([("POST", CREATE, "before")], "has not taken the run: it does not answer in time", None),
        ([("POST", CREATE, "401")], "has not taken the run: ", None),
        ([("PUT", "artifacts/", "500")], f"{AS_FAILED}it answers 500", "FAILED"),
        (
            [("POST", BATCH, "reset"), ("POST", UPDATE, "reset")],
            f"{AS_RUNNING}told the end: it does not answer",
            "RUNNING",
        ),
    ],
    ids=["hangs", "refuses", "takes-no-files", "dies"],
)
def test_what_mlflow_has_not_taken_is_told_in_a_sentence(
    mlflow: MlflowServer,
    proxy: FaultProxy,
    log: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    faults: list[tuple[str, str, str]],
    says: str,
    status: str | None,
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    # only who is never answered is to wait for less than a busy machine may need
    is_held = any(how == "before" for _, _, how in faults)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "2" if is_held else "30")
    for one in faults:
        proxy.fault(*one, times=9)
    with pytest.raises(NotLoggedError) as told:
        log(says)
    assert told.value.message.startswith(f"MLflow at {proxy.url} {says}")
    assert "\n" not in told.value.message
    assert [one["info"]["status"] for one in mlflow.runs(says)] == ([status] if status else [])


def test_an_mlflow_that_is_slow_has_its_time_and_no_more(
    proxy: FaultProxy, log: Callable[..., str]
) -> None:
    proxy.fault("POST", CREATE, "before", times=9)
    with pytest.raises(NotLoggedError, match="has not taken the run: it was not done within 1 s"):
        log("slow", 1.0)


def test_a_sender_that_is_stopped_has_its_run_ended(
    mlflow: MlflowServer, proxy: FaultProxy, processes: list[Process], tmp_path: Path
) -> None:
    held = proxy.fault("POST", BATCH, "before")
    Job("stopped", {}, {"x": 1.0}, {}).write(tmp_path)
    program = ["-m", mlflow_sender.__name__, str(tmp_path)]
    sender = Process("sender", program, tmp_path, {"MLFLOW_TRACKING_URI": proxy.url})
    processes.append(sender.start())
    assert held.reached.wait(60)
    sender.sigterm()
    assert sender.wait_exit() == 1
    (found,) = mlflow.runs("stopped")
    assert found["info"]["status"] == "FAILED"
    sent = Sent.read(tmp_path)
    assert (sent.run, sent.state) == (found["info"]["run_id"], "FAILED")


def test_a_run_whose_answer_was_lost_is_not_left_running(
    mlflow: MlflowServer, proxy: FaultProxy, log: Callable[..., str]
) -> None:
    proxy.fault("POST", CREATE, "lost")  # MLflow's client asks for a second one
    whole = log("lost")
    states = {one["info"]["run_id"]: one["info"]["status"] for one in mlflow.runs("lost")}
    assert states.pop(whole) == "FINISHED"
    assert list(states.values()) == ["FAILED"]
