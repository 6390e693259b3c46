"""Quota in flight: who gets the room that is left, and until when it is held."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.records import Feeder, Quota, QuotaRequest
from paas_stream.selection import holds
from paas_stream.selection.holds import Decision, Hold
from paas_stream.selection.rows import ProviderRow

NOW = 1_800_000_000.0
EXPIRY = NOW + 3600.0


def at(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def site(
    *rows: Quota, read: float = NOW - 60, kept: Mapping[str, datetime] | None = None
) -> ProviderRow:
    feeder = Feeder(
        timestamp=at(read),
        provider_name="a",
        provider_type="openstack",
        provider_endpoint="https://a:5000/v3",
        region_name="north",
        project_id="p",
        user_group="demo",
        quotas=rows,
    )
    return ProviderRow(feeder, at(read), kept or {})


def cores(limit: float, used: float = 0.0, **fields: Any) -> tuple[Quota, ...]:
    return (
        Quota(type="compute", cores=limit, **fields),
        Quota(type="compute", usage=True, cores=used, **fields),
    )


def request(what: str, number: int = 1, *, at_s: float = 0.0, **fields: Any) -> QuotaRequest:
    fields = {"demand": {"cores": 2.0}, "owner": "alice", **fields} if what == "hold" else fields
    return QuotaRequest.model_validate(
        {
            "uuid": uuid(number),
            "timestamp": at(NOW + at_s),
            "attempt": 1,
            "request": what,
            "provider_name": "a",
            "region_name": "north",
            "project_id": "p",
            "expires_at": at(EXPIRY),
            **fields,
        }
    )


class Keeper:
    """All holds of one project, with decisions carried out."""

    def __init__(self, known: ProviderRow | None) -> None:
        self.site = known
        self.holds: dict[str, Hold] = {}

    def ask(self, what: QuotaRequest, now: float = NOW) -> Decision:
        decision = holds.decide(what, list(self.holds.values()), self.site, now)
        for key in decision.drop:
            del self.holds[key]
        if decision.put is not None:
            self.holds[decision.put.key] = decision.put
        return decision

    def grants(self, number: int, now: float = NOW, **fields: Any) -> bool | None:
        return self.ask(request("hold", number, **fields), now).granted


def test_the_room_that_is_left_is_promised_once() -> None:
    keeper = Keeper(site(*cores(4, used=1)))
    assert [keeper.grants(number) for number in (1, 2, 3)] == [True, False, False]


def test_who_is_refused_is_told_what_is_missing_and_that_others_hold_it() -> None:
    keeper = Keeper(site(*cores(4, used=1)))
    keeper.grants(1)
    assert keeper.ask(request("hold", 2)).reason == (
        "2 vCPUs are needed, 1 of 4 are free; what another deployment under way will take counts as used"
    )
    full = Keeper(site(*cores(4, used=4)))
    assert full.ask(request("hold", 2)).reason == "2 vCPUs are needed, 0 of 4 are free"


def test_a_request_that_comes_again_is_granted_again_and_holds_nothing_more() -> None:
    keeper = Keeper(site(*cores(2)))
    assert [keeper.grants(1), keeper.grants(1)] == [True, True]
    assert len(keeper.holds) == 1


@pytest.mark.parametrize(
    "known", [None, site(), site(*cores(-1))], ids=["unknown", "no row", "unlimited"]
)
def test_what_nothing_bounds_is_granted_and_not_held(known: ProviderRow | None) -> None:
    keeper = Keeper(known)
    assert [keeper.grants(1), keeper.grants(2)] == [True, True]
    assert keeper.holds == {}


def test_the_size_of_one_volume_is_a_cap_of_which_nothing_is_used() -> None:
    volume = {"per_volume_gigabytes": 10.0, "volumes": 1.0}
    keeper = Keeper(site(Quota(type="block-storage", per_volume_gigabytes=10, volumes=5)))
    assert [keeper.grants(number, demand=volume) for number in (1, 2)] == [True, True]
    assert keeper.holds[f"{uuid(1)}/1"].demand == {"volumes": 1.0}
    assert keeper.grants(3, demand=volume | {"per_volume_gigabytes": 11.0}) is False


def test_gpus_are_held_by_model() -> None:
    known = site(Quota(type="compute", gpus={"A100": 1, "T4": 8}))
    keeper = Keeper(known)
    wish = {"gpus": 1.0, "gpus:a100": 1.0}
    assert [keeper.grants(number, demand=wish) for number in (1, 2)] == [True, False]
    assert keeper.grants(3, demand={"gpus": 1.0, "gpus:t4": 1.0}) is True


def test_limits_of_a_user_count_what_that_user_holds() -> None:
    keeper = Keeper(site(*cores(100), Quota(type="compute", per_user=True, cores=2)))
    assert keeper.grants(1, owner="alice") is True
    assert keeper.grants(2, owner="alice") is False
    assert keeper.grants(3, owner="bob") is True


class TestAHoldEnds:
    @pytest.fixture
    def keeper(self) -> Keeper:
        keeper = Keeper(site(*cores(2)))
        assert keeper.grants(1) is True
        assert keeper.grants(2) is False
        return keeper

    def test_by_its_release(self, keeper: Keeper) -> None:
        keeper.ask(request("release", 1))
        assert keeper.grants(2) is True

    def test_by_its_release_only(self, keeper: Keeper) -> None:
        keeper.ask(request("release", 2))
        keeper.ask(request("release", 1, attempt=2))
        assert keeper.grants(2) is False

    def test_by_the_first_reading_that_began_after_its_machines_were_there(
        self, keeper: Keeper
    ) -> None:
        keeper.site = site(*cores(2), read=NOW + 10)
        assert keeper.grants(2, NOW + 11) is False, "they were not asked for yet"
        keeper.ask(request("created", 1, at_s=20))
        assert keeper.grants(2, NOW + 21) is False, "no reading has them yet"
        keeper.site = site(*cores(2), read=NOW + 19)
        assert keeper.grants(2, NOW + 22) is False, "it may have begun too early to have them"
        keeper.site = site(*cores(4, used=2), read=NOW + 21)
        assert keeper.grants(2, NOW + 23) is True
        assert keeper.grants(3, NOW + 24) is False

    def test_not_by_a_reading_that_could_not_read_quotas(self, keeper: Keeper) -> None:
        keeper.ask(request("created", 1, at_s=20))
        kept = {"quotas/compute": at(NOW - 60), "images": at(NOW - 60)}
        keeper.site = site(*cores(2), read=NOW + 30, kept=kept)
        assert keeper.grants(2, NOW + 31) is False

    def test_by_its_expiry(self, keeper: Keeper) -> None:
        later = {"expires_at": at(EXPIRY + 600)}
        assert keeper.grants(2, EXPIRY - 1, **later) is False
        assert keeper.grants(2, EXPIRY, **later) is True
        assert list(keeper.holds) == [f"{uuid(2)}/1"]

    def test_from_the_first_moment_told_at_which_its_machines_were_there(
        self, keeper: Keeper
    ) -> None:
        keeper.ask(request("created", 1, at_s=20))
        keeper.ask(request("created", 1, at_s=500))
        assert keeper.holds[f"{uuid(1)}/1"].created_at == NOW + 20


def test_what_is_created_or_released_without_a_hold_changes_nothing() -> None:
    keeper = Keeper(site(*cores(2)))
    for what in ("created", "release"):
        assert keeper.ask(request(what)) == Decision()


LIMITS = st.sampled_from([-1.0, 0.0, 3.0, 7.0])
DEMANDS = st.dictionaries(
    st.sampled_from(["cores", "ram", "instances"]), st.sampled_from([1.0, 2.0, 5.0]), min_size=1
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["hold", "hold", "hold", "created", "release", "crash"]),
        st.integers(0, 8),
        DEMANDS,
        st.sampled_from([0.0, 1.0, 4000.0]),
    ),
    max_size=40,
)


@given(cores=LIMITS, ram=LIMITS, used=st.sampled_from([0.0, 2.0]), steps=STEPS)
def test_what_is_used_and_held_is_never_more_than_the_limit(
    cores: float, ram: float, used: float, steps: list[tuple[str, int, dict[str, float], float]]
) -> None:
    """Whatever comes in whatever order, also again after the newest row was lost in a crash."""
    limits = {"cores": cores, "ram": ram}
    rows = (
        Quota(type="compute", **limits),
        Quota(type="compute", usage=True, cores=used, ram=used),
    )
    keeper = Keeper(site(*rows))
    now, before, last, told = NOW, {}, None, None
    for what, number, demand, seconds in steps:
        now += seconds
        if what == "crash" and last is not None:
            again = Keeper(keeper.site)
            again.holds = dict(before)
            assert again.ask(*last).granted == told
            keeper = again
        elif what != "crash":
            last = (request(what, number, demand=demand, expires_at=at(now + 3600)), now)
            before = dict(keeper.holds)
            told = keeper.ask(*last).granted
        for resource, limit in limits.items():
            live = [one for one in keeper.holds.values() if one.expires_at > now]
            held = sum(one.demand.get(resource, 0.0) for one in live)
            assert limit < 0 or not held or used + held <= limit


def test_a_replay_decides_the_same_again() -> None:
    keeper = Keeper(site(*cores(5)))
    asked = [request("hold", number) for number in range(4)]
    first = [keeper.ask(one).granted for one in asked]
    lost = Keeper(keeper.site)
    lost.holds = {key: replace(one) for key, one in list(keeper.holds.items())[:1]}
    assert [lost.ask(one).granted for one in asked] == first == [True, True, False, False]
