"""What is known of a provider: the newest message, completed by what earlier ones could read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.feeding import feeder_message

from paas_stream.records import Feeder, Flavor, Network, Quota
from paas_stream.selection.last_known import LastKnown, is_news, join

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
SMALL = Flavor(name="small", vcpus=1, ram=1024)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def message(seconds: float | None = 0, **fields: Any) -> Feeder:
    return feeder_message(None if seconds is None else at(seconds), **fields)


def known(*messages: tuple[float, Feeder]) -> LastKnown:
    state: LastKnown | None = None
    for received, one in messages:
        state = join(state, one, at(received)) or state
    assert state is not None
    return state


def test_a_newer_message_takes_the_place_of_an_older_one() -> None:
    state = known((1, message(0, flavors=[SMALL])), (61, message(60)))
    assert state.feeder.flavors == ()
    assert state.received_at == at(61)


def test_a_message_that_was_overtaken_changes_nothing() -> None:
    before = known((61, message(60)))
    assert join(before, message(59), at(62)) is None
    assert join(before, message(60), at(62)) is not None


def test_a_message_from_the_future_holds_up_no_later_one() -> None:
    before = known((1, message(10**9)))
    assert before.feeder.timestamp == at(1)
    assert join(before, message(2), at(3)) is not None


def test_a_message_without_a_time_is_from_when_it_came() -> None:
    state = known((5, message(None)))
    assert state.feeder.timestamp == at(5)
    assert join(state, message(None), at(4)) is None


@pytest.mark.parametrize("part", ["flavors", "images", "networks", "storage_classes"])
def test_a_list_that_could_not_be_read_is_kept_with_its_age(part: str) -> None:
    item = {"flavors": SMALL}.get(part, Network(name="x").model_dump(include={"name"}))
    state = known(
        (1, message(0, **{part: [item]})),
        (61, message(60, **{part: None})),
        (121, message(120, **{part: None})),
    )
    assert [one.name for one in getattr(state.feeder, part)] == [getattr(item, "name", "x")]
    assert state.kept == {part: at(0)}
    assert state.feeder.unknown == ()
    assert known((1, state.feeder), (181, message(180, **{part: []}))).kept == {}


def test_quotas_of_a_kind_that_could_not_be_read_are_kept() -> None:
    first = message(
        0, quotas=[Quota(type="compute", cores=8), Quota(type="block-storage", gigabytes=10)]
    )
    second = message(60, quotas=[Quota(type="compute", cores=4)], unknown=["quotas/block-storage"])
    state = known((1, first), (61, second))
    assert {row.type: (row.cores, row.gigabytes) for row in state.feeder.quotas} == {
        "compute": (4, None),
        "block-storage": (None, 10),
    }


def test_what_was_never_read_stays_unknown() -> None:
    state = known((1, message(0, flavors=None)), (61, message(60, flavors=None)))
    assert state.feeder.unknown == ("flavors",)
    assert state.kept == {}


def test_a_part_that_only_a_later_version_has_stays_unknown() -> None:
    state = known((1, message(0)), (61, message(60, unknown=["shares"])))
    assert state.feeder.unknown == ("shares",)


def test_limits_of_users_are_those_of_the_newest_message() -> None:
    """The provider file has them: they are known when the provider's own quotas are not."""
    first = message(
        0,
        quotas=[Quota(type="compute", cores=8), Quota(type="compute", per_user=True, cores=4)],
    )
    second = message(
        60,
        quotas=[Quota(type="compute", per_user=True, cores=2)],
        unknown=["quotas/compute"],
    )
    state = known((1, first), (61, second))
    assert [(row.per_user, row.cores) for row in state.feeder.quotas] == [(True, 2), (False, 8)]


def test_limits_of_users_that_could_not_be_read_either_are_kept() -> None:
    first = message(0, quotas=[Quota(type="compute", per_user=True, cores=4)])
    state = known((1, first), (61, message(60, quotas=None)))
    assert [(row.per_user, row.cores) for row in state.feeder.quotas] == [(True, 4)]


class TestNewsIs:
    FULL = message(0, flavors=[SMALL], quotas=[Quota(type="compute", cores=8)])
    PARTIAL = message(60, quotas=[Quota(type="compute", cores=8)], flavors=None)

    def test_not_what_is_known_of_a_later_time(self) -> None:
        again = self.FULL.model_copy(update={"timestamp": at(60), "msg_version": "1.4.0"})
        assert not is_news(known((1, self.FULL)), again, at(61))

    def test_not_that_a_part_still_cannot_be_read(self) -> None:
        state = known((1, self.FULL), (61, self.PARTIAL))
        again = self.PARTIAL.model_copy(update={"timestamp": at(120)})
        assert not is_news(state, again, at(121))

    def test_not_what_is_older(self) -> None:
        assert not is_news(known((61, self.PARTIAL)), self.FULL, at(62))

    def test_another_content(self) -> None:
        assert is_news(known((1, self.FULL)), message(60, flavors=[SMALL]), at(61))
        moved = self.FULL.model_copy(update={"provider_endpoint": "https://b"})
        assert is_news(known((1, self.FULL)), moved, at(61))

    def test_that_a_part_cannot_be_read_or_is_read_again(self) -> None:
        assert is_news(known((1, self.FULL)), self.PARTIAL, at(61))
        again = self.FULL.model_copy(update={"timestamp": at(120)})
        assert is_news(known((1, self.FULL), (61, self.PARTIAL)), again, at(121))
