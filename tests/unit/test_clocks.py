"""Moments that other machines tell, by the clock of this one."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from paas_stream.clocks import not_ahead

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


class TestAMomentThatWasTold:
    @pytest.mark.parametrize("ago", [timedelta(0), timedelta(seconds=1), timedelta(days=10_000)])
    def test_counts_as_it_is_when_it_has_come(self, ago: timedelta) -> None:
        assert not_ahead(NOW - ago, NOW) == NOW - ago

    @pytest.mark.parametrize("ahead", [timedelta(microseconds=1), timedelta(days=300_000)])
    def test_counts_as_now_when_it_is_still_to_come(self, ahead: timedelta) -> None:
        assert not_ahead(NOW + ahead, NOW) == NOW

    def test_is_compared_as_a_moment_whatever_its_zone(self) -> None:
        east = timezone(timedelta(hours=5))
        assert not_ahead(NOW.astimezone(east), NOW + timedelta(hours=1)) == NOW

    def test_may_be_seconds_since_the_epoch(self) -> None:
        assert (not_ahead(99.5, 100.0), not_ahead(100.5, 100.0)) == (99.5, 100.0)
