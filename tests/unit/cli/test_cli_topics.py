"""`paas-stream topics tail`: which records are printed, how, and when it stops."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from click.testing import Result
from support.ports import free_port

from paas_stream.cli import topics

Run = Callable[..., Result]

UUID = "6f0d4c9e-3b1a-4c55-9d7e-0a1b2c3d4e5f"
OTHER = "0a1b2c3d-4e5f-4c55-9d7e-6f0d4c9e3b1a"


@dataclass(frozen=True)
class Record:
    """One record of partition 0, as the Kafka client gives it."""

    offset: int
    key: bytes | None
    value: bytes | None
    partition: int = 0


@dataclass
class Consumer:
    """The Kafka client, with a topic that has one partition."""

    records: list[Record]
    name: str = "template"
    asked: dict[str, Any] = field(default_factory=dict)
    read: int = 0
    stopped: bool = False
    _client: Any = None

    def __call__(self, **options: Any) -> "Consumer":
        self.asked, self._client = options, self
        return self

    async def start(self) -> None: ...

    async def stop(self) -> None:
        self.stopped = True

    async def fetch_all_metadata(self) -> "Consumer":
        return self

    def topics(self) -> set[str]:
        return {self.name}

    def partitions_for_topic(self, topic: str) -> set[int]:
        return {0}

    def assign(self, partitions: list[TopicPartition]) -> None:
        assert partitions == [TopicPartition(self.name, 0)]

    async def end_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return {one: len(self.records) for one in partitions}

    async def position(self, partition: TopicPartition) -> int:
        return self.read

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Record]]:
        batch = self.records[self.read : self.read + 2]
        assert batch, "a test would wait for ever"
        self.read += len(batch)
        return {TopicPartition(self.name, 0): batch}


def record(offset: int, uuid: str = UUID, **fields: Any) -> Record:
    return Record(offset, uuid.encode(), json.dumps({"uuid": uuid} | fields).encode())


@pytest.fixture
def kafka(monkeypatch: pytest.MonkeyPatch) -> Consumer:
    """A topic with four records of two deployments."""
    made = Consumer([record(0), record(1, OTHER), record(2, OTHER), record(3)])
    monkeypatch.setattr(topics, "AIOKafkaConsumer", made)
    return made


def printed(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def test_what_is_there_is_printed_one_record_a_line(run: Run, kafka: Consumer) -> None:
    result = run("topics", "tail", "template", "--no-follow")
    assert result.exit_code == 0
    lines = printed(result.stdout)
    assert [one["offset"] for one in lines] == [0, 1, 2, 3]
    assert lines[0] == {"partition": 0, "offset": 0, "key": UUID, "value": {"uuid": UUID}}
    assert kafka.asked["auto_offset_reset"] == "earliest"
    assert kafka.stopped


def test_only_what_comes_is_printed_unless_asked_otherwise(run: Run, kafka: Consumer) -> None:
    assert run("topics", "tail", "template", "-n", "1").exit_code == 0
    assert kafka.asked["auto_offset_reset"] == "latest"
    run("topics", "tail", "template", "-n", "1", "--from-beginning")
    assert kafka.asked["auto_offset_reset"] == "earliest"


@pytest.mark.parametrize(
    ("words", "offsets"),
    [
        ("--uuid " + OTHER, [1, 2]),
        ("--uuid no-such", []),
        ("--count 3", [0, 1, 2]),
        (f"--uuid {OTHER} --count 1", [1]),
        ("--count 9", [0, 1, 2, 3]),
    ],
)
def test_records_are_chosen_by_deployment_and_number(
    run: Run, kafka: Consumer, words: str, offsets: list[int]
) -> None:
    output = run("topics", "tail", "template", "--no-follow", *words.split()).stdout
    assert [one["offset"] for one in printed(output)] == offsets


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        (b"", ""),
        (b"{not json", "{not json"),
        (b"\xff\xfe\xfd", "\\xff\\xfe\\xfd"),
        (b'"two\\nlines"', "two\nlines"),
        (b"[1, null]", [1, None]),
    ],
)
def test_records_of_other_programs_are_shown_as_json_too(
    run: Run, kafka: Consumer, value: bytes | None, shown: Any
) -> None:
    kafka.records = [Record(0, b"\xff", value), Record(1, None, value)]
    lines = printed(run("topics", "tail", "template", "--no-follow").stdout)
    assert [one["value"] for one in lines] == [shown, shown]
    assert [one["key"] for one in lines] == ["\\xff", ""]


def test_a_topic_may_have_another_name_on_the_broker(run: Run, kafka: Consumer) -> None:
    kafka.name = "my-templates"
    result = run("topics", "tail", "template", "--no-follow", PAAS_TOPICS='{"template": "x"}')
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "paas-stream: there is no topic x yet; has a worker been started?\n"
    result = run(
        "topics", "tail", "template", "--no-follow", PAAS_TOPICS='{"template": "my-templates"}'
    )
    assert len(printed(result.stdout)) == 4


def test_an_unknown_topic_is_a_wrong_use_and_all_names_are_told(run: Run) -> None:
    result = run("topics", "tail", "no-such")
    assert result.exit_code == 2
    assert "ranked-providers" in result.stderr


def test_without_kafka_one_sentence_says_so(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    address = f"127.0.0.1:{free_port()}"
    result = run("topics", "tail", "template", "--no-follow", PAAS_KAFKA_URL=address)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"paas-stream: Kafka at {address} does not answer (KafkaConnectionError)\n"
    )
    assert caplog.records == []
