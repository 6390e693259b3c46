"""`paas-stream train` and `paas-stream models` on the real Kafka; no worker runs.

The training records are what the real chain would have written for made-up requests (`support.played`).
"""

import asyncio
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support import played
from support.broker import Broker
from support.fault_proxy import FaultProxy
from support.mlflow_server import MlflowServer
from support.ports import free_port
from support.processes import Process

from paas_stream.cli import mlflow_run, model_records
from paas_stream.cli.main import cli
from paas_stream.cli.mlflow_run import NotLoggedError
from paas_stream.clients import mlflow_sender
from paas_stream.clients.mlflow_sender import Job, Sent
from paas_stream.durable import declare
from paas_stream.durable.declare import WantedTopic
from paas_stream.errors import PermanentError
from paas_stream.ranking import features
from paas_stream.ranking.boosters import PARTS
from paas_stream.ranking.models import Model
from paas_stream.ranking.shelf import KEPT, Shelf
from paas_stream.records import AttemptStatus, ModelPart, Training
from paas_stream.settings import Settings, get_settings
from paas_stream.topics import TOPICS

pytestmark = pytest.mark.kafka

BEGIN = (
    1_700_000_000.0  # of the made-up requests, epoch seconds: those still to come are passed over
)
NAMES = {"training": "trained-training", "models": "trained-models"}
Run = Callable[..., Result]


@pytest.fixture
def settings(kafka: str) -> Settings:
    return Settings(kafka={"url": kafka}, topics=NAMES)


