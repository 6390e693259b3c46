"""The index behind lists gives what filtering and sorting all rows would give."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lifecycle import T0

from paas_stream.access import Action, Caller, Thing, may
from paas_stream.lifecycle.deployment import DeploymentRow, Ending
from paas_stream.lifecycle.listing import Facet, Key, Order, Property, Query, Viewer, searched
from tables.listing import Listing

UUIDS = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(12)]


def row(uuid: str = UUIDS[0], **fields: Any) -> DeploymentRow:
    made = DeploymentRow(
        uuid, T0, T0, created=T0, issuer="i", subject="alice", template_name="one machine"
    )
    return replace(made, **fields)


moments = st.sampled_from([T0, T0 + 1, T0 + 2])
rows = st.builds(
    row,
    uuid=st.sampled_from(UUIDS),
    created=st.none() | moments,
    updated=moments,
    subject=st.sampled_from(["alice", "bob"]),
    user_group=st.sampled_from([None, "physics"]),
    provider_name=st.sampled_from([None, "site-a", "site-b"]),
    template_name=st.sampled_from(["", "one machine"]),
    create_end=st.sampled_from([None, Ending(True, T0 + 2), Ending(False, T0, "No quota")]),
)
queries = st.builds(
    Query,
    owner=st.sampled_from([None, ("i", "alice"), ("i/", "bob"), ("i", "nobody")]),
    user_group=st.sampled_from([None, "physics"]),
    statuses=st.sampled_from([frozenset(), frozenset({"CREATE_FAILED"})]),
    excluded=st.sampled_from([frozenset(), frozenset({"CREATE_COMPLETE"})]),
    provider_name=st.sampled_from([None, "site-a"]),
    template_name=st.sampled_from([None, "one machine"]),
    text=st.sampled_from(["", "quota", "site"]),
    created_from=st.sampled_from([None, T0 + 1]),
    created_to=st.sampled_from([None, T0 + 2]),
)
viewers = st.none() | st.builds(
    Viewer,
    st.sampled_from([("i", "alice"), ("i", "bob"), ("i", "nobody")]),
    st.sampled_from([frozenset(), frozenset({"physics", "biology"})]),
)
orders = st.builds(Order, st.sampled_from(Property), st.booleans())


def sorted_anew(
    all_rows: Iterable[DeploymentRow], query: Query, order: Order, viewer: Viewer | None
) -> list[Key]:
    meant = [
        (order.by.of(one), one.uuid)
        for one in all_rows
        if one.created is not None
        and query.admits_facet(Facet.of(one))
        and (viewer is None or viewer.may_look_at(Facet.of(one)))
        and query.admits(one.created, searched(one))
    ]
    return sorted(meant, reverse=order.descending)


@given(
    st.lists(rows, max_size=30),
    st.sets(st.sampled_from(UUIDS)),
    queries,
    viewers,
    orders,
    st.data(),
)
async def test_every_stretch_is_as_if_all_rows_were_filtered_and_sorted(
    stored: list[DeploymentRow],
    removed: set[str],
    query: Query,
    viewer: Viewer | None,
    order: Order,
    data: st.DataObject,
) -> None:
    listing, known = Listing(), {}
    for one in stored:
        if one.created is None and one.uuid in known:
            continue  # a request that has come does not go again
        known[one.uuid] = one
        listing.put(one)
    for uuid in removed:
        known.pop(uuid, None)
        listing.remove(uuid)
    wanted = sorted_anew(known.values(), query, order, viewer)
    limit = data.draw(st.integers(0, 12))
    after = data.draw(st.none() | st.sampled_from(wanted)) if wanted else None
    included = data.draw(st.booleans())
    options = {"included": included, "viewer": viewer}
    found = await listing.select(query, order, limit, after, **options)
    begin = 0 if after is None else wanted.index(after) + (not included)
    assert [key for key, _ in found.rows] == wanted[begin : begin + limit]
    assert found.total == len(wanted)
    assert all(known[key[1]] == one for key, one in found.rows)
    filled = Listing()
    await filled.fill(known.values())
    assert await filled.select(query, order, limit, after, **options) == found


async def test_a_bookmark_whose_deployment_has_gone_still_names_its_place() -> None:
    listing = Listing()
    for number, uuid in enumerate(UUIDS[:3]):
        listing.put(row(uuid, created=T0 + number))
    listing.remove(UUIDS[1])
    found = await listing.select(Query(), Order(), 5, (T0 + 1, UUIDS[1]))
    assert [key[1] for key, _ in found.rows] == [UUIDS[0]]


@pytest.mark.parametrize("query", [Query(), Query(text="machine")])
async def test_what_may_not_be_seen_is_neither_listed_nor_counted(query: Query) -> None:
    listing = Listing()
    for uuid, subject in zip(UUIDS, ["alice", "bob", "bob"], strict=False):
        listing.put(row(uuid, subject=subject))
    found = await listing.select(query, Order(), 9, viewer=Viewer(("i", "alice")))
    assert found.total == 1
    assert [one.subject for _, one in found.rows] == ["alice"]


async def test_nothing_is_left_of_what_was_removed() -> None:
    listing = Listing()
    for uuid in UUIDS:
        listing.put(row(uuid))
        listing.put(row(uuid, provider_name="site-a"))
    for uuid in UUIDS:
        listing.remove(uuid)
    assert not any((listing._entries, *listing._members.values()))
    assert not any(listing._orders.values())


@given(rows, viewers)
def test_who_may_look_is_what_the_policy_says(one: DeploymentRow, viewer: Viewer | None) -> None:
    if viewer is not None:
        caller = Caller(*viewer.owner, groups=tuple(viewer.groups))
        thing = Thing(one.issuer, one.subject, one.user_group)
        assert viewer.may_look_at(Facet.of(one)) is may(caller, Action.LOOK, thing)
