"""What one reader of a timeline is told: every entry once, wherever it was interrupted."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.lifecycle.deployment import DeploymentRow, Ending, Status
from paas_stream.lifecycle.timeline import Timeline, TimelineEvent
from web.events import Reader, ending

ROW = DeploymentRow("u", first_seen=1.0, updated=1.0, created=1.0)
GOOD, BAD = Ending(True, 2.0), Ending(False, 2.0, "no quota")


def entry(number: int, status: str = "end") -> TimelineEvent:
    return TimelineEvent(f"e{number}", 100.0 - number, "box", "step", status, "text")


def timeline(*numbers: int) -> Timeline:
    return Timeline(tuple(entry(number) for number in numbers))


def news(reader: Reader, found: Timeline) -> list[str]:
    return [event.id for _, event in reader.news(found)]


class TestBookmarks:
    def test_are_told_apart_and_stay_as_the_timeline_grows(self) -> None:
        short, long = timeline(1, 2).bookmarks(), timeline(1, 2, 3).bookmarks()
        assert long[:2] == short
        assert len(set(long)) == 3

    def test_say_what_came_before(self) -> None:
        assert timeline(1, 2, 3).bookmarks()[2] != timeline(2, 1, 3).bookmarks()[2]
        assert timeline(1, 3).bookmarks()[1] != timeline(2, 3).bookmarks()[1]

    @given(st.text())
    def test_are_never_what_a_stranger_makes_up(self, text: str) -> None:
        assert news(Reader(timeline(1, 2), text), timeline(1, 2)) == ["e1", "e2"]


class TestReader:
    @given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
    def test_who_comes_back_is_told_the_rest_and_nothing_twice(
        self, first: int, second: int, third: int
    ) -> None:
        stages = [timeline(*range(n)) for n in sorted((first, second, third))]
        told: list[str] = []
        bookmark = None
        for found in stages:  # each time by a new connection
            for mark, event in Reader(found, bookmark).news(found):
                told.append(event.id)
                bookmark = mark
        assert told == [event.id for event in stages[-1].events]

    @given(st.data())
    def test_any_place_to_break_off_will_do(self, data: st.DataObject) -> None:
        found = timeline(*data.draw(st.permutations(range(8))))
        cut = data.draw(st.integers(1, 8))
        first = list(Reader(found, None).news(found))[:cut]
        rest = news(Reader(found, first[-1][0]), found)
        assert [event.id for _, event in first] + rest == [event.id for event in found.events]

    def test_one_connection_is_told_each_entry_as_it_comes(self) -> None:
        reader = Reader(Timeline(), None)
        stages = [timeline(*range(n)) for n in (0, 2, 2, 5)]
        assert [news(reader, one) for one in stages] == [
            [],
            ["e0", "e1"],
            [],
            ["e2", "e3", "e4"],
        ]

    def test_entries_that_come_again_in_another_order_begin_anew(self) -> None:
        bookmark = timeline(1, 2).bookmarks()[1]
        after_the_crash = timeline(1, 3, 2)
        assert news(Reader(after_the_crash, bookmark), after_the_crash) == ["e1", "e3", "e2"]

    def test_an_entry_of_a_full_timeline_is_told_too(self) -> None:
        full = timeline(*range(4))
        reader = Reader(full, full.bookmarks()[-1])
        grown = full.with_event(entry(9), 4)
        assert len(grown.events) == 4
        assert news(reader, grown) == ["e9"]

    def test_the_status_is_told_when_it_has_changed(self) -> None:
        reader = Reader(Timeline(), None)
        assert reader.new_status(ROW) == {
            "uuid": "u",
            "status": "CREATE_IN_PROGRESS",
            "task": "BROKERING",
        }
        assert reader.new_status(replace(ROW, updated=9.0)) is None
        failed = reader.new_status(replace(ROW, create_end=BAD))
        assert failed is not None
        assert failed["statusReason"] == "no quota"


@pytest.mark.parametrize(
    ("row", "reason", "reason_until_final"),
    [
        (None, "forgotten", "forgotten"),
        (ROW, None, None),
        (replace(ROW, create_end=GOOD), None, "final"),
        (replace(ROW, create_end=BAD), None, "final"),
        (replace(ROW, delete_since=3.0), None, None),
        (replace(ROW, delete_since=3.0, delete_end=replace(BAD, asked=3.0)), None, "final"),
        (replace(ROW, delete_since=3.0, delete_end=GOOD), "deleted", "deleted"),
        (replace(ROW, create_end=GOOD, revision=2), None, None),
        (
            replace(ROW, create_end=GOOD, revision=2, ended_revision=2, update_end=BAD),
            None,
            "final",
        ),
    ],
    ids=lambda value: getattr(value, "status", value),
)
def test_when_nothing_more_will_come(
    row: DeploymentRow | None, reason: str | None, reason_until_final: str | None
) -> None:
    assert ending(row, until_final=False) == reason
    assert ending(row, until_final=True) == reason_until_final


def test_the_states_above_are_all_there_are() -> None:
    rows = [replace(ROW, create_end=end) for end in (None, GOOD, BAD)]
    rows += [
        replace(ROW, create_end=GOOD, revision=2, ended_revision=ended, update_end=end)
        for ended, end in ((1, None), (2, GOOD), (2, BAD))
    ]
    rows += [
        replace(ROW, delete_since=3.0, delete_end=end)
        for end in (None, GOOD, replace(BAD, asked=3.0))
    ]
    assert {row.status for row in rows} == set(Status)
    assert all(a.status != b.status for a, b in pairwise(rows))
