"""The circuit breaker of a provider."""

import pytest

from paas_stream.lifecycle.breaker import Breaker, BreakerPolicy

POLICY = BreakerPolicy(failures=3, open_s=120.0)
T0 = 1_800_000_000.0


def after(*story: str) -> Breaker:
    """`f` failure, `s` success, one each second from T0."""
    breaker = Breaker()
    for second, what in enumerate(story):
        now = T0 + second
        breaker = breaker.failed(now, POLICY) if what == "f" else breaker.succeeded()
    return breaker


@pytest.mark.parametrize(
    ("story", "wait_s"),
    [
        ("", 0.0),
        ("f", 0.0),
        ("ff", 0.0),
        ("fff", 119.0),  # open from the third failure on
        ("ffs", 0.0),
        ("ffsff", 0.0),
        ("fffs", 0.0),
        ("ffffff", 122.0),
    ],
)
def test_it_opens_after_failures_in_a_row(story: str, wait_s: float) -> None:
    assert after(*story).wait_s(T0 + 3.0) == wait_s


def test_it_lets_through_again_when_its_time_is_over() -> None:
    breaker = after("f", "f", "f")
    assert breaker.wait_s(T0 + 121.9) > 0
    assert breaker.wait_s(T0 + 122.0) == 0.0


def test_one_failure_after_that_opens_it_again() -> None:
    later = T0 + 500.0
    assert after("f", "f", "f").failed(later, POLICY).wait_s(later) == POLICY.open_s


def test_a_success_after_that_closes_it() -> None:
    later = T0 + 500.0
    breaker = after("f", "f", "f").succeeded().failed(later, POLICY)
    assert breaker.wait_s(later) == 0.0


def test_a_policy_of_one_opens_at_the_first_failure() -> None:
    assert Breaker().failed(T0, BreakerPolicy(1, 10.0)).wait_s(T0) == 10.0
