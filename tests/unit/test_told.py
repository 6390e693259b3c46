"""Faults that come again and again."""

import pytest

from paas_stream.errors import ConfigurationError
from paas_stream.told import Told


def test_a_fault_is_told_once_for_as_long_as_it_is_the_same_one() -> None:
    it = Told()
    told = [None, ValueError("a"), ValueError("a"), ValueError("b"), None, None, ValueError("b")]
    assert [it.is_news(one) for one in told] == [False, True, False, True, True, False, True]


def test_a_fault_that_comes_back_is_news() -> None:
    it = Told()
    assert it.is_news(ValueError("a"))
    it.forget()
    assert it.is_news(ValueError("a"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ConfigurationError("a file is gone"), ConfigurationError("a file is broken")),
        (TimeoutError(), ConnectionError()),  # without a word
    ],
)
def test_another_fault_is_news(one: Exception, other: Exception) -> None:
    it = Told()
    assert it.is_news(one)
    assert it.is_news(other)
