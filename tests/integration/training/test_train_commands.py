"""`paas-stream train` and `paas-stream models` on the real Kafka; no worker runs."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import played
from support.broker import Broker
from support.ports import free_port
from support.trainings import BEGIN, NAMES, Run, fill, listed, past_records, shelf, trained

from paas_stream.cli import model_records
from paas_stream.errors import PermanentError
from paas_stream.ranking import features
from paas_stream.ranking.boosters import PARTS
from paas_stream.ranking.shelf import KEPT
from paas_stream.records import AttemptStatus, ModelPart
from paas_stream.settings import Settings

pytestmark = pytest.mark.kafka


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
