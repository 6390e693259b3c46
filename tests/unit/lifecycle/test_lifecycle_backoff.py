"""The waits between tries."""

import pytest

from paas_stream.lifecycle.backoff import Backoff

BACKOFF = Backoff(first_s=1.0, most_s=60.0)


@pytest.mark.parametrize(
    ("tries", "full_s"),
    [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), (33, 60), (1000, 60), (10**9, 60)],
)
def test_the_wait_doubles_up_to_the_longest_and_jitter_takes_at_most_half(
    tries: int, full_s: float
) -> None:
    for salt in range(200):
        assert full_s / 2 <= BACKOFF.delay(tries, f"uuid/{salt}") <= full_s


def test_the_same_row_waits_the_same_after_a_replay() -> None:
    assert BACKOFF.delay(3, "uuid/1") == BACKOFF.delay(3, "uuid/1")


def test_rows_that_failed_together_do_not_come_back_together() -> None:
    waits = {round(BACKOFF.delay(7, f"uuid-{number}/1"), 1) for number in range(500)}
    assert len(waits) > 150


def test_the_tries_of_one_row_are_spread_too() -> None:
    shares = {BACKOFF.delay(tries, "uuid/1") / 60.0 for tries in range(7, 30)}
    assert len(shares) > 15


@pytest.mark.parametrize("tries", [0, -5])
def test_no_number_of_tries_makes_it_zero_or_negative(tries: int) -> None:
    assert BACKOFF.delay(tries, "x") > 0