@pytest.fixture
def run(kafka: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A command of ours, to its end."""
    monkeypatch.setenv("PAAS_KAFKA_URL", kafka)
    monkeypatch.setenv("PAAS_TOPICS", json.dumps(NAMES))

    def invoke(*words: str, **environment: str | None) -> Result:
        get_settings.cache_clear()
        return CliRunner(env=environment).invoke(cli, words, prog_name="paas-stream")

    yield invoke
    get_settings.cache_clear()


@pytest.fixture
def topics(kafka: str, settings: Settings) -> Iterator[None]:
    """Both topics, empty."""
    specs = [TOPICS[name] for name in NAMES]
    wanted = [
        WantedTopic(one.broker_name(settings), 1, one.config(settings) | {"segment.ms": "1000"})
        for one in specs
    ]

    async def delete() -> None:
        async with Broker(kafka) as broker:
            await broker.delete(*NAMES.values())

    asyncio.run(declare.ensure(settings, wanted))
    yield
    asyncio.run(delete())


def past_records(number: int) -> list[Training]:
    """Training records of so many requests."""
    return played.play(played.requests(number, 1, BEGIN)).records


def fill(kafka: str, records: list[Training], *others: bytes) -> None:
    async def send() -> None:
        async with Broker(kafka) as broker:
            for one in records:
                await broker.send(NAMES["training"], one.encode(), one.key)
            for number, value in enumerate(others):
                await broker.send(NAMES["training"], value, f"other-{number}")

    asyncio.run(send())


def shelf(settings: Settings) -> Shelf:
    return model_records.run(model_records.shelf(settings), settings)


def trained(run: Run, *options: str, **environment: str) -> dict[str, Any]:
    result = run("train", "--json", *options, **environment)
    assert result.exit_code == 0, result.stderr
    return dict(json.loads(result.stdout))


def listed(run: Run) -> dict[str, str]:
    """States by version, the newest first."""
    result = run("models", "list", "--json")
    assert result.exit_code == 0, result.stderr
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {one["version"]: one["state"] for one in found}


@pytest.mark.usefixtures("topics")
def test_from_attempts_to_a_live_model_and_back(
    run: Run, kafka: str, settings: Settings, tmp_path: Path
) -> None:
    few = run("train")
    assert (few.exit_code, few.stdout) == (3, "")
    assert few.stderr.startswith("paas-stream: 0 attempts with features (0 failures) are too few")
    assert run("models", "list").stdout.split() == [
        "version",
        "state",
        "created",
        "attempts",
        "Brier",
        "time",
        "to",
        "success",
    ]
    assert run("models", "rollback").stderr == "paas-stream: no other model was live before\n"
    assert "no model is live" in run("models", "drift").stderr

    records = past_records(250)
    aborted = records[0].model_copy(update={"attempt": 9, "status": AttemptStatus.ABORTED})
    foreign = records[0].model_copy(update={"attempt": 10, "features": None})
    old = records[0].model_copy(update={"attempt": 11, "features_schema": "old"})
    replaced = records[0].model_copy(update={"status": AttemptStatus.ABORTED})
    broken = records[0].model_copy(update={"attempt": 12, "features": (1.0,)})
    ahead = records[0].model_copy(
        update={"attempt": 13, "submission_time": datetime(2900, 12, 31, tzinfo=UTC)}
    )
    fill(kafka, [replaced, *records, aborted, foreign, old, broken, ahead], b"{not json")

    dry = trained(run, "--dry-run", "--out", str(tmp_path))
    assert (dry["published"], dry["live"], dry["rows"]) == (False, False, len(records))
    assert dry["passedOver"] == {
        "without an outcome": 1,
        "without features": 1,
        "of other features": 1,
        "with broken features": 1,
        "of requests still to come": 1,
        "unreadable": 1,
    }
    folder = tmp_path / dry["version"]
    assert sorted(one.name for one in folder.iterdir()) == [
        "card.json",
        *(f"{part}.ubj" for part in sorted(PARTS)),
    ]
    assert json.loads((folder / "card.json").read_text()) == dry["card"]
    assert shelf(settings).cards() == []

    taken = tmp_path / "file"
    taken.touch()
    refused = run("train", "--dry-run", "--out", str(taken / "folder"))
    assert refused.exit_code == 1
    assert refused.stderr.startswith(f"paas-stream: {taken}/folder/")
    assert refused.stderr.endswith("cannot be written: Not a directory\n")

    first = trained(run)
    assert (first["published"], first["live"], first["objections"]) == (True, True, [])
    assert first["card"]["sha256"] == dry["card"]["sha256"]  # the same rows and seed
    assert first["card"]["read_to"] == len(records) + 7
    assert shelf(settings).model(first["version"]).card.rows == len(records)
    text = run("train", "--no-promote").stdout
    assert "passed over: 1 without an outcome" in text
    assert "features promote" not in text
    second = next(iter(listed(run)))
    assert f"`paas-stream models promote {second}` makes it live" in text
    assert listed(run) == {second: "-", first["version"]: "live"}

    promoted = run("models", "promote", second)
    assert promoted.stdout == f"{second} is live from now on, {first['version']} was before\n"
    assert listed(run) == {second: "live", first["version"]: "before"}
    assert "is live already" in run("models", "promote", second).stdout
    older = run("models", "promote", first["version"])
    assert (older.exit_code, older.stdout) == (1, "")
    assert "only a rollback goes back" in older.stderr
    assert run("models", "rollback").exit_code == 0
    assert listed(run) == {second: "before", first["version"]: "live"}
    live = shelf(settings).live
    assert live is not None
    assert (live.rollback, live.by) == (True, "operator")
    assert run("models", "rollback").exit_code == 0
    assert listed(run)[second] == "live"
    assert run("models", "promote", first["version"], "--force").exit_code == 0

    card = run("models", "show", "live")
    assert f"{first['version']} (live)" in card.stdout
    assert "Brier" in card.stdout
    assert json.loads(run("models", "show", second, "--json").stdout)["version"] == second
    assert run("models", "show", "v0").stderr == "paas-stream: there is no model v0\n"


@pytest.mark.usefixtures("topics")
def test_what_is_due_and_what_has_moved(run: Run, kafka: str) -> None:
    records = past_records(250)
    fill(kafka, records)
    first = trained(run, "--if-due")
    assert first["why"] == "there is no model yet"
    again = run("train", "--if-due")
    assert (again.exit_code, again.stderr) == (3, "no model is due\n")
    still = json.loads(run("models", "drift", "--json").stdout)
    assert (still["rows"], still["moved"], still["brier"]) == (0, [], None)
    assert "too few to say" in run("models", "drift").stdout

    begin = records[-1].submission_time.timestamp() + 3600
    later = played.play(played.requests(100, 3, begin=begin)).records
    place = features.NAMES.index("vcpus_free")
    moved = [
        one.model_copy(
            update={
                "features": tuple(
                    -500.0 if number == place else x for number, x in enumerate(one.features or ())
                )
            }
        )
        for one in later
    ]
    fill(kafka, moved)
    found = json.loads(run("models", "drift", "--json").stdout)
    assert found["rows"] == len(moved)
    assert "vcpus_free" in found["moved"]
    assert "moved" in run("models", "drift").stdout
    second = trained(run, "--if-due", "--no-promote")
    assert second["why"].startswith(("what it goes by has moved: ", "the Brier score was "))
    assert run("train", "--if-due").exit_code == 3  # nothing is newer than the newest one


@pytest.mark.usefixtures("topics")
def test_one_that_is_worse_is_published_and_not_live(
    run: Run, kafka: str, settings: Settings
) -> None:
    fill(kafka, past_records(250))
    first = trained(run)["version"]
    # a live model whose card is of these rows, and rows of which the last ones belie the first ones
    begin = BEGIN + 400 * 86400
    later = played.play(played.requests(250, 5, begin=begin)).records
    cut = int(len(later) * 0.55)
    turned = [
        one.model_copy(
            update={
                "status": AttemptStatus.FAILED
                if one.status is AttemptStatus.COMPLETE
                else AttemptStatus.COMPLETE
            }
        )
        for one in later[:cut]
    ]
    fill(kafka, [*turned, *later[cut:]])
    worse = trained(run, PAAS_TRAINER_ROWS="1000")
    if not worse["objections"]:
        pytest.fail(f"nothing spoke against it: {worse['card']['judged']} {worse['card']['live']}")
    assert (worse["published"], worse["live"]) == (True, False)
    assert listed(run) == {worse["version"]: "-", first: "live"}
    refused = run("models", "promote", worse["version"])
    assert refused.exit_code == 1
    assert "--force makes it live all the same" in refused.stderr
    assert run("models", "promote", worse["version"], "--force").exit_code == 0
    assert listed(run)[worse["version"]] == "live"


@pytest.mark.usefixtures("topics")
def test_the_newest_models_are_kept(run: Run, kafka: str, settings: Settings) -> None:
    fill(kafka, past_records(200))
    versions = [trained(run)["version"]]
    versions += [trained(run, "--no-promote", "--seed", str(n))["version"] for n in range(KEPT + 1)]
    left = listed(run)
    assert list(left) == [*versions[:1:-1], versions[0]]
    assert left[versions[0]] == "live"
    assert shelf(settings).model(versions[0]).card.version == versions[0]


@pytest.mark.usefixtures("topics")
def test_a_part_that_is_too_large_is_refused_and_nothing_is_written(
    kafka: str, settings: Settings
) -> None:
    small = ModelPart(version="v1", part="p", content="x")
    large = ModelPart(version="v1", part="t_success", content="x" * 960_000)
    with pytest.raises(PermanentError, match=r"part t_success of v1 is too large .* 950000"):
        model_records.run(model_records.send(settings, [small, large]), settings)

    async def limited() -> None:
        async with Broker(kafka) as broker:
            assert await broker.records(NAMES["models"]) == []
            await broker.configure(NAMES["models"], max_message_bytes="10000")

    asyncio.run(limited())
    middling = ModelPart(version="v1", part="p", content="x" * 20_000)
    with pytest.raises(PermanentError, match="the broker takes no record as large as the part p"):
        model_records.run(model_records.send(settings, [middling]), settings)


@pytest.mark.usefixtures("topics")
def test_a_broken_model_is_refused_by_the_commands(
    run: Run, kafka: str, settings: Settings
) -> None:
    fill(kafka, past_records(250))
    version = trained(run, "--no-promote")["version"]
    broken = ModelPart.of_bytes(version, "p", b"")
    model_records.run(model_records.send(settings, [broken]), settings)
    for options in ([], ["--force"]):
        refused = run("models", "promote", version, *options)
        assert refused.exit_code == 1
        assert refused.stderr == "paas-stream: its part p is not what its card says\n"
    assert listed(run) == {version: "-"}


@pytest.mark.usefixtures("topics")
def test_a_record_that_cannot_be_read_takes_nothing_from_the_commands(run: Run, kafka: str) -> None:
    """The register passes it over, too: the live model stays what it was."""
    fill(kafka, past_records(200))
    version = trained(run)["version"]

    async def spoil() -> None:
        async with Broker(kafka) as broker:
            for value in (b"{nope", b'{"msg_version": "9.0.0"}', None):
                await broker.send(NAMES["models"], value, "live")
                await broker.send(NAMES["models"], value, f"{version}/p")

    asyncio.run(spoil())
    assert listed(run) == {version: "live"}
    assert run("models", "drift").exit_code == 0
    assert "is live already" in run("models", "promote", version).stdout


def test_without_kafka_or_topics_one_sentence_says_so(run: Run) -> None:
    for words in (["train"], ["models", "list"], ["models", "rollback"], ["models", "drift"]):
        address = f"127.0.0.1:{free_port()}"
        away = run(*words, PAAS_KAFKA_URL=address)
        assert (away.exit_code, away.stdout) == (1, "")
        assert away.stderr == (
            f"paas-stream: Kafka at {address} does not answer (KafkaConnectionError)\n"
        )
    missing = run("train", PAAS_TOPICS='{"training": "no-such"}')
    assert (
        missing.stderr == "paas-stream: there is no topic no-such yet; has a worker been started?\n"
    )


@pytest.mark.parametrize(
    "words",
    [["train", "--seed", "-1"], ["train", "--seed", "x"], ["models", "promote"], ["train", "x"]],
)
def test_a_wrong_use_is_told(run: Run, words: list[str]) -> None:
    assert run(*words).exit_code == 2


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
