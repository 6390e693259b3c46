"""Which messages about providers are sent, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.feeding import feeder_message

from paas_stream.errors import PermanentError
from paas_stream.records import Feeder
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.feeding import Sent, is_awaited
from paas_stream.selection.rows import ProviderRow

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONOTONIC_S = 5000.0  # at T0
HEARTBEAT_S = 300.0
INTERVAL_S = 60.0
NOBODY = Catalog()


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def message(read: float, **fields: Any) -> Feeder:
    """What was read of a provider so many seconds after T0."""
    return feeder_message(at(read), **fields)


def catalog(known: Feeder, received: float) -> Catalog:
    return Catalog([ProviderRow(known, at(received))])


@pytest.fixture
def sent() -> Sent:
    return Sent(HEARTBEAT_S, INTERVAL_S)


def is_due(sent: Sent, one: Feeder, now: float, known: Catalog = NOBODY) -> bool:
    return sent.due([one], known, MONOTONIC_S + now, at(now)) == [one]


def send(sent: Sent, one: Feeder, now: float) -> None:
    sent.add(one, MONOTONIC_S + now)


def test_what_is_new_is_sent_at_once(sent: Sent) -> None:
    assert is_due(sent, message(0), 0)


def test_what_is_the_same_is_sent_again_as_a_heartbeat(sent: Sent) -> None:
    send(sent, message(0), 0)
    assert not is_due(sent, message(HEARTBEAT_S - 1), HEARTBEAT_S - 1)
    assert is_due(sent, message(HEARTBEAT_S), HEARTBEAT_S)


def test_what_has_changed_is_sent_after_an_interval(sent: Sent) -> None:
    send(sent, message(0), 0)
    moved = {"provider_endpoint": "https://moved"}
    assert not is_due(sent, message(INTERVAL_S - 1, **moved), INTERVAL_S - 1)
    assert is_due(sent, message(INTERVAL_S, **moved), INTERVAL_S)


class TestWhatIsRefused:
    def refuse(self, sent: Sent, now: float, fault: str = "site-a: too large") -> bool:
        return sent.add(message(now), MONOTONIC_S + now, PermanentError(fault))

    def test_is_told_once_for_as_long_as_it_is(self, sent: Sent) -> None:
        told = [self.refuse(sent, number * HEARTBEAT_S) for number in range(3)]
        assert told == [True, False, False]

    def test_is_tried_again_as_a_heartbeat(self, sent: Sent) -> None:
        self.refuse(sent, 0)
        assert not is_due(sent, message(HEARTBEAT_S - 1), HEARTBEAT_S - 1)
        assert is_due(sent, message(HEARTBEAT_S), HEARTBEAT_S)

    def test_is_told_again_when_it_has_another_fault_or_was_sent_since(self, sent: Sent) -> None:
        assert self.refuse(sent, 0)
        assert self.refuse(sent, 1, "site-a: too old")
        send(sent, message(2), 2)
        assert self.refuse(sent, 3, "site-a: too old")

    def test_is_told_by_each_worker_that_sends(self, sent: Sent) -> None:
        assert self.refuse(sent, 0)
        sent.clear()
        assert self.refuse(sent, 1)


def test_a_reading_is_no_second_sign_of_life(sent: Sent) -> None:
    send(sent, message(0), 0)
    assert not is_due(sent, message(0), 10 * HEARTBEAT_S)


@pytest.mark.parametrize(("age", "due"), [(HEARTBEAT_S - 1, False), (HEARTBEAT_S, True)])
def test_what_the_catalog_has_counts_as_sent_when_it_came(
    sent: Sent, age: float, *, due: bool
) -> None:
    assert is_due(sent, message(age), age, catalog(message(0), 0)) is due


def test_a_row_of_a_clock_that_is_ahead_counts_as_of_now(sent: Sent) -> None:
    known = catalog(message(0), 3600)
    assert not is_due(sent, message(1), 1, known)
    assert is_due(sent, message(1 + HEARTBEAT_S), 1 + HEARTBEAT_S, known)


def test_what_is_news_to_the_catalog_is_sent_at_once(sent: Sent) -> None:
    moved = message(1, provider_endpoint="https://moved")
    assert is_due(sent, moved, 1, catalog(message(0), 0))


def test_a_worker_that_has_forgotten_goes_by_the_catalog(sent: Sent) -> None:
    send(sent, message(0), 0)
    sent.clear()
    another = catalog(message(100), 100)  # sent by the other worker meanwhile
    assert not is_due(sent, message(HEARTBEAT_S), HEARTBEAT_S, another)
    assert is_due(sent, message(100 + HEARTBEAT_S), 100 + HEARTBEAT_S, another)


def test_that_a_provider_is_out_of_service_is_told_once_and_to_who_knows_it_only(
    sent: Sent,
) -> None:
    closed = message(1, status="maintenance")
    assert not is_due(sent, closed, 1)
    assert is_due(sent, closed, 1, catalog(message(0), 0))
    later = message(1 + HEARTBEAT_S, status="maintenance")
    assert not is_due(sent, later, 1 + HEARTBEAT_S, catalog(closed, 1))


class TestTheFirstProvider:
    ACTIVE = feeder_message(T0)
    CLOSED = feeder_message(T0, status="maintenance")

    def test_is_awaited_when_it_is_about_to_be_sent(self) -> None:
        messages = [self.CLOSED, self.ACTIVE]
        assert is_awaited(NOBODY, messages, is_first_reading_awaited=False)
        assert not is_awaited(NOBODY, messages[:1], is_first_reading_awaited=False)

    def test_is_awaited_as_long_as_sites_are_read_for_the_first_time(self) -> None:
        assert is_awaited(NOBODY, [], is_first_reading_awaited=True)
        assert not is_awaited(NOBODY, [], is_first_reading_awaited=False)

    def test_is_not_awaited_when_one_is_known(self) -> None:
        known = catalog(self.CLOSED, 0)
        assert not is_awaited(known, [self.ACTIVE], is_first_reading_awaited=True)
