"""What can be done with a deployment in which state, and what is refused, in which words."""

from typing import Any

import pytest
from support.bench import Bench
from support.lifecycle import UUID
from support.rest import Line, Rest, answered
from support.states import CREATED, PLACE, STATES, machine, result

from paas_stream.app import app
from paas_stream.lifecycle.deployment import CHANGEABLE, Status
from paas_stream.records import Command, Template

ONE = f"/deployments/{UUID}"
PUT = {"template": "tosca_definitions_version: tosca_simple_yaml_1_0"}
RESET = {"status": "DELETE_FAILED"}
GOING = {Status.DELETE_IN_PROGRESS, Status.DELETE_COMPLETE}

pytestmark = pytest.mark.usefixtures("parser")


async def rid(rest: Rest, node: str = "node") -> str:
    """The resource of a node."""
    page = await answered(rest.get(f"{ONE}/resources"), 200)
    return next(str(one["uuid"]) for one in page["content"] if one["toscaNodeName"] == node)


async def act(rest: Rest, resource: str, what: str, status: int) -> str:
    """Start or stop it; the message of the refusal."""
    path = f"{ONE}/resources/{resource}/actions"
    if status >= 400:
        return str((await answered(rest.post(path, json={"type": what}), status))["message"])
    async with rest.post(path, json={"type": what}) as answer:
        assert (answer.status, await answer.read()) == (status, b"")
    return ""


@pytest.fixture(params=Status, ids=str)
async def status(request: pytest.FixtureRequest, rest: Rest, line: Line) -> Status:
    """The state that the deployment is in."""
    found = Status(request.param)
    await line.give(*STATES[found])
    assert (await answered(rest.get(ONE), 200))["status"] == found
    return found


def sent(bench: Bench) -> list[Any]:
    """What the API has sent: updates and commands."""
    updates = [one for one in bench.sent(Template) if one.operation == "update"]
    return [*updates, *bench.sent(Command)]


async def test_an_update(status: Status, rest: Rest, bench: Bench) -> None:
    if status in CHANGEABLE or status is Status.UPDATE_IN_PROGRESS:
        found = await answered(rest.put(ONE, json=PUT), 202)
        assert (found["uuid"], found["status"]) == (UUID, "UPDATE_IN_PROGRESS")
        assert len(sent(bench)) == 1
        return
    refused = await answered(rest.put(ONE, json=PUT), 409)
    assert refused["message"] == f"Cannot update a deployment in {status} state"
    assert sent(bench) == []


async def test_an_action(status: Status, rest: Rest, bench: Bench) -> None:
    resource = await rid(rest)
    if status in CHANGEABLE:
        await act(rest, resource, "stop", 202)
        (command,) = bench.sent(Command)
        assert (command.command, command.machine, command.request_id) == ("stop", "0", resource)
        assert (await answered(rest.get(ONE), 200))["status"] == status
        return
    refused = await act(rest, resource, "stop", 409)
    assert refused == f"Cannot stop resources of a deployment in {status} state"
    assert sent(bench) == []


@pytest.mark.parametrize("on_all", [False, True], ids=["one machine", "all machines"])
async def test_a_reconfigure(status: Status, rest: Rest, bench: Bench, on_all: bool) -> None:
    resource = await rid(rest)
    path = f"{ONE}/actions" if on_all else f"{ONE}/resources/{resource}/actions"
    body = {"type": "reconfigure"}
    if status in CHANGEABLE:
        async with rest.post(path, json=body) as answer:
            assert (answer.status, await answer.read()) == (202, b"")
        (command,) = bench.sent(Command)
        assert command.command == "reconfigure"
        assert command.machine == (None if on_all else "0")
        assert (await answered(rest.get(ONE), 200))["status"] == status
        shown = await answered(rest.get(f"{ONE}/resources/{resource}"), 200)
        assert shown["state"] == "CONFIGURING"
        refused = await answered(rest.post(path, json=body), 409)
        assert "CONFIGURING state" in refused["message"]
        return
    refused = await answered(rest.post(path, json=body), 409)
    assert refused["message"] == f"Cannot reconfigure resources of a deployment in {status} state"
    assert sent(bench) == []


async def test_a_reset(status: Status, rest: Rest, bench: Bench) -> None:
    if status is Status.DELETE_IN_PROGRESS:
        async with rest.patch(ONE, json=RESET) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        assert (await answered(rest.get(ONE), 200))["status"] == "DELETE_FAILED"
        return
    refused = await answered(rest.patch(ONE, json=RESET), 409)
    assert refused["message"] == f"Cannot reset a deployment in {status} state"
    assert sent(bench) == []


