"""Token buckets: so many at once, so many a second, in bounded memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.buckets import TokenBuckets


def test_a_burst_passes_and_then_what_the_rate_allows() -> None:
    buckets = TokenBuckets(rate=2, burst=3, most=10)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert buckets.take("a", 0.5) == 0.0
    assert buckets.take("a", 0.5) == 0.5


def test_the_time_that_is_told_is_enough() -> None:
    buckets = TokenBuckets(rate=0.1, burst=1, most=10)
    buckets.take("a", 0.0)
    wait = buckets.take("a", 3.0)
    assert wait == pytest.approx(7.0)
    assert buckets.take("a", 3.0 + wait - 0.01) > 0
    assert buckets.take("a", 3.0 + wait) == 0.0


def test_who_is_refused_loses_nothing_by_asking() -> None:
    buckets = TokenBuckets(rate=1, burst=1, most=10)
    buckets.take("a", 0.0)
    for moment in (0.1, 0.5, 0.9):
        assert buckets.take("a", moment) > 0
    assert buckets.take("a", 1.0) == 0.0


def test_callers_do_not_take_from_each_other() -> None:
    buckets = TokenBuckets(rate=1, burst=1, most=10)
    assert buckets.take("a", 0.0) == 0.0
    assert buckets.take("b", 0.0) == 0.0
    assert buckets.take("a", 0.0) > 0


def test_the_one_that_was_silent_for_longest_is_forgotten() -> None:
    buckets = TokenBuckets(rate=0.001, burst=1, most=2)
    for moment, key in enumerate("abac"):
        buckets.take(key, float(moment))
    assert len(buckets) == 2
    assert buckets.take("a", 4.0) > 0
    assert buckets.take("b", 4.0) == 0.0


@given(st.lists(st.floats(0, 5), min_size=1, max_size=60), st.integers(1, 5), st.floats(0.5, 20))
def test_never_more_pass_than_burst_and_rate_allow(
    pauses: list[float], burst: int, rate: float
) -> None:
    buckets, now, passed = TokenBuckets(rate, burst, 10), 0.0, 0
    for pause in pauses:
        now += pause
        passed += buckets.take("a", now) == 0.0
    assert passed <= burst + rate * now + 1e-6
