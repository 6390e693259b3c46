"""`paas-stream topics describe` and `topics schemas`, without a broker."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from support.messages import CARRYING, DOCS
from support.ports import free_port

from paas_stream.cli import broker_topics
from paas_stream.cli.broker_topics import Found
from paas_stream.records import Message
from paas_stream.settings import Settings
from paas_stream.topics import TOPICS

Run = Callable[..., Result]

SETTINGS = Settings(kafka={"replication": 3, "min_insync": 2})
SPEC = TOPICS["feeder"]
AS_WANTED = Found(1, 3, SPEC.config(SETTINGS))


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAAS_KAFKA_URL", f"127.0.0.1:{free_port()}")


def test_each_topic_has_a_line(run: Run) -> None:
    result = run("topics", "describe")
    assert result.exit_code == 0
    lines = {line.split()[0]: line for line in result.stdout.splitlines()[1:]}
    assert set(lines) == set(TOPICS)
    assert "provider-selector -> ai-ranker, deployment-tracker" in lines["inference"]


def test_one_topic_is_told_with_every_field(run: Run) -> None:
    result = run("topics", "describe", "feeder", PAAS_TOPICS='{"feeder": "their-feeder"}')
    head, _, fields = result.stdout.partition("\n\n")
    told = {line[:14].strip(): line[15:] for line in head.splitlines()}
    assert told["topic"] == "feeder"
    assert told["on the broker"] == "their-feeder"
    assert told["key"] == "provider/region/project"
    assert told["kept"] == "delete: 7 d"
    assert told["written by"] == "feeder"
    assert told["message"].startswith("Feeder 2.")
    ram = next(line for line in fields.splitlines() if line.startswith("flavors[].ram "))
    assert ram.split() == ["flavors[].ram", "number", "required", "MiB"]


def test_without_a_broker_it_says_so_and_tells_what_the_settings_say(run: Run) -> None:
    result = run("topics", "describe", "template", PAAS_STREAM_PARTITIONS="3")
    assert result.exit_code == 0
    assert "partitions     3\n" in result.stdout
    assert "found there" not in result.stdout
    assert "does not answer" in result.stderr
    assert result.stderr.endswith("shown is what the settings say\n")


def test_programs_get_json(run: Run) -> None:
    one = json.loads(run("topics", "describe", "errors", "--json").stdout)
    assert one["read_by"] == ["deployment-tracker"]
    [code] = [field for field in one["fields"] if field["path"] == "code"]
    assert (code["type"], code["required"]) == ("string", True)
    every = json.loads(run("topics", "describe", "--json").stdout)
    assert [topic["name"] for topic in every] == list(TOPICS)
    assert "on_broker" not in one


def test_the_schema_is_printed(run: Run) -> None:
    printed = json.loads(run("topics", "describe", "feeder", "--schema").stdout)
    assert printed == json.loads((DOCS / "feeder.json").read_text())


def test_a_schema_is_of_one_topic(run: Run) -> None:
    result = run("topics", "describe", "--schema")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "needs the NAME" in result.stderr


def test_a_topic_that_carries_nothing_yet_has_no_schema(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = "models"
    monkeypatch.setitem(TOPICS, empty, replace(TOPICS[empty], model=Message))
    result = run("topics", "describe", empty, "--schema")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"nothing is written to {empty} yet" in result.stderr
    assert "none yet" in run("topics", "describe", empty).stdout


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (AS_WANTED, []),
        (None, ["it is not there yet; a worker makes it when it starts"]),
        (
            Found(3, 3, AS_WANTED.config),
            ["it has 3 partitions, 1 are needed: no worker starts"],
        ),
        (Found(1, 1, AS_WANTED.config), ["replication is 1, not 3"]),
        (
            Found(1, 3, AS_WANTED.config | {"cleanup.policy": "compact", "retention.ms": ""}),
            [
                "cleanup.policy is compact, not delete",
                "retention.ms is unknown, not 604800000",
            ],
        ),
    ],
)
def test_what_is_other_on_the_broker_is_told(found: Found | None, told: list[str]) -> None:
    assert broker_topics.differences(SPEC, SETTINGS, found) == told


def test_schemas_are_printed_by_topic(run: Run) -> None:
    printed = json.loads(run("topics", "schemas").stdout)
    assert set(printed) == set(CARRYING)


def test_a_folder_is_written_and_checked(run: Run, tmp_path: Path) -> None:
    shutil.copytree(DOCS / "examples", tmp_path / "docs" / "examples")
    folder = str(tmp_path / "docs")
    assert run("topics", "schemas", "--write", folder).exit_code == 0
    assert run("topics", "schemas", "--check", folder).exit_code == 0
    assert (tmp_path / "docs" / "README.md").read_text() == (DOCS / "README.md").read_text()
    (tmp_path / "docs" / "feeder.json").write_text("{}")
    (tmp_path / "docs" / "template.json").unlink()
    (tmp_path / "docs" / "older.json").write_text("{}")
    checked = run("topics", "schemas", "--check", folder)
    assert checked.exit_code == 1
    faults = [line.rpartition("/")[2] for line in checked.stderr.splitlines()[1:]]
    assert faults == [
        "feeder.json is different",
        "older.json is too many",
        "template.json is missing",
    ]


def test_an_example_that_is_no_message_stops_the_making(run: Run, tmp_path: Path) -> None:
    shutil.copytree(DOCS / "examples", tmp_path / "examples")
    (tmp_path / "examples" / "errors.json").write_text("{}")
    result = run("topics", "schemas", "--write", str(tmp_path))
    assert result.exit_code == 1
    assert "errors.json must be a message of errors: component: Field required" in result.stderr
    assert not (tmp_path / "README.md").exists()
