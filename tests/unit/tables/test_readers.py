"""Rows as they are read, and those among them that cannot be."""

import logging
from dataclasses import dataclass

import pytest

from paas_stream.durable.metrics import REGISTRY
from paas_stream.errors import UnreadableRowError
from tables import readers
from tables.rows import Rows


@dataclass(frozen=True)
class Row:
    seconds: float


class Table(dict[str, bytes]):
    name = "spans"


TOLD = "the row b of spans cannot be read: seconds"


@pytest.fixture
def rows() -> Rows[Row]:
    return Rows(Table(a=b'{"seconds":1.0}', b=b'{"seconds":null}', c=b'{"seconds":2.0}'), Row)


def counted() -> float | None:
    return REGISTRY.get_sample_value("paas_stream_unreadable_rows", {"table": "spans"})


class TestARowThatCannotBeRead:
    def test_keeps_nobody_from_the_others(self, rows: Rows[Row]) -> None:
        assert dict(rows.items()) == {"a": Row(1.0), "c": Row(2.0)}
        assert [rows.find(key) for key in "abcd"] == [Row(1.0), None, Row(2.0), None]

    def test_is_not_absent_for_who_needs_it(self, rows: Rows[Row]) -> None:
        assert rows.get("d") is None
        for _ in range(2):
            with pytest.raises(UnreadableRowError) as caught:
                rows.get("b")
            assert (caught.value.message, caught.value.code) == (TOLD, "unreadable_row")

    def test_is_logged_once_however_often_it_is_looked_at(
        self, rows: Rows[Row], caplog: pytest.LogCaptureFixture
    ) -> None:
        for _ in range(2):
            list(rows.items())
            rows.find("b")
            readers.forget_all()  # partitions have come and gone
        logged = [(one.levelno, one.getMessage()) for one in caplog.records]
        assert logged == [(logging.ERROR, TOLD)]

    def test_is_logged_again_when_it_has_another_fault(
        self, rows: Rows[Row], caplog: pytest.LogCaptureFixture
    ) -> None:
        rows.find("b")
        rows.table["b"] = b"3"
        rows.find("b")
        assert caplog.messages == [TOLD, "the row b of spans cannot be read: all of it"]

    def test_is_told_without_what_stands_in_it(self, rows: Rows[Row]) -> None:
        rows.table["b"] = b'{"seconds": "my secret"}'
        with pytest.raises(UnreadableRowError) as caught:
            rows.get("b")
        assert caught.value.message == TOLD

    def test_may_fail_in_any_way(self, caplog: pytest.LogCaptureFixture) -> None:
        table = {"a": {"of": "another version"}}
        reader = readers.Reader(Table(table), lambda value: value["text"])
        assert dict(reader.items()) == {}
        assert caplog.messages == ["the row a of spans cannot be read: KeyError"]


class TestTheMetric:
    def test_counts_each_of_those_that_were_looked_at(self, rows: Rows[Row]) -> None:
        assert counted() == 0
        for _ in range(2):
            list(rows.items())
            assert counted() == 1

    def test_counts_none_that_was_written_anew(self, rows: Rows[Row]) -> None:
        list(rows.items())
        rows.put("b", Row(4.0))
        assert (counted(), rows.get("b")) == (0, Row(4.0))

    def test_counts_none_that_was_deleted(self, rows: Rows[Row]) -> None:
        list(rows.items())
        rows.delete("b")
        assert (counted(), rows.get("b")) == (0, None)

    async def test_counts_none_that_is_another_workers_by_now(self, rows: Rows[Row]) -> None:
        list(rows.items())
        await readers.revoked()
        assert counted() == 0


def test_many_faults_of_a_row_are_told_by_the_first_places() -> None:
    @dataclass(frozen=True)
    class Wide:
        a: int
        b: int
        c: int
        d: int
        e: int
        f: int
        g: int

    with pytest.raises(UnreadableRowError, match=r"cannot be read: a, b, c, d, e, and 2 more$"):
        Rows(Table(x=b"{}"), Wide).get("x")
