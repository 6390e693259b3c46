"""No training row knows its own outcome, or one that was told after its request.

A random history of requests is played through chain, join and memory. Then what lies in the future of
a request is changed, shuffled and cut off: all that was written of earlier requests stays the same.
"""

from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.events import uuid_number
from support.lifecycle import T0
from support.played import SITES, Asked, Played, play

from paas_stream.ranking import features, training_rows

DAY_S = 86400.0
ends = st.fixed_dictionaries(
    {site: st.tuples(st.booleans(), st.floats(1, 2 * DAY_S)) for site in SITES}
)
histories = st.lists(
    st.tuples(st.floats(0, 10 * DAY_S), ends, st.sampled_from(["vm", "cluster"])),
    min_size=2,
    max_size=12,
    unique_by=lambda one: one[0],
).map(
    lambda drawn: [
        Asked(T0 + at, uuid_number(place), how, {"site-a": at % 100}, template)
        for place, (at, how, template) in enumerate(sorted(drawn, key=lambda one: one[0]))
    ]
)
some = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def served(played: Played, uuid: str) -> Any:
    """What was known of each provider at the request."""
    return [(one.provider_name, one.features) for one in played.rankings[uuid].ranked_providers]


def told(played: Played, until: float) -> list[dict[str, Any]]:
    """The training rows that were written by then."""
    return [one.model_dump() for one in played.records if one.timestamp.timestamp() < until]


@some
@given(histories, st.data())
def test_what_is_changed_in_the_future_changes_nothing_before(
    history: list[Asked], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(history) - 1))
    asked = history[place]
    future = data.draw(st.permutations(history[place + 1 :]))
    shuffled = [
        replace(one, ends=data.draw(ends), at=old.at)
        for one, old in zip(future, history[place + 1 :], strict=True)
    ]
    own = replace(asked, ends=data.draw(ends))  # its own outcomes, too
    before = play(history)
    for changed in ([*history[:place], own, *shuffled], [*history[:place], own]):
        after = play(changed)
        for one in history[: place + 1]:
            assert served(after, one.uuid) == served(before, one.uuid)
        assert told(after, asked.at) == told(before, asked.at)


@some
@given(histories, st.data())
def test_outcomes_that_are_told_after_a_request_are_not_in_its_rows(
    history: list[Asked], data: st.DataObject
) -> None:
    asked = history[-1]
    before = play(history)
    told_by_then = {(one.uuid, one.provider_name) for one in told_rows(before, asked.at)}
    late = [
        replace(
            one,
            ends={
                site: how
                if (one.uuid, site) in told_by_then
                else (not how[0], max(how[1], asked.at - one.at + 1))
                for site, how in one.ends.items()
            },
        )
        for one in history
    ]
    assert served(play(late), asked.uuid) == served(before, asked.uuid)


def told_rows(played: Played, until: float) -> list[Any]:
    return [one for one in played.records if one.timestamp.timestamp() <= until]


@some
@given(histories)
def test_a_training_row_is_what_was_served(history: list[Asked]) -> None:
    played = play(history)
    assert {one.uuid for one in played.records} == {one.uuid for one in history}
    for one in played.records:
        row = dict(served(played, one.uuid))[one.provider_name]
        assert one.features == row
        assert len(row) == len(features.NAMES)
    read = training_rows.read(played.records)
    assert len(read.rows) == len(played.records)
    assert list(read.rows.asked_at) == sorted(read.rows.asked_at)
