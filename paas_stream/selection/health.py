"""Provider health: the share of Rally tasks that failed, over windows of 1, 7 and 30 days.

A row has one bucket per day (UTC), and a bucket has one entry per report. So a report that comes
again counts once, and a row is bounded. A window counts every day that it touches: that of one day
counts today and yesterday, so that there is still something to go by just after midnight.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from paas_stream.records import Rally

WINDOWS_DAYS: Final = (1, 7, 30)
KEPT_DAYS: Final = max(WINDOWS_DAYS) + 1  # buckets that the longest window touches
MAX_PER_DAY: Final = 300  # reports of one day that count: one every five minutes, and some
COUNTED: Final = frozenset({"finished", "crashed", "validation_failed"})  # states of a task
_MAX_TEXT: Final = 200  # characters of a tag or scenario that are kept
_AHEAD = timedelta(days=1)  # clocks of others may be wrong by this


class Windows(NamedTuple):
    """Share of failed tasks, 0 to 1; -1 = no task is known."""

    test_failure_perc_1d: float = -1.0
    test_failure_perc_7d: float = -1.0
    test_failure_perc_30d: float = -1.0


UNKNOWN: Final = Windows()


@dataclass(frozen=True)
class LastReport:
    """The newest report, in short."""

    at: datetime
    passed: bool
    tag: str | None = None
    failing_scenario: str | None = None
    duration_s: float | None = None


@dataclass(frozen=True)
class HealthRow:
    """What is kept of one provider and region; an empty region stands for all regions."""

    provider: str
    region: str
    days: dict[date, dict[str, bool]] = field(default_factory=dict)  # report -> its SLA was kept
    last: LastReport | None = None

    def knows(self, report: Rally) -> bool:
        """Whether this report has been counted."""
        return report.identity in self.days.get(report.timestamp.date(), {})


def refusal(report: Rally, now: datetime) -> str | None:
    """Why a report says nothing about health at `now`; None: it does."""
    if report.status not in COUNTED:
        return f"its task is {report.status}"
    if report.timestamp.date() <= now.date() - timedelta(days=KEPT_DAYS):
        return f"it is of {report.timestamp.date()}, which no window touches"
    if report.timestamp > now + _AHEAD:
        return f"it is of {report.timestamp.date()}, which is still to come"
    return None


def counted(row: HealthRow | None, report: Rally, now: datetime) -> HealthRow | None:
    """The row with `report` in it; None: nothing changes, because it is known or does not count.

    Of a day with MAX_PER_DAY reports no more are taken.
    """
    row = row or HealthRow(report.provider, report.region_name or "")
    if row.knows(report) or refusal(report, now):
        return None
    today = report.timestamp.date()
    bucket = row.days.get(today, {})
    if len(bucket) >= MAX_PER_DAY:
        return None
    oldest = now.date() - timedelta(days=KEPT_DAYS - 1)
    days = {day: reports for day, reports in row.days.items() if day >= oldest}
    days[today] = bucket | {report.identity: report.passed}
    last = row.last
    if last is None or report.timestamp >= last.at:
        last = LastReport(
            report.timestamp,
            report.passed,
            report.tag and report.tag[:_MAX_TEXT],
            report.failing_scenario and report.failing_scenario[:_MAX_TEXT],
            report.duration_s,
        )
    return replace(row, days=days, last=last)


def windows(rows: Iterable[HealthRow], today: date) -> Windows:
    """The windows that end on `today`, over the reports of all `rows` together."""
    rows = tuple(rows)
    return Windows(*(_failed_share(rows, today, days) for days in WINDOWS_DAYS))


def _failed_share(rows: tuple[HealthRow, ...], today: date, days: int) -> float:
    first = today - timedelta(days=days)
    results = [
        passed
        for row in rows
        for day, reports in row.days.items()
        if first <= day <= today
        for passed in reports.values()
    ]
    return results.count(False) / len(results) if results else -1.0
