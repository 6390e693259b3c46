"""`POST /admin/reconcile`: every deployment of every worker is inspected, at a bounded pace."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from support import lifecycle as make
from support.bench import Bench
from support.rest import Rest
from yarl import URL

from agents.deployment_tracker import deployment_tracker
from paas_stream.access import NOBODY, Caller
from paas_stream.records import Command
from web import callers, owners, reconcile

UUIDS = [f"{number}a1b2c3d-4e5f-4c55-9d7e-6f0d4c9e3b1a" for number in range(3)]
SOON_S = 5.0


@pytest.fixture(autouse=True)
async def inspections(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[reconcile.Inspections]:
    """A walk without pauses."""
    made = reconcile.Inspections(per_s=1000.0)
    monkeypatch.setattr(reconcile, "inspections", made)
    yield made
    await made.stop()


@pytest.fixture
async def three(bench: Bench) -> Bench:
    for uuid in UUIDS:
        await bench.give(deployment_tracker, make.template().model_copy(update={"uuid": uuid}))
    return bench


async def posted(rest: Rest, headers: dict[str, str] | None = None) -> int:
    async with rest.post("/admin/reconcile", headers=headers) as answer:
        return answer.status


async def ended(inspections: reconcile.Inspections) -> None:
    async with asyncio.timeout(SOON_S):
        while inspections.is_going_on:
            await asyncio.sleep(0.005)


def inspected(bench: Bench) -> list[str]:
    return [one.uuid for one in bench.sent(Command) if one.command == "inspect"]


async def test_every_deployment_is_inspected(
    three: Bench, rest: Rest, inspections: reconcile.Inspections
) -> None:
    assert await posted(rest) == 202
    await ended(inspections)
    assert sorted(inspected(three)) == UUIDS


async def test_a_second_one_joins_the_first_and_has_its_own_turn_after_it(
    three: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = reconcile.Inspections(per_s=0.01)
    monkeypatch.setattr(reconcile, "inspections", slow)
    assert [await posted(rest) for _ in range(3)] == [202, 202, 202]
    await slow.stop()
    assert len(inspected(three)) == 1
    assert await posted(rest) == 202
    assert slow.is_going_on
    await slow.stop()


async def test_users_may_not(three: Bench, rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    async def caller(request: Any) -> Caller:
        return Caller("https://issuer", "alice")

    monkeypatch.setattr(callers, "caller", caller)
    assert await posted(rest) == 403
    assert inspected(three) == []


@pytest.mark.parametrize(("theirs", "answered"), [(202, 202), (500, 503)])
async def test_all_workers_are_asked_and_one_that_cannot_makes_it_a_503(
    three: Bench,
    rest: Rest,
    inspections: reconcile.Inspections,
    monkeypatch: pytest.MonkeyPatch,
    theirs: int,
    answered: int,
) -> None:
    asked: list[tuple[str, URL]] = []

    async def forward(request: web.Request, target: URL) -> web.Response:
        asked.append((request.path, target))
        return web.Response(status=theirs)

    monkeypatch.setattr(owners, "others", lambda: {URL("http://other:1")})
    monkeypatch.setattr(owners, "forward", forward)
    assert await posted(rest) == answered
    assert asked == [("/admin/reconcile", URL("http://other:1"))]
    await ended(inspections)
    assert len(inspected(three)) == (3 if theirs == 202 else 0)


async def test_another_worker_asks_for_this_ones_part_only(
    three: Bench,
    rest: Rest,
    inspections: reconcile.Inspections,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def caller(request: Any) -> Caller:
        return NOBODY  # as the other worker's proof says

    def others() -> set[URL]:
        raise AssertionError("it would go round for ever")

    monkeypatch.setattr(callers, "caller", caller)
    monkeypatch.setattr(owners, "others", others)
    assert await posted(rest, {owners.HOP: "w1"}) == 202
    await ended(inspections)
    assert sorted(inspected(three)) == UUIDS
