"""The best order when not all candidates can be tried, against trying out every one."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.ranking import orders
from paas_stream.ranking.history import Tally
from paas_stream.ranking.orders import Limits
from paas_stream.ranking.rates import Estimate, Sigma, expected_s

COST_S = 300.0


def guess(p: float, succeeds_s: float = 100.0, fails_s: float = 100.0) -> Estimate:
    return Estimate(p, succeeds_s, fails_s, Tally())


def limits(most: int | None = None, remaining_s: float | None = None) -> Limits:
    return Limits(most, remaining_s, COST_S, exhausted_s=7200.0)


@pytest.mark.parametrize(
    ("most", "remaining_s", "binds"),
    [
        (None, None, False),
        (2, None, False),
        (3, None, False),
        (1, None, True),
        (None, 1e9, False),
        (None, 301.0, False),  # two failures, then a success
        (None, 299.0, True),
    ],
)
def test_limits_bind_when_not_all_can_be_tried(
    most: int | None, remaining_s: float | None, binds: bool
) -> None:
    assert limits(most, remaining_s).bind([guess(0.5), guess(0.5)]) is binds


def test_no_candidate_and_no_limit_is_no_trouble() -> None:
    assert not limits(1, 5.0).bind([])
    assert orders.best([], limits(1)) == []


def test_with_one_try_the_surer_one_is_taken_although_the_other_is_expected_sooner() -> None:
    quick, sure = guess(0.3, 10, 1), guess(0.95, 1000, 1000)
    assert expected_s(quick, COST_S) < expected_s(sure, COST_S)
    assert orders.best([quick, sure], limits(most=1)) == [1, 0]


def test_what_cannot_succeed_in_time_is_not_tried_first() -> None:
    slow, quick = guess(0.99, 5000, 10), guess(0.6, 100, 100)
    assert orders.best([slow, quick], limits(remaining_s=600)) == [1, 0]


def test_what_takes_a_little_too_long_on_the_mean_may_succeed_in_time() -> None:
    slow, hopeless = guess(0.95, 650, 600), guess(0.1, 100, 100)
    exact = limits(remaining_s=600)
    assert orders.best([slow, hopeless], exact) == [1, 0]
    assert orders.best([slow, hopeless], replace(exact, sigma=Sigma(0.4, 0.4))) == [0, 1]


def test_with_times_that_scatter_the_time_left_is_all_that_can_be_spent() -> None:
    hopeless = guess(0.5, 1e6, 1e6)
    limit = Limits(None, 600.0, 0.0, exhausted_s=7200.0, sigma=Sigma(0.5, 0.5))
    assert orders.cost_s([hopeless] * 3, limit) == pytest.approx(7800.0)


def test_with_much_time_left_scatter_changes_nothing() -> None:
    some = [guess(0.5, 10, 20), guess(0.7, 30, 5), guess(0.9, 50, 40)]
    free, late = limits(), replace(limits(remaining_s=1e9), sigma=Sigma(0.4, 0.6))
    for order in permutations(some):
        assert orders.cost_s(order, late) == pytest.approx(orders.cost_s(order, free))


def test_of_equal_orders_the_given_one_stays() -> None:
    assert orders.best([guess(0.5)] * 4, limits(most=2)) == [0, 1, 2, 3]


guesses = st.builds(guess, st.floats(0.02, 0.995), st.floats(1, 5000), st.floats(1, 5000))


@given(st.lists(guesses, min_size=1, max_size=5))
def test_without_a_binding_limit_the_expected_time_gives_the_best_order(
    given_guesses: list[Estimate],
) -> None:
    ordered = sorted(given_guesses, key=lambda one: expected_s(one, COST_S))
    cost = orders.cost_s(ordered, limits())
    least = min(orders.cost_s(order, limits()) for order in permutations(given_guesses))
    assert cost == pytest.approx(least)


@given(
    st.lists(guesses, min_size=1, max_size=5),
    st.integers(1, 5),
    st.one_of(st.none(), st.floats(0, 10_000)),
)
def test_the_best_order_has_all_and_costs_least(
    given_guesses: list[Estimate], most: int, remaining_s: float | None
) -> None:
    limit = limits(most, remaining_s)
    best = orders.best(given_guesses, limit)
    assert sorted(best) == list(range(len(given_guesses)))
    tried = min(most, len(best))
    cost = orders.cost_s([given_guesses[place] for place in best[:tried]], limit)
    assert cost == pytest.approx(
        min(orders.cost_s(order, limit) for order in permutations(given_guesses, tried))
    )
