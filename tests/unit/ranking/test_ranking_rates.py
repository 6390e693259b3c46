"""Rates: what past attempts make one expect of the next one."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lifecycle import T0

from paas_stream.ranking.history import (
    DAY_S,
    Outcome,
    ProviderHistory,
    Tally,
    day_of,
    summary,
)
from paas_stream.ranking.rates import (
    P_LEAST,
    P_MOST,
    USUAL_S,
    Estimate,
    Memory,
    expected_s,
    score,
)
from paas_stream.records.feeder import row_key

TODAY = day_of(T0)
COST_S = 300.0


def success(at: float = T0, template: str = "vm", seconds: float = 100.0) -> Outcome:
    return Outcome(at, template, Tally(1, 0, seconds, 0.0))


def failure(at: float = T0, template: str = "vm", seconds: float = 100.0) -> Outcome:
    return Outcome(at, template, Tally(0, 1, 0.0, seconds))


def history(outcomes: list[Outcome]) -> ProviderHistory:
    known = ProviderHistory()
    for number, one in enumerate(sorted(outcomes)):
        known = known.counted(str(number), number, T0 + number, one)
    return known


def memory(**sites: list[Outcome]) -> Memory:
    return Memory(
        {row_key(name, "r"): summary(history(known), TODAY) for name, known in sites.items()}
    )


def estimate(known: Memory, name: str, template: str = "vm") -> Estimate:
    return known.estimate(name, "r", template)


def points(known: Memory, name: str, template: str = "vm") -> float:
    return score(expected_s(estimate(known, name, template), COST_S))


class TestFewOutcomesAreBelievedLittle:
    def test_without_any_history_success_is_even(self) -> None:
        assert estimate(memory(), "a") == Estimate(0.5, USUAL_S, USUAL_S, Tally())

    def test_a_new_provider_is_at_what_is_usual_for_the_template(self) -> None:
        known = memory(a=[success() for _ in range(50)] + [failure() for _ in range(50)])
        new = estimate(known, "new")
        assert new.p_success == pytest.approx(0.5)
        assert new.t_success_s == pytest.approx(100.0, rel=0.05)

    def test_a_hard_template_is_hard_for_a_new_provider_too(self) -> None:
        known = memory(
            a=[success(template="easy") for _ in range(20)]
            + [failure(template="hard") for _ in range(20)]
        )
        assert estimate(known, "new", "hard").p_success < estimate(known, "new", "easy").p_success

    def test_one_failure_does_not_condemn(self) -> None:
        known = memory(a=[success() for _ in range(40)], b=[failure()])
        assert 0.6 < estimate(known, "b").p_success < estimate(known, "a").p_success

    def test_many_outcomes_outweigh_what_is_usual(self) -> None:
        known = memory(a=[success()] * 200, b=[failure()] * 30)
        assert estimate(known, "b").p_success < 0.15
        assert estimate(known, "a").p_success > 0.95

    def test_another_template_counts_half(self) -> None:
        same = memory(a=[failure()] * 4, b=[success()] * 30)
        other = memory(a=[failure(template="other")] * 4, b=[success()] * 30)
        assert estimate(same, "a").p_success < estimate(other, "a").p_success
        assert estimate(other, "a").p_success < estimate(other, "b").p_success

    def test_times_are_those_of_the_template(self) -> None:
        known = memory(a=[success(seconds=50)] * 40 + [success(template="big", seconds=3000)] * 40)
        assert estimate(known, "a").t_success_s == pytest.approx(50, rel=0.5)
        assert estimate(known, "a", "big").t_success_s == pytest.approx(3000, rel=0.2)

    def test_nothing_is_certain(self) -> None:
        known = memory(a=[success()] * 5000, b=[failure()] * 5000)
        assert estimate(known, "a").p_success <= P_MOST
        assert estimate(known, "b").p_success >= P_LEAST


class TestASiteThatIsDown:
    steady = [success(T0 - DAY_S)] * 200
    good = [success(T0 - DAY_S)] * 40
    mixed = [failure(T0 - DAY_S - 60)] * 20 + [success(T0 - DAY_S)] * 20

    def after(self, before: list[Outcome], failed: int, template: str = "vm") -> Estimate:
        last = [failure(T0 + number, template) for number in range(failed)]
        return estimate(memory(a=before + last, b=self.steady), "a")

    def test_is_not_taken_for_down_after_one_failure(self) -> None:
        assert self.after(self.good, 0).down == 0.0
        assert self.after(self.good, 1).down < 0.2

    def test_that_seldom_failed_is_given_up_after_three_failures(self) -> None:
        assert self.after(self.good, 3).down > 0.9
        assert self.after(self.good, 3).p_success < 0.15

    def test_that_often_fails_is_given_up_later(self) -> None:
        assert self.after(self.mixed, 3).down < 0.3
        assert self.after(self.mixed, 20).down > 0.9

    @pytest.mark.parametrize("before", ["good", "mixed"])
    def test_stays_so_while_it_fails_longer_than_is_remembered_one_by_one(
        self, before: str
    ) -> None:
        downs = [self.after(getattr(self, before), failed).down for failed in range(60)]
        assert downs == sorted(downs)

    def test_failures_of_another_template_count_half(self) -> None:
        assert self.after(self.good, 4, "other").down == pytest.approx(
            self.after(self.good, 2).down, abs=0.05
        )

    def test_is_up_again_with_the_next_success(self) -> None:
        known = [*self.good, *(failure(T0 + number) for number in range(5)), success(T0 + 10)]
        assert estimate(memory(a=known), "a").down == 0.0

    def test_is_thought_of_as_up_again_by_and_by(self) -> None:
        known = memory(a=self.good + [failure(T0)] * 5, b=self.steady)
        downs = [
            estimate(known.at(T0 + hours * 3600), "a").down for hours in (-1, 0, 1, 12, 24, 240)
        ]
        assert downs[0] == downs[1] == estimate(known, "a").down
        assert downs[1:] == sorted(downs[1:], reverse=True)
        assert downs[3] == pytest.approx(downs[1] / math.e)
        assert downs[-1] < 0.01

    def test_what_others_remember_is_left_as_it_is(self) -> None:
        known = memory(a=self.good + [failure(T0)] * 5)
        before = estimate(known, "a")
        known.at(T0 + 1e6)
        assert estimate(known, "a") == before


class TestTheOrder:
    def test_fast_and_sure_comes_before_slow_and_sure(self) -> None:
        known = memory(fast=[success(seconds=60)] * 20, slow=[success(seconds=900)] * 20)
        assert points(known, "fast") > points(known, "slow")

    def test_failing_slowly_is_worse_than_failing_at_once(self) -> None:
        half = [success()] * 20
        known = memory(
            at_once=half + [failure(seconds=2)] * 20, slow=half + [failure(seconds=3600)] * 20
        )
        assert points(known, "at_once") > points(known, "slow")

    def test_failing_at_once_is_not_rewarded(self) -> None:
        known = memory(
            good=[success(seconds=300)] * 20, bad=[failure(seconds=1)] * 18 + [success()] * 2
        )
        assert points(known, "good") > points(known, "bad")

    @pytest.mark.parametrize("good_before", [20, 200, 2000])
    def test_a_provider_that_begins_to_fail_drops_within_twenty_outcomes(
        self, good_before: int
    ) -> None:
        steady = [success(T0 - DAY_S)] * 17 + [failure(T0 - DAY_S)] * 3
        before = [success(T0 - DAY_S)] * good_before
        assert points(memory(a=before, b=steady), "a") > points(memory(a=before, b=steady), "b")
        for failed in range(1, 21):
            known = memory(a=before + [failure(T0 + n) for n in range(failed)], b=steady)
            if points(known, "a") < points(known, "b"):
                assert failed <= 10
                return
        pytest.fail("it did not drop")

    def test_what_failed_a_month_ago_is_forgotten(self) -> None:
        known = memory(a=[failure(T0 - 31 * DAY_S)] * 20, b=[success()] * 20)
        assert points(known, "a") == points(known, "new")


outcomes = st.builds(
    lambda day, name, good, seconds: (success if good else failure)(
        T0 - day * DAY_S, name, seconds
    ),
    st.floats(0, 35),
    st.sampled_from(["vm", "cluster"]),
    st.booleans(),
    st.floats(0, 5000),
)
some_outcomes = st.lists(outcomes, max_size=60)


@given(st.dictionaries(st.sampled_from("abc"), some_outcomes), st.sampled_from(["vm", "new"]))
def test_every_estimate_is_a_number_in_its_bounds(sites: dict[str, Any], template: str) -> None:
    known = memory(**sites)
    for name in "abcd":
        one = estimate(known, name, template)
        assert P_LEAST <= one.p_success <= P_MOST
        assert 0 <= one.t_success_s <= 5000
        assert 0 <= one.t_failure_s <= 5000
        assert 0 < points(known, name, template) <= 1
        assert math.isfinite(expected_s(one, COST_S))


def no_better(more: list[Outcome], less: list[Outcome], others: list[Outcome]) -> bool:
    known = memory(a=more, b=less, c=others)
    shares = estimate(known, "a").p_success, estimate(known, "b").p_success
    return points(known, "a") <= points(known, "b") + 1e-12 and shares[0] <= shares[1] + 1e-12


@given(some_outcomes, some_outcomes, st.integers(1, 50))
def test_failures_after_all_else_never_rank_better(
    before: list[Outcome], others: list[Outcome], more: int
) -> None:
    # no shorter than what failures take anywhere: a shorter one would lower the time lost
    last = [failure(T0 + 1 + number, "vm", 5000.0) for number in range(more)]
    assert no_better(before + last, before, others)


@given(some_outcomes, some_outcomes, st.lists(st.floats(0, 29), min_size=1, max_size=50))
def test_earlier_failures_never_rank_a_site_better_that_is_up(
    equal: list[Outcome], others: list[Outcome], days: list[float]
) -> None:
    up = [*equal, success(T0 + 1)]
    more = [failure(T0 - day * DAY_S, "vm", 5000.0) for day in days]
    assert no_better(up + more, up, others)


@given(some_outcomes, some_outcomes, st.integers(1, 30))
def test_more_successes_as_fast_as_any_never_rank_worse(
    equal: list[Outcome], others: list[Outcome], more: int
) -> None:
    known = memory(a=equal + [success(T0, "vm", 0.0)] * more, b=equal, c=others)
    assert points(known, "a") >= points(known, "b") - 1e-12
