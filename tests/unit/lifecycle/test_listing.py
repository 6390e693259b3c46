"""Lists of deployments: orders, bookmarks and what a query admits."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from support.lifecycle import T0, UUID

from paas_stream.errors import PermanentError
from paas_stream.lifecycle.deployment import DeploymentRow, Ending
from paas_stream.lifecycle.listing import Facet, Order, Property, Query, searched

ROW = DeploymentRow(
    UUID,
    first_seen=T0,
    updated=T0 + 9,
    created=T0,
    issuer="https://issuer",
    subject="alice",
    user_group="physics",
    template_name="One Machine",
    provider_name="site-a",
    create_end=Ending(False, T0 + 9, "No QUOTA left"),
)


class TestAnOrder:
    @pytest.mark.parametrize(
        ("by", "value"),
        [
            (Property.CREATED, T0),
            (Property.UPDATED, T0 + 9),
            (Property.STATUS, "CREATE_FAILED"),
            (Property.PROVIDER, "site-a"),
            (Property.TEMPLATE, "One Machine"),
        ],
    )
    def test_is_by_a_property(self, by: Property, value: Any) -> None:
        assert by.of(ROW) == value

    def test_puts_first_what_has_no_value(self) -> None:
        assert Property.PROVIDER.of(replace(ROW, provider_name=None)) == ""

    @pytest.mark.parametrize("by", Property)
    @pytest.mark.parametrize("descending", [True, False])
    def test_finds_the_place_of_its_bookmarks(self, by: Property, descending: bool) -> None:
        order, key = Order(by, descending), (by.of(ROW), UUID)
        bookmark = order.bookmark(key)
        assert order.place(bookmark) == key
        assert bookmark.replace("-", "").replace("_", "").isalnum(), "it stands in URLs as it is"

    def test_refuses_the_bookmark_of_another_order(self) -> None:
        bookmark = Order().bookmark((T0, UUID))
        with pytest.raises(PermanentError, match="another order"):
            Order().reversed().place(bookmark)
        with pytest.raises(PermanentError, match="another order"):
            Order(Property.UPDATED).place(bookmark)

    @pytest.mark.parametrize(
        "place",
        [
            "no list",
            ["createdAt", True, "text", UUID],
            ["createdAt", True, True, UUID],
            ["createdAt", True, T0, 7],
            ["createdAt", True, T0],
            ["createdAt", True, None, UUID],
        ],
    )
    def test_refuses_a_bookmark_that_it_has_not_made(self, place: Any) -> None:
        text = base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
        with pytest.raises(PermanentError):
            Order().place(text)

    @pytest.mark.parametrize("text", ["x", "%%%", "AAAA", "höhe"])
    def test_refuses_what_is_no_bookmark(self, text: str) -> None:
        with pytest.raises(PermanentError, match="not one that a link"):
            Order().place(text)


class TestAQuery:
    @pytest.mark.parametrize(
        ("query", "admits"),
        [
            (Query(), True),
            (Query(owner=("https://issuer", "alice")), True),
            (Query(owner=("https://issuer/", "alice")), True),
            (Query(owner=("https://issuer/", "bob")), False),
            (Query(owner=("https://other", "alice")), False),
            (Query(user_group="physics"), True),
            (Query(user_group="biology"), False),
            (Query(statuses=frozenset({"CREATE_FAILED", "CREATE_COMPLETE"})), True),
            (Query(statuses=frozenset({"CREATE_COMPLETE"})), False),
            (Query(excluded=frozenset({"CREATE_FAILED"})), False),
            (Query(excluded=frozenset({"DELETE_COMPLETE"})), True),
            (Query(provider_name="site-a"), True),
            (Query(provider_name="site"), False),
            (Query(template_name="One Machine"), True),
            (Query(template_name="one machine"), False),
        ],
    )
    def test_admits_facets(self, query: Query, admits: bool) -> None:
        assert query.admits_facet(Facet.of(ROW)) is admits
        assert query.looks_at_rows is False

    @pytest.mark.parametrize(
        ("query", "admits"),
        [
            (Query(text=UUID[:8]), True),
            (Query(text="machine"), True),
            (Query(text="quota left"), True),
            (Query(text="site-a"), True),
            (Query(text="alice"), False),
            (Query(created_from=T0), True),
            (Query(created_from=T0 + 0.001), False),
            (Query(created_to=T0), False),
            (Query(created_to=T0 + 0.001), True),
        ],
    )
    def test_admits_rows_by_text_and_time(self, query: Query, admits: bool) -> None:
        assert query.looks_at_rows is True
        assert query.admits(T0, searched(ROW)) is admits

    def test_does_not_find_text_across_two_properties(self) -> None:
        assert "machineno" not in searched(ROW)