async def test_a_delete(status: Status, rest: Rest, bench: Bench) -> None:
    if status not in GOING:
        async with rest.delete(ONE) as answer:
            assert (answer.status, await answer.read()) == (204, b"")
        assert (await answered(rest.get(ONE), 200))["status"] == "DELETE_IN_PROGRESS"
        return
    refused = await answered(rest.delete(ONE), 409)
    assert refused["message"] == f"Cannot delete a deployment in {status} state"
    assert sent(bench) == []


class TestAnAction:
    async def test_on_what_is_no_machine_is_400(self, rest: Rest, line: Line) -> None:
        await line.give(*CREATED)
        refused = await act(rest, await rid(rest, "network"), "start", 400)
        assert refused == "network is no machine that can be started and stopped"

    @pytest.mark.parametrize(
        ("im_state", "what", "shown"),
        [("configured", "start", "STARTED"), ("stopped", "stop", "STOPPED")],
    )
    async def test_on_a_machine_that_is_there_already_is_409(
        self, rest: Rest, line: Line, im_state: str, what: str, shown: str
    ) -> None:
        await line.give(*CREATED, machine(im_state))
        refused = await act(rest, await rid(rest), what, 409)
        assert refused == f"Cannot {what} a resource in {shown} state"

    @pytest.mark.parametrize(
        ("im_state", "status"),
        [("configured", 202), ("unconfigured", 202), ("running", 202), ("stopped", 409)],
    )
    async def test_configures_again_what_runs_whether_or_not_that_has_failed_before(
        self, rest: Rest, line: Line, im_state: str, status: int
    ) -> None:
        await line.give(*CREATED, machine(im_state))
        await act(rest, await rid(rest), "reconfigure", status)

    async def test_that_configures_all_needs_one_that_runs(self, rest: Rest, line: Line) -> None:
        await line.give(*CREATED, machine("stopped"))
        path, body = f"{ONE}/actions", {"type": "reconfigure"}
        refused = await answered(rest.post(path, json=body), 409)
        assert refused["message"] == "Cannot reconfigure resources in STOPPED state"
        gone = result("resources", 26, machines=(), **PLACE)
        await line.give(gone)
        refused = await answered(rest.post(path, json=body), 400)
        assert refused["message"] == "the deployment has no machine that can be configured"

    @pytest.mark.parametrize("what", ["start", "stop", "explode"])
    async def test_on_all_machines_is_a_reconfigure_or_400(
        self, rest: Rest, line: Line, what: str
    ) -> None:
        await line.give(*CREATED)
        await answered(rest.post(f"{ONE}/actions", json={"type": what}), 400)

    async def test_that_configures_what_is_no_machine_is_400(self, rest: Rest, line: Line) -> None:
        await line.give(*CREATED)
        refused = await act(rest, await rid(rest, "network"), "reconfigure", 400)
        assert refused == "network is no machine that can be configured"

    async def test_on_an_unknown_deployment_is_404(self, rest: Rest, line: Line) -> None:
        other = "00000000-0000-4000-8000-000000000000"
        await answered(rest.post(f"/deployments/{other}/actions", json={"type": "x"}), 404)

    async def test_on_an_unknown_resource_is_404(self, rest: Rest, line: Line) -> None:
        await line.give(*CREATED)
        assert "no resource nothing" in await act(rest, "nothing", "stop", 404)

    async def test_of_another_kind_is_400(self, rest: Rest, line: Line) -> None:
        await line.give(*CREATED)
        assert await act(rest, await rid(rest), "explode", 400)


@pytest.mark.parametrize("body", [{}, {"status": "CREATE_COMPLETE"}, {"status": None}])
async def test_only_a_delete_can_be_reset(rest: Rest, line: Line, body: dict[str, Any]) -> None:
    await line.give(*STATES[Status.DELETE_IN_PROGRESS])
    assert "status" in (await answered(rest.patch(ONE, json=body), 400))["message"]


@pytest.mark.parametrize(("method", "body"), [("PUT", PUT), ("PATCH", RESET), ("DELETE", None)])
async def test_nobody_changes_what_its_worker_has_not_caught_up_with(
    rest: Rest, line: Line, bench: Bench, method: str, body: Any
) -> None:
    """The row is of a moment ago: an update could get a revision that was given already."""
    await line.give(*CREATED)
    app.takeover.left = True  # type: ignore[attr-defined]
    async with rest.request(method, ONE, json=body) as answer:
        assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert sent(bench) == []
    assert (await answered(rest.get(ONE), 200))["uuid"] == UUID
