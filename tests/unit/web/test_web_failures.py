"""Guessing is slowed down, by the address that it comes from."""

import pytest

from paas_stream.auth_settings import LoginSettings
from web.failures import Failures


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(clock: Clock) -> Failures:
    return Failures(LoginSettings(failures=3, window_s=60, addresses=2), clock)


def test_after_so_many_an_address_waits_for_the_end_of_the_window(
    failures: Failures, clock: Clock
) -> None:
    for _ in range(3):
        assert failures.wait_s("a") is None
        failures.add("a")
    assert failures.wait_s("a") == 60
    assert failures.wait_s("b") is None
    clock.now += 59.5
    assert failures.wait_s("a") == 1
    clock.now += 0.5
    assert failures.wait_s("a") is None


def test_a_new_window_counts_anew(failures: Failures, clock: Clock) -> None:
    for _ in range(2):
        failures.add("a")
    clock.now += 60
    for _ in range(2):
        failures.add("a")
    assert failures.wait_s("a") is None


def test_only_so_many_addresses_are_remembered(failures: Failures) -> None:
    for address in ("a", "b", "a", "c", "a"):
        failures.add(address)
    assert len(failures) == 2
    assert failures.wait_s("a") == 60  # who goes on is not forgotten for those who come once
