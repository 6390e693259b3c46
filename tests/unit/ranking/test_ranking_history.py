"""What is remembered of a provider: counted once, bounded in size and time."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from support.lifecycle import T0, UUID

from paas_stream.ranking import history
from paas_stream.ranking.history import (
    DAY_S,
    KEYS,
    MAX_TEMPLATES,
    RECENT,
    Outcome,
    ProviderHistory,
    Tally,
    day_of,
    outcome,
    summary,
)
from paas_stream.records import AttemptStatus, Training

TODAY = day_of(T0)


def training(status: AttemptStatus = AttemptStatus.COMPLETE, **fields: Any) -> Training:
    given = {
        "uuid": UUID,
        "provider_name": "a",
        "region_name": "r",
        "template_name": "vm",
        "status": status,
        "submission_time": datetime.fromtimestamp(T0, UTC),
        "ended_at": datetime.fromtimestamp(T0, UTC),
    }
    return Training.model_validate(given | fields)


def success(at: float = T0, template: str = "vm", seconds: float = 100.0) -> Outcome:
    return Outcome(at, template, Tally(1, 0, seconds, 0.0))


def failure(at: float = T0, template: str = "vm", seconds: float = 100.0) -> Outcome:
    return Outcome(at, template, Tally(0, 1, 0.0, seconds))


def remembered(*outcomes: Outcome) -> ProviderHistory:
    known = ProviderHistory()
    for number, one in enumerate(outcomes):
        known = known.counted(f"u/{number}", number, T0 + number, one)
    return known


class TestWhatARowSays:
    def test_a_success_counts_with_its_time(self) -> None:
        found = outcome(training(completion_time_s=42.0), T0 + 1)
        assert found == Outcome(T0, "vm", Tally(1, 0, 42.0, 0.0))

    def test_a_failure_counts_with_its_time(self) -> None:
        row = training(AttemptStatus.FAILED, n_failures=1, tot_failure_time_s=7.0)
        assert outcome(row, T0 + 1) == Outcome(T0, "vm", Tally(0, 1, 0.0, 7.0))

    @pytest.mark.parametrize("status", [AttemptStatus.ABORTED, AttemptStatus.SUBMITTED])
    def test_what_says_nothing_of_the_provider_is_not_counted(self, status: AttemptStatus) -> None:
        assert outcome(training(status, tot_failure_time_s=9.0), T0) is None

    def test_a_row_of_another_program_stands_for_all_its_failures(self) -> None:
        row = training(n_failures=3, tot_failure_time_s=90.0, completion_time_s=10.0)
        found = outcome(row, T0)
        assert found is not None
        assert found.tally == Tally(1, 3, 10.0, 90.0)

    def test_a_template_name_without_end_is_cut(self) -> None:
        found = outcome(training(template_name="x" * 10_000), T0)
        assert found is not None
        assert len(found.template) == history.NAME_MAX

    def test_a_clock_that_is_ahead_does_not_push_out_the_past(self) -> None:
        ahead = training(ended_at=datetime.fromtimestamp(T0 + 400 * DAY_S, UTC))
        found = outcome(ahead, T0)
        assert found is not None
        assert found.at == T0


class TestCounting:
    def test_a_replayed_record_is_known_by_its_offset(self) -> None:
        known = remembered(success(), failure())
        assert known.has_counted("another", 0, T0)
        assert known.has_counted("another", 1, T0 + 1)
        assert not known.has_counted("another", 2, T0 + 2)

    def test_an_attempt_that_is_sent_again_is_known_by_its_name(self) -> None:
        assert remembered(success()).has_counted("u/0", 7, T0 + 70)

    def test_a_topic_that_was_made_anew_begins_with_small_offsets(self) -> None:
        known = ProviderHistory(offset=5000, newest=T0)
        assert not known.has_counted("new/1", 0, T0 + 1)
        again = known.counted("new/1", 0, T0 + 1, success())
        assert again.has_counted("another", 0, T0 + 1)
        assert not again.has_counted("another", 1, T0 + 2)

    def test_what_is_not_counted_is_marked_all_the_same(self) -> None:
        known = ProviderHistory().counted("u/1", 3, T0, None)
        assert known.has_counted("u/1", 3, T0)
        assert summary(known, TODAY).overall == Tally()


class TestTheWindow:
    def test_thirty_days_count_and_no_more(self) -> None:
        known = remembered(success(T0 - 29 * DAY_S), failure(T0))
        assert summary(known, TODAY).overall.attempts == 2
        assert summary(known, TODAY + 1).overall == Tally(0, 1, 0.0, 100.0)
        assert summary(known, TODAY + 30).overall == Tally()
        assert summary(known, TODAY + 30).recent == Tally()

    def test_an_outcome_that_comes_late_counts_on_its_day(self) -> None:
        known = remembered(success(T0), failure(T0 - 5 * DAY_S), failure(T0 - 40 * DAY_S))
        assert summary(known, TODAY).overall == Tally(1, 1, 100.0, 100.0)
        assert [one.at for one in known.recent] == sorted(one.at for one in known.recent)

    def test_templates_are_told_apart(self) -> None:
        found = summary(remembered(success(template="a"), failure(template="b")), TODAY)
        assert (found.of("a").successes, found.of("b").failures) == (1, 1)
        assert found.of("c") == Tally()


class TestFailuresSinceTheLastSuccess:
    def failing(self, *found: Outcome) -> dict[str, int]:
        return summary(remembered(*found), TODAY).failing

    def test_are_told_by_template(self) -> None:
        found = self.failing(failure(T0 - 30), success(T0 - 20), failure(T0 - 10), failure(T0, "b"))
        assert found == {"vm": 1, "b": 1}

    def test_are_none_after_a_success(self) -> None:
        assert self.failing(*[failure(T0 - 10)] * 30, success(T0)) == {}

    def test_go_on_by_the_day_where_they_are_not_kept_one_by_one(self) -> None:
        before = [failure(T0 - 4 * DAY_S)] * 5 + [success(T0 - 3 * DAY_S)]
        long = [failure(T0 - 2 * DAY_S)] * 15 + [failure(T0)] * 15
        assert self.failing(*before, *long) == {"vm": 30}
        assert self.failing(*before, *long, success(T0 + 1)) == {}


outcomes = st.builds(
    lambda day, name, good: (success if good else failure)(T0 - day * DAY_S, str(name), 10.0),
    st.integers(-3, 50),
    st.integers(0, 60),
    st.booleans(),
)


@given(st.lists(outcomes, max_size=150))
def test_a_row_is_bounded_and_survives_the_table(given_outcomes: list[Outcome]) -> None:
    known = remembered(*given_outcomes)
    assert len(known.recent) <= RECENT
    assert len(known.keys) <= KEYS
    assert len(known.days) <= history.WINDOW_DAYS
    assert all(len(day) <= MAX_TEMPLATES + 1 for day in known.days.values())
    adapter = TypeAdapter(ProviderHistory)
    assert adapter.validate_json(adapter.dump_json(known)) == known


@given(st.lists(outcomes, max_size=40), st.randoms())
def test_the_counts_do_not_depend_on_the_order(given_outcomes: list[Outcome], random: Any) -> None:
    shuffled = list(given_outcomes)
    random.shuffle(shuffled)
    today = max((day_of(one.at) for one in given_outcomes), default=TODAY)
    one, other = summary(remembered(*given_outcomes), today), summary(remembered(*shuffled), today)
    assert one.overall == other.overall
    # seconds are sums of tens: exact
    assert sum(t.attempts for t in one.templates.values()) == one.overall.attempts


def test_a_year_of_a_busy_provider_stays_small() -> None:
    known = ProviderHistory()
    for number in range(2000):
        at = T0 + number * DAY_S * 365 / 2000
        key = f"{UUID}/{number}"
        known = known.counted(key, number, at, success(at, f"template {number % 100}"))
    size = len(TypeAdapter(ProviderHistory).dump_json(known))
    assert size < 40_000
