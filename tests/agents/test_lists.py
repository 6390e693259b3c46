"""`GET /deployments`: what the tracker stores, as clients list it."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from support import lifecycle as make
from support.bench import Bench
from support.lifecycle import T0
from support.rest import Rest

from agents.deployment_tracker import deployment_tracker
from paas_stream.lifecycle.listing import Order
from paas_stream.records import DeploymentResult, Message, Template, ValidatedTemplate
from tables import deployments as tables
from web import merged

A, B, C = (  # T0 is 2027-01-15T08:00Z
    f"{letter * 8}-0000-4000-8000-000000000000" for letter in "abc"
)


def of(uuid: str, message: Message) -> Message:
    return message.model_copy(update={"uuid": uuid})


def request(uuid: str, after_s: float, group: str | None = "physics") -> Template:
    message = make.template()
    asked = message.request.model_copy(update={"user_group": group})
    fields = {"uuid": uuid, "request": asked, "timestamp": make.at(T0 + after_s)}
    return message.model_copy(update=fields | {"template_name": ""})


def final(uuid: str, after_s: float, provider: str | None, **fields: Any) -> DeploymentResult:
    return DeploymentResult(
        uuid=uuid,
        timestamp=make.at(T0 + after_s),
        kind="final",
        success=provider is not None,
        provider_name=provider,
        region_name="r",
        **fields,
    )


def bookmark(value: float, uuid: str = A) -> str:
    """One as only somebody makes it who wants to do harm."""
    return Order().bookmark((value, uuid))


@pytest.fixture
async def three(bench: Bench) -> Bench:
    """A is the oldest and was changed last; B has failed; C has just begun."""
    validated: ValidatedTemplate = make.validated()
    named = validated.model_copy(update={"template_name": "a cluster"})
    for message in (
        request(A, 0),
        of(A, named),
        request(B, 60, group="biology"),
        request(C, 120),
        final(B, 70, None, reason="No quota at site-a"),
        final(A, 500, "site-b"),
    ):
        await bench.give(deployment_tracker, message)
    return bench


async def listed(rest: Rest, query: str = "") -> dict[str, Any]:
    async with rest.get(f"/deployments{query}") as answer:
        assert answer.status == 200, await answer.text()
        return dict(await answer.json())


async def uuids(rest: Rest, query: str = "") -> list[str]:
    page = await listed(rest, query)
    found = [one["uuid"] for one in page["content"]]
    assert page["page"]["totalElements"] == len(found)
    return found


class TestAList:
    async def test_is_newest_first(self, three: Bench, rest: Rest) -> None:
        assert await uuids(rest) == [C, B, A]
        assert await uuids(rest, "/") == [C, B, A]

    async def test_has_the_shape_of_a_page(self, three: Bench, rest: Rest) -> None:
        page = await listed(rest, "?page=1&size=1")
        assert page["page"] == {"size": 1, "totalElements": 3, "totalPages": 3, "number": 1}
        links = {one["rel"]: one["href"] for one in page["links"]}
        assert set(links) == {"first", "prev", "self", "next", "last"}
        assert all(urlsplit(href).path == "/deployments" for href in links.values())
        (one,) = page["content"]
        for field in ("creationTime", "updateTime", "status", "task", "outputs", "links"):
            assert field in one
        assert one["createdBy"] == {"issuer": "https://issuer", "subject": "alice"}

    async def test_that_is_empty_is_one_page(self, rest: Rest) -> None:
        page = await listed(rest)
        assert (page["content"], page["page"]["totalPages"]) == ([], 1)
        assert {one["rel"] for one in page["links"]} == {"first", "self", "last"}

    async def test_is_followed_by_its_links_to_the_end(self, three: Bench, rest: Rest) -> None:
        found, href = [], "/deployments?size=1&excludedStatus=DELETE_COMPLETE%2CUNKNOWN"
        while href:
            async with rest.get(href) as answer:
                page = await answer.json()
            found += [one["uuid"] for one in page["content"]]
            target = [one["href"] for one in page["links"] if one["rel"] == "next"]
            href = target[0].partition(str(rest.make_url("")))[2] if target else ""
            assert not href or parse_qs(urlsplit(href).query)["size"] == ["1"]
        assert found == [C, B, A]

    async def test_does_not_show_a_deployment_whose_request_has_not_come(
        self, bench: Bench, rest: Rest
    ) -> None:
        await bench.give(deployment_tracker, of(A, make.ranked()))
        assert await uuids(rest) == []
        await bench.give(deployment_tracker, request(A, 0))
        assert await uuids(rest) == [A]

    async def test_follows_from_the_rows_after_a_rebalance(self, three: Bench, rest: Rest) -> None:
        tables.listing.clear()
        await tables.rebuild()
        assert await uuids(rest) == [C, B, A]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("excludedStatus=CREATE_FAILED", [C, A]),
        ("excludedStatus=CREATE_FAILED&excludedStatus=CREATE_COMPLETE", [C]),
        ("excludedStatus=CREATE_FAILED%2CCREATE_COMPLETE", [C]),
        ("excludedStatus=", [C, B, A]),
        ("status=CREATE_FAILED", [B]),
        ("status=CREATE_FAILED,CREATE_COMPLETE", [B, A]),
        ("createdBy=alice%40https%3A%2F%2Fissuer", [C, B, A]),
        ("createdBy=alice%40https%3A%2F%2Fissuer%2F", [C, B, A]),
        ("createdBy=bob%40https%3A%2F%2Fissuer%2F", []),
        ("userGroup=biology", [B]),
        ("userGroup=", [C, B, A]),
        ("provider=site-b", [A]),
        ("template=a%20cluster", [A]),
        ("q=QUOTA", [B]),
        ("q=a%20CLUST", [A]),
        (f"q={C[:8]}", [C]),
        ("q=site-b&status=CREATE_FAILED", []),
        ("createdAfter=2027-01-15T08:01:00Z", [C, B]),
        ("createdAfter=2027-01-15T08:01:00", [C, B]),
        ("createdAfter=2027-01-15T09:01:00%2B01:00", [C, B]),
        ("createdAfter=2027-01-15T09:01:00+01:00", [C, B]),
        ("createdBefore=2027-01-15T08:01:00Z", [A]),
        ("createdAfter=2027-01-15&createdBefore=2027-01-16", [C, B, A]),
        ("sort=createdAt,ASC", [A, B, C]),
        ("sort=createdAt", [A, B, C]),
        ("sort=updatedAt,DESC", [A, C, B]),
        ("sort=status,ASC", [A, B, C]),
        ("sort=provider,DESC", [A, C, B]),
        ("sort=cloudProviderName%2CDESC&userGroup=physics", [A, C]),
        ("sort=template,DESC", [A, C, B]),
    ],
)
async def test_a_query_selects_and_orders(
    three: Bench, rest: Rest, query: str, found: list[str]
) -> None:
    assert await uuids(rest, f"?{query}") == found


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("page=-1", "page must be from 0"),
        ("size=0", "size must be from 1 to 1000"),
        ("size=1001", "size must be from 1 to 1000"),
        ("size=ten", "size must be a whole number"),
        ("sort=colour,ASC", "sort must name one of"),
        ("sort=createdAt,UP", "createdAt,ASC or createdAt,DESC"),
        ("createdAfter=yesterday", "createdAfter must be a time"),
        ("createdBefore=2027-99-01", "createdBefore must be a time"),
        ("after=zzz", "after is no bookmark"),
        (f"after={bookmark(float('nan'))}", "after is no bookmark"),
        (f"after={bookmark(10**400)}", "after is no bookmark"),
        (f"after={bookmark(1.0, chr(0xD800))}", "after is no bookmark"),
        (f"after={'W1tb' * 1000}", "after is no bookmark"),
        (f"q={'x' * 201}", "q must have at most 200"),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_400_with_the_reason(
    rest: Rest, query: str, reason: str
) -> None:
    async with rest.get(f"/deployments?{query}") as answer:
        body = await answer.json()
    assert (answer.status, body["code"], body["title"]) == (400, 400, "Bad Request")
    assert reason in body["message"]


async def test_the_bookmark_of_another_order_is_refused(three: Bench, rest: Rest) -> None:
    page = await listed(rest, "?size=1")
    (href,) = [one["href"] for one in page["links"] if one["rel"] == "next"]
    (after,) = parse_qs(urlsplit(href).query)["after"]
    async with rest.get("/deployments", params={"after": after, "sort": "status,ASC"}) as answer:
        assert answer.status == 400
        assert "another order" in (await answer.json())["message"]


async def test_a_page_in_the_middle_of_a_very_long_list_is_refused(
    bench: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged, "WINDOW", 2)
    for number in range(8):
        uuid = f"{number:08x}-0000-4000-8000-000000000000"
        await bench.give(deployment_tracker, request(uuid, number))
    async with rest.get("/deployments?page=3&size=1") as answer:
        assert answer.status == 400
        assert "follow the links" in (await answer.json())["message"]


async def test_the_collection_cannot_be_deleted(rest: Rest) -> None:
    async with rest.delete("/deployments") as answer:
        assert answer.status == 405
        assert (await answer.json())["title"] == "Method Not Allowed"


async def test_links_of_resources_keep_the_type_whatever_is_in_it(three: Bench, rest: Rest) -> None:
    kind = "a&size=1 b"
    path = f"/deployments/{A}/resources"
    async with rest.get(path, params={"type": kind}) as answer:
        page = await answer.json()
    assert answer.status == 200
    for link in page["links"]:
        assert parse_qs(urlsplit(link["href"]).query)["type"] == [kind]
