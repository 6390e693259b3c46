"""What is said of the sites whose API is read, from what was read of them last."""

from datetime import UTC, datetime, timedelta

import pytest
from support.provider_files import cluster

from paas_stream.records.feeder import PARTS
from paas_stream.selection.readings import Reading, Site
from paas_stream.selection.site_states import SiteState, SiteStates

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
READ_AT = NOW - timedelta(seconds=40)


def due(states: SiteStates, now: float, *sites: Site) -> dict[str, SiteState]:
    return {one.provider.name: state for one, state in states.due(sites, now)}


@pytest.fixture
def states() -> SiteStates:
    return SiteStates()


def test_sites_in_service_are_read_at_once_and_then_when_they_are_due(states: SiteStates) -> None:
    sites = cluster("a"), cluster("b"), cluster("c", "maintenance")
    found = due(states, 0.0, *sites)
    assert found.keys() == {"a", "b"}
    found["a"].due = 60.0
    assert due(states, 59.0, *sites).keys() == {"b"}
    assert due(states, 60.0, *sites).keys() == {"a", "b"}


def test_a_site_that_comes_again_is_begun_anew(states: SiteStates) -> None:
    due(states, 0.0, cluster("a"))["a"].due = 60.0
    assert due(states, 1.0) == {}
    assert due(states, 2.0, cluster("a")).keys() == {"a"}


def test_of_a_site_is_said_what_was_read_last_and_when_and_before_that_nothing(
    states: SiteStates,
) -> None:
    one = cluster("a")
    state = due(states, 0.0, one)["a"]
    assert list(states.messages((one,), NOW)) == []
    state.read(Reading({"storage_classes": ()}, {"flavors": "403"}), READ_AT)
    (said,) = states.messages((one,), NOW)
    assert (said.provider_name, said.provider_type) == ("a", "kubernetes")
    assert (said.timestamp, said.unknown) == (READ_AT, ("flavors",))


def test_that_a_site_is_out_of_service_is_said_now_and_nothing_else_is_known_of_it(
    states: SiteStates,
) -> None:
    one = cluster("a", "maintenance")
    assert due(states, 0.0, one) == {}
    (said,) = states.messages((one,), NOW)
    assert (said.status, said.timestamp) == ("maintenance", NOW)
    assert said.unknown == tuple(sorted(PARTS))


def test_the_first_reading_is_awaited_of_sites_in_service_only(states: SiteStates) -> None:
    sites = cluster("a"), cluster("b", "maintenance")
    assert states.is_first_awaited(sites)
    due(states, 0.0, *sites)["a"].is_tried = True
    assert not states.is_first_awaited(sites)
    assert states.is_first_awaited((*sites, cluster("c")))
