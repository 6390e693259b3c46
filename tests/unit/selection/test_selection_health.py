"""Provider health: shares of failed Rally tasks over 1, 7 and 30 days."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from paas_stream.records import Rally
from paas_stream.selection.health import (
    KEPT_DAYS,
    MAX_PER_DAY,
    UNKNOWN,
    HealthRow,
    Windows,
    counted,
    refusal,
    windows,
)

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
TODAY = NOW.date()


def report(task: str = "t", age_days: float = 0, passed: bool = True, **fields: object) -> Rally:
    return Rally.model_validate(
        {
            "provider": "site-a",
            "region_name": "north",
            "timestamp": NOW - timedelta(days=age_days),
            "test_result": str(passed),
            "task_uuid": task,
            **fields,
        }
    )


def after(*reports: Rally, now: datetime = NOW) -> HealthRow:
    row = HealthRow("site-a", "north")
    for one in reports:
        row = counted(row, one, now) or row
    return row


def test_a_window_is_the_share_of_tasks_that_failed() -> None:
    row = after(
        report("a", 0, passed=True),
        report("b", 0.2, passed=False),
        report("c", 3, passed=True),
        report("d", 20, passed=True),
    )
    assert windows([row], TODAY) == Windows(1 / 2, 1 / 3, 1 / 4)


def test_a_window_without_reports_is_unknown() -> None:
    assert windows([], TODAY) == windows([HealthRow("site-a", "")], TODAY) == UNKNOWN == (-1,) * 3
    assert windows([after(report(age_days=10, passed=False))], TODAY) == Windows(-1, -1, 1.0)


def test_the_window_of_a_day_counts_yesterday_too() -> None:
    assert windows([after(report(age_days=1))], TODAY).test_failure_perc_1d == 0
    assert windows([after(report(age_days=2))], TODAY).test_failure_perc_1d == -1


def test_a_report_counts_once() -> None:
    row = after(report("a", passed=False), report("b"))
    assert counted(row, report("a", passed=False), NOW) is None
    assert windows([row], TODAY).test_failure_perc_1d == 0.5


def test_a_report_without_a_task_is_told_by_its_time_and_tag() -> None:
    old = report(task_uuid=None, tag="ops")
    row = after(old)
    assert row.knows(old)
    assert not row.knows(old.model_copy(update={"tag": "other"}))
    assert not row.knows(old.model_copy(update={"timestamp": NOW - timedelta(minutes=1)}))


def test_reports_about_all_regions_count_for_each() -> None:
    north = after(report("a", passed=False))
    everywhere = counted(None, report("b", region_name=None), NOW)
    assert everywhere is not None
    assert everywhere.region == ""
    assert windows([north, everywhere], TODAY).test_failure_perc_7d == 0.5


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (report(status="running"), "its task is running"),
        (report(status="aborted"), "its task is aborted"),
        (report(age_days=KEPT_DAYS), "it is of 2026-02-28, which no window touches"),
        (report(age_days=-3), "it is of 2026-04-03, which is still to come"),
    ],
)
def test_what_says_nothing_about_health_is_left_out(other: Rally, sentence: str) -> None:
    assert refusal(other, NOW) == sentence
    assert counted(None, other, NOW) is None


def test_a_task_that_crashed_has_failed() -> None:
    row = after(report(status="crashed", passed=False))
    assert windows([row], TODAY).test_failure_perc_1d == 1


def test_the_last_report_is_the_newest_in_whatever_order_they_come() -> None:
    row = after(
        report("new", 1, passed=False, failing_scenario="Glance", duration_s=3.5),
        report("old", 2),
    )
    assert row.last is not None
    assert (row.last.at, row.last.failing_scenario) == (NOW - timedelta(days=1), "Glance")


def test_a_day_takes_so_many_reports_and_no_more() -> None:
    row = after(*(report(str(i)) for i in range(MAX_PER_DAY + 5)))
    assert len(row.days[TODAY]) == MAX_PER_DAY


def test_the_largest_row_is_far_below_a_megabyte() -> None:
    row = HealthRow("p" * 200, "r" * 200)
    for day in range(KEPT_DAYS):
        for number in range(MAX_PER_DAY):
            one = report(f"{number:0>200}", age_days=day, tag="t" * 10_000)
            row.days.setdefault(one.timestamp.date(), {})[one.identity] = False
    row = counted(row, report("last", age_days=-0.6, failing_scenario="s" * 10_000), NOW) or row
    assert len(TypeAdapter(HealthRow).dump_json(row)) < 500_000
    assert row.last is not None
    assert len(row.last.failing_scenario or "") == 200


def test_long_names_are_told_apart() -> None:
    long = [report(task_uuid=None, tag=f"{number:0>300}").identity for number in range(2)]
    assert len(set(long)) == 2
    assert {len(one) for one in long} == {40}


def test_old_days_are_dropped_as_new_ones_come() -> None:
    row = HealthRow("site-a", "north")
    for day in range(100):
        now = NOW + timedelta(days=day)
        row = counted(row, report(str(day), age_days=-day), now) or row
    assert len(row.days) == KEPT_DAYS
    assert windows([row], (NOW + timedelta(days=99)).date()) == Windows(0, 0, 0)


reports = st.lists(
    st.builds(
        report,
        st.integers(0, 9).map(str),
        st.floats(-2, 40),
        st.booleans(),
        status=st.sampled_from(["finished", "crashed", "running"]),
        region_name=st.sampled_from(["north", None]),
    ),
    max_size=12,
)


@given(reports, st.dates(date(2026, 3, 1), date(2026, 5, 1)))
def test_a_window_is_a_share_or_unknown_and_never_nan(found: list[Rally], today: date) -> None:
    for share in windows([after(*found)], today):
        assert share == -1 or 0 <= share <= 1
        assert not math.isnan(share)


@given(reports, st.randoms())
def test_neither_order_nor_repetition_matters(found: list[Rally], random: object) -> None:
    unique = list({(one.task_uuid, one.timestamp.date()): one for one in found}.values())
    other = unique * 2
    random.shuffle(other)  # type: ignore[attr-defined]
    assert after(*unique).days == after(*other).days


@given(reports)
def test_one_more_failure_never_lowers_a_window(found: list[Rally]) -> None:
    before = windows([after(*found)], TODAY)
    worse = windows([after(*found, report("one more", passed=False))], TODAY)
    assert all(new >= old for new, old in zip(worse, before, strict=True))
