"""Rally's task reports: what each task says, and which files are read."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any

import pytest

from paas_stream.errors import InvalidMessageError
from paas_stream.records import Rally
from paas_stream.selection.rally_files import RallyDirectory
from paas_stream.selection.rally_report import MAX_SCENARIOS, RallyReportError, parse, place

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "rally" / "report_all_green.json"


def workload(name: str = "Nova.list", passed: bool = True, **fields: Any) -> dict[str, Any]:
    return {"scenario": {name: {}}, "pass_sla": passed, "full_duration": 2.0, **fields}


def task(uuid: str = "t1", *workloads: dict[str, Any], **fields: Any) -> dict[str, Any]:
    found = workloads or (workload(),)
    return {
        "uuid": uuid,
        "status": "finished",
        "tags": ["ops"],
        "env_name": "whatever",
        "updated_at": "2026-03-01T10:00:00",
        "pass_sla": all(one["pass_sla"] for one in found),
        "subtasks": [{"title": "s", "workloads": list(found)}],
        **fields,
    }


def encoded(*tasks: dict[str, Any]) -> bytes:
    info = {"generated_at": "2026-03-01T11:00:00", "rally_version": "5.1.1"}
    return json.dumps({"info": info, "tasks": list(tasks)}).encode()


def test_every_task_is_a_message() -> None:
    first, second = parse(
        encoded(
            task("t1", workload("Glance", passed=False, failed_iteration_count=2), workload()),
            task("t2", tags=[], updated_at=None),
        ),
        "site-a",
        "north",
    )
    assert (first.provider, first.region_name, first.task_uuid) == ("site-a", "north", "t1")
    assert first.timestamp == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert (first.tag, first.passed, first.failing_scenario) == ("ops", False, "Glance")
    assert first.duration_s == 4.0
    assert [(one.name, one.passed, one.failed_iterations) for one in first.scenarios] == [
        ("Glance", False, 2),
        ("Nova.list", True, 0),
    ]
    assert (second.tag, second.passed, second.failing_scenario) == (None, True, None)
    assert second.timestamp == datetime(2026, 3, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"updated_at": "0001-01-01T00:00:00+14:00"}, "tasks.0.updated_at: a time of the years"),
        ({"updated_at": "9999-12-31T23:59:59-14:00"}, "tasks.0.updated_at: a time of the years"),
    ],
)
def test_a_time_that_overflows_is_a_fault_of_its_report(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(RallyReportError, match=named):
        parse(encoded(task("t", **fields)), "site-a", None)


@pytest.mark.parametrize(
    "fields", [{"full_duration": 1e308}, {"failed_iteration_count": "9" * 400}]
)
def test_a_number_without_measure_is_a_fault_of_its_report(fields: dict[str, Any]) -> None:
    with pytest.raises(RallyReportError, match="less than or equal"):
        parse(encoded(task("t", *[workload(**fields)] * 2)), "site-a", None)


def test_health_is_the_sla_and_not_the_status() -> None:
    (found,) = parse(encoded(task("t", status="finished", pass_sla=False)), "site-a", None)
    assert not found.passed


def test_a_message_is_read_back_and_names_so_many_scenarios() -> None:
    workloads = [workload(f"s{i}") for i in range(MAX_SCENARIOS + 20)]
    workloads.append(workload("the last", passed=False))
    (found,) = parse(encoded(task("t", *workloads)), "site-a", None)
    assert len(found.scenarios) == MAX_SCENARIOS
    assert found.failing_scenario == "the last"
    assert Rally.decode(found.encode()) == found


@pytest.mark.skipif(not REAL.exists(), reason="the report of a real Rally is not here")
def test_a_report_of_a_real_rally_is_read() -> None:
    (found,) = parse(REAL.read_bytes(), "local", None)
    assert found.passed
    assert found.task_uuid == "94d611df-f048-4e98-a8db-2fb9e0fca725"
    assert len(found.scenarios) == 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "EOF"),
        (b"{", "EOF"),
        (b"[]", "an object"),
        (b'{"info": {"generated_at": "2026-03-01T11:00:00"}}', "tasks: Field required"),
        (encoded({"uuid": "x", "status": "finished"}), "tasks.0.pass_sla: Field required"),
        (encoded(task("t", {"scenario": {}, "pass_sla": True})), "at least 1 item"),
        (encoded(task("t", workload(full_duration=float("nan")))), "full_duration"),
        (encoded(*[{} for _ in range(20)]), "and 50 more"),
    ],
)
def test_what_is_no_report_is_refused_with_its_faults(content: bytes, sentence: str) -> None:
    with pytest.raises(RallyReportError, match="no task report of Rally's: ") as caught:
        parse(content, "site-a", None)
    assert sentence in caught.value.message


def test_a_place_names_the_provider_and_perhaps_the_region() -> None:
    assert place(PurePath("site-a/north/x.json")) == ("site-a", "north")
    assert place(PurePath("site-a/x.json")) == ("site-a", None)
    for path in ("x.json", "a/b/c/x.json"):
        with pytest.raises(RallyReportError, match="a report is at"):
            place(PurePath(path))


def test_a_message_of_another_program_is_read() -> None:
    message = Rally.decode(
        b'{"timestamp": "2025-09-01T10:00:00", "msg_version": "1.0.0", "status": "finished",'
        b' "tag": "x", "provider": "recas_bari", "test_result": "False"}'
    )
    assert message.timestamp == datetime(2025, 9, 1, 10, tzinfo=UTC)
    assert (message.key, message.passed, message.region_name) == ("recas_bari/", False, None)
    with pytest.raises(InvalidMessageError, match="test_result"):
        Rally.decode(b'{"provider": "a", "test_result": "maybe"}')


class TestDirectory:
    def write(self, root: Path, name: str, content: bytes, at: int = 1_000) -> Path:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (at, at))
        return path

    def test_each_file_is_read_once_the_oldest_first(self, tmp_path: Path) -> None:
        self.write(tmp_path, "site-a/north/2.json", encoded(task("t2")), at=2)
        self.write(tmp_path, "site-b/1.json", encoded(task("t1")), at=1)
        self.write(tmp_path, "site-b/readme.txt", b"?")
        files = RallyDirectory(tmp_path, 10, 1_000_000)
        first, second = files.turn()
        assert [one.key for one in first.reports] == ["site-b/"]
        assert [one.key for one in second.reports] == ["site-a/north"]
        assert files.turn() == []

    def test_a_turn_reads_so_many_and_the_next_goes_on(self, tmp_path: Path) -> None:
        for number in range(5):
            self.write(tmp_path, f"site/{number}.json", encoded(task(str(number))), at=number)
        files = RallyDirectory(tmp_path, 2, 1_000_000)
        turns = [[one.path.name for one in files.turn()] for _ in range(4)]
        assert turns == [["0.json", "1.json"], ["2.json", "3.json"], ["4.json"], []]

    def test_a_broken_file_is_told_once_and_read_again_when_it_changes(
        self, tmp_path: Path
    ) -> None:
        path = self.write(tmp_path, "site/x.json", encoded(task())[:-5], at=1)
        files = RallyDirectory(tmp_path, 10, 1_000_000)
        (reading,) = files.turn()
        assert reading.fault is not None
        assert str(path) in reading.fault.message
        assert files.turn() == []
        self.write(tmp_path, "site/x.json", encoded(task()), at=2)
        (reading,) = files.turn()
        assert len(reading.reports) == 1

    @pytest.mark.parametrize(
        ("name", "content", "sentence"),
        [
            ("x.json", encoded(task()), "a report is at"),
            ("site/x.json", b" " * 101, "101 bytes, 100 are the most"),
            ("n" * 201 + "/x.json", b"{}", "no task report"),
        ],
    )
    def test_a_file_that_cannot_be_taken_is_a_fault(
        self, tmp_path: Path, name: str, content: bytes, sentence: str
    ) -> None:
        self.write(tmp_path, name, content)
        (reading,) = RallyDirectory(tmp_path, 10, 100 if "101" in sentence else 10**6).turn()
        assert reading.fault is not None
        assert sentence in reading.fault.message

    def test_a_directory_that_is_not_there_is_a_fault(self, tmp_path: Path) -> None:
        with pytest.raises(RallyReportError, match="is not a directory"):
            RallyDirectory(tmp_path / "none", 10, 100).turn()
