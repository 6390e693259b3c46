"""Rally monitoring: report files -> `rally`, on the worker that holds the topic's partition."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from support.bench import Bench, Clock

from agents import rally as module
from agents.provider_catalog import provider_health
from agents.rally import RallyReader, rally
from paas_stream.app import app
from paas_stream.records import ErrorRecord, Message, Rally
from paas_stream.settings import RallySettings

INTERVAL_S = RallySettings().interval_s


class Reports:
    """A directory of reports."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, *tasks: str, passed: bool = True) -> Path:
        now = datetime.now(UTC).isoformat()
        body: dict[str, Any] = {
            "info": {"generated_at": now},
            "tasks": [
                {"uuid": uuid, "status": "finished", "updated_at": now, "pass_sla": passed}
                for uuid in tasks
            ],
        }
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(body))
        return path


@pytest.fixture
def reports(tmp_path: Path, bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Reports:
    """A worker that holds the partition of `rally`, and its directory."""
    settings = RallySettings(dir=tmp_path, files_per_turn=3)
    monkeypatch.setattr(app.settings, "rally", settings)
    monkeypatch.setattr(module, "reader", RallyReader())
    monkeypatch.setattr(module, "time", clock)
    bench.consumer.assigned = {TP("rally", 0)}
    return Reports(tmp_path)


def tasks(messages: list[Message]) -> list[str | None]:
    return [one.task_uuid for one in messages if isinstance(one, Rally)]


async def test_each_task_of_a_report_is_sent_once(
    bench: Bench, reports: Reports, clock: Clock
) -> None:
    reports.write("site-a/north/1.json", "t1", "t2", passed=False)
    sent = await bench.run(rally)
    assert tasks(sent) == ["t1", "t2"]
    assert {one.key for one in sent if isinstance(one, Rally)} == {"site-a/north"}
    assert not any(one.passed for one in sent if isinstance(one, Rally))
    clock.now += INTERVAL_S
    assert await bench.run(rally) == []


async def test_a_restart_sends_nothing_that_the_table_knows(
    bench: Bench, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports.write("site-a/1.json", "t1")
    for message in await bench.run(rally):
        await bench.give(provider_health, message, at=datetime.now(UTC).timestamp())
    reports.write("site-a/2.json", "t1", "t2")
    monkeypatch.setattr(module, "reader", RallyReader())
    assert tasks(await bench.run(rally)) == ["t2"]


async def test_a_task_in_two_files_is_sent_once_before_the_table_knows_it(
    bench: Bench, reports: Reports
) -> None:
    reports.write("site-a/1.json", "t1")
    reports.write("site-a/2.json", "t1")
    reports.write("site-b/1.json", "t1")
    assert tasks(await bench.run(rally)) == ["t1", "t1"]  # one for each provider


async def test_the_directory_is_looked_at_once_in_an_interval(
    bench: Bench, reports: Reports, clock: Clock
) -> None:
    assert await bench.run(rally) == []
    reports.write("site-a/1.json", "t1")
    clock.now += INTERVAL_S - 1
    assert await bench.run(rally) == []
    clock.now += 1
    assert tasks(await bench.run(rally)) == ["t1"]


async def test_many_files_are_read_over_several_turns(bench: Bench, reports: Reports) -> None:
    for number in range(7):
        reports.write(f"site-a/{number}.json", f"t{number}")
    counts = [len(tasks(await bench.run(rally))) for _ in range(4)]
    assert counts == [3, 3, 1, 0]


async def test_a_broken_file_goes_to_errors_once_and_the_others_are_sent(
    bench: Bench, reports: Reports, clock: Clock
) -> None:
    path = reports.write("site-a/1.json", "t1")
    path.write_text(path.read_text()[:-9])
    reports.write("site-b/1.json", "t2")
    sent = await bench.run(rally)
    assert tasks(sent) == ["t2"]
    (error,) = [one for one in sent if isinstance(one, ErrorRecord)]
    assert (error.component, error.step, error.code) == ("rally", "read", "rally_report")
    assert str(path) in error.message
    clock.now += INTERVAL_S
    assert await bench.run(rally) == []
    reports.write("site-a/1.json", "t1", "t3")
    clock.now += INTERVAL_S
    assert tasks(await bench.run(rally)) == ["t1", "t3"]


async def test_a_directory_that_is_gone_is_told_once(
    bench: Bench, reports: Reports, clock: Clock
) -> None:
    reports.root.rmdir()
    (error,) = await bench.run(rally)
    assert isinstance(error, ErrorRecord)
    assert "is not a directory" in error.message
    clock.now += INTERVAL_S
    assert await bench.run(rally) == []
    reports.write("site-a/1.json", "t1")
    clock.now += INTERVAL_S
    assert tasks(await bench.run(rally)) == ["t1"]


async def test_a_worker_without_the_partition_sends_nothing(bench: Bench, reports: Reports) -> None:
    reports.write("site-a/1.json", "t1")
    bench.consumer.assigned = {TP("template", 0)}
    assert await bench.run(rally) == []


async def test_without_a_directory_nothing_is_done(
    bench: Bench, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.settings, "rally", RallySettings())
    monkeypatch.setattr(module, "reader", RallyReader())
    assert await bench.run(rally) == []
