"""`DELETE /deployments/{uuid}`: what is sent, and what is left to be read."""

import pytest
from support.bench import Bench, Clock
from support.lifecycle import T0, UUID, tracker_tick
from support.rest import Line, Rest, answered
from support.states import CREATED, STATES

from agents import deployment_tracker as module
from paas_stream.lifecycle.deployment import Status
from paas_stream.records import Command

ONE = f"/deployments/{UUID}"


@pytest.mark.parametrize(
    ("query", "force"),
    [
        ("", False),
        ("?force=false", False),
        ("?force=true", True),
        ("?force=True", True),
        ("?other=true", False),
    ],
)
async def test_a_delete_is_by_force_only_when_it_says_so(
    rest: Rest, line: Line, bench: Bench, query: str, force: bool
) -> None:
    await line.give(*CREATED)
    async with rest.delete(ONE + query) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
    (sent,) = bench.sent(Command)
    assert (sent.uuid, sent.command, sent.force) == (UUID, "delete", force)
    assert (await answered(rest.get(ONE), 200))["status"] == "DELETE_IN_PROGRESS"


async def test_a_slip_of_the_pen_does_not_delete(rest: Rest, line: Line, bench: Bench) -> None:
    await line.give(*CREATED)
    refused = await answered(rest.delete(f"{ONE}?force=maybe"), 400)
    assert "force must be true or false" in refused["message"]
    assert bench.sent(Command) == []


async def test_a_body_is_ignored(rest: Rest, line: Line, bench: Bench) -> None:
    await line.give(*CREATED)
    async with rest.delete(ONE, json=["something"]) as answer:
        assert answer.status == 204
    assert len(bench.sent(Command)) == 1


async def test_a_deleted_deployment_can_be_read_until_its_retention_has_passed(
    clock: Clock, rest: Rest, line: Line
) -> None:
    async def listed(query: str = "") -> list[str]:
        page = await answered(rest.get(f"/deployments{query}"), 200)
        return [one["uuid"] for one in page["content"]]

    await line.give(*STATES[Status.DELETE_COMPLETE])
    clock.now = T0 + 70 + module.policy.retention_s - 1
    await line.give(tracker_tick(clock.now))
    assert (await answered(rest.get(ONE), 200))["status"] == "DELETE_COMPLETE"
    states = await answered(rest.get(f"{ONE}/resources"), 200)
    assert {one["state"] for one in states["content"]} == {"DELETED"}
    assert await listed() == [UUID]
    assert await listed("?excludedStatus=DELETE_COMPLETE") == []
    clock.now += 1
    await line.give(tracker_tick(clock.now))
    for path in (ONE, f"{ONE}/resources", f"{ONE}/template", f"{ONE}/events"):
        await answered(rest.get(path), 404)
    assert await listed() == []
