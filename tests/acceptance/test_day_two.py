"""What is done with a deployment that exists: updates, starts and stops, its log, a reset."""

import json

import pytest
import requests
from support.stack import Stack, until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

SETTLED_S = 60.0


def template(count: int, *, removals: list[str] | None = None, extra: bool = False) -> str:
    """`count` machines, and one more of another node."""
    listed = f", removal_list: {json.dumps(removals)}" if removals else ""
    more = ""
    if extra:
        more = """
    extra:
      type: tosca.nodes.indigo.Compute
      capabilities:
        endpoint: {properties: {network_name: PRIVATE}}"""
    return f"""\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  inputs:
    cpus: {{type: integer, default: 1}}
    note: {{type: string, default: none}}
  node_templates:
    node:
      type: tosca.nodes.indigo.Compute
      capabilities:
        scalable: {{properties: {{count: {count}{listed}}}}}
        host: {{properties: {{num_cpus: {{get_input: cpus}}, mem_size: 1 GB}}}}
        endpoint: {{properties: {{network_name: PRIVATE}}}}{more}
  outputs:
    addresses: {{value: {{get_attribute: [node, private_address]}}}}
"""


class Deployment:
    """One deployment, as a client sees it."""

    def __init__(self, stack: Stack, count: int) -> None:
        body = {"template": template(count), "userGroup": "demo", "parameters": {"cpus": "1"}}
        answer = requests.post(f"{stack.worker.url}/deployments/", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        self.stack, self.uuid = stack, answer.json()["uuid"]
        self.url = f"{stack.worker.url}/deployments/{self.uuid}"
        self.until("CREATE_COMPLETE")
        until(lambda: len(self.machines()) == count, SETTLED_S, "its machines are seen")

    def get(self, path: str = "") -> requests.Response:
        return requests.get(self.url + path, timeout=30)

    def put(self, text: str, **body: object) -> requests.Response:
        return requests.put(self.url, json={"template": text, **body}, timeout=30)

    def until(self, status: str) -> dict:
        def reached() -> dict | None:
            found = self.get().json()
            assert found["status"] == status or found["status"].endswith("IN_PROGRESS"), found
            return found if found["status"] == status else None

        return until(reached, SETTLED_S, f"it is {status}")

    def resources(self) -> list[dict]:
        return self.get("/resources?size=100").json()["content"]

    def machines(self) -> list[dict]:
        return [
            one for one in self.resources() if one.get("metadata", {}).get("VirtualMachineInfo")
        ]

    def vms(self) -> list[str]:
        """Ids of the machines in the IM."""
        return self.stack.machines(self.uuid)

    def act(self, rid: str, what: str) -> requests.Response:
        url = f"{self.url}/resources/{rid}/actions"
        return requests.post(url, json={"type": what}, timeout=30)

    def resource_until(self, rid: str, state: str) -> None:
        until(
            lambda: self.get(f"/resources/{rid}").json()["state"] == state,
            SETTLED_S,
            f"the resource is {state}",
        )


@pytest.fixture(scope="module")
def made(stack: Stack) -> Deployment:
    return Deployment(stack, 2)


def test_resources_are_the_instances_of_the_nodes(made: Deployment) -> None:
    first, second = made.resources()
    assert first["uuid"] != second["uuid"]
    assert {first["toscaNodeName"], second["toscaNodeName"]} == {"node"}
    assert first["toscaNodeType"] == "tosca.nodes.indigo.Compute"
    assert (first["state"], first["requiredBy"]) == ("STARTED", [])
    described = json.loads(first["metadata"]["VirtualMachineInfo"])["vmProperties"]
    system = next(one for one in described if one["class"] == "system")
    assert system["memory.size"] == 1e9
    assert "password" not in first["metadata"]["VirtualMachineInfo"]
    assert made.get(f"/resources/{first['uuid']}").json() == first
    assert made.get("/resources/nothing").status_code == 404


@pytest.mark.parametrize(
    ("kind", "count"),
    [("tosca.nodes.indigo.Compute", 2), ("tosca.nodes.Compute", 2), ("tosca.nodes.Root", 0)],
)
def test_resources_of_a_type_are_those_that_derive_from_it(
    made: Deployment, kind: str, count: int
) -> None:
    page = made.get(f"/resources?type={kind}").json()
    assert len(page["content"]) == page["page"]["totalElements"] == count


def test_a_machine_is_stopped_and_started_and_the_deployment_is_not_changed(
    made: Deployment,
) -> None:
    rid = made.resources()[0]["uuid"]
    assert made.act(rid, "start").status_code == 409
    assert made.act(rid, "explode").status_code == 400
    assert made.act(rid, "stop").status_code == 202
    made.resource_until(rid, "STOPPED")
    assert made.get().json()["status"] == "CREATE_COMPLETE"
    assert made.act(rid, "stop").status_code == 409
    assert made.act(rid, "start").status_code == 202
    made.resource_until(rid, "STARTED")


def test_the_log_and_the_extra_information_are_text(made: Deployment) -> None:
    log = made.get("/log")
    assert "Contextualization" in log.text
    assert log.headers["Content-Type"] == "text/plain; charset=utf-8"
    extra = made.get("/extrainfo")
    assert extra.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert len(json.loads(extra.text)) == 2


def test_a_reset_is_for_deletes_only(made: Deployment) -> None:
    def patch(body: dict) -> int:
        return requests.patch(made.url, json=body, timeout=30).status_code

    assert patch({"status": "DELETE_FAILED"}) == 409
    assert patch({"status": "CREATE_COMPLETE"}) == 400
    assert patch({}) == 400


class TestUpdates:
    def test_machines_are_added_at_the_same_provider(self, made: Deployment) -> None:
        before = made.get().json()
        answer = made.put(template(3), parameters={"note": "more"})
        assert answer.status_code == 202
        assert answer.json()["status"] == "UPDATE_IN_PROGRESS"
        after = made.until("UPDATE_COMPLETE")
        assert after["physicalId"] == before["physicalId"]
        assert after["cloudProviderName"] == before["cloudProviderName"]
        assert len(after["outputs"]["addresses"]) == 3
        assert made.vms() == ["0", "1", "2"]
        assert [one["state"] for one in made.resources()] == ["STARTED"] * 3

    def test_one_that_changes_nothing_does_not_ask_the_im(self, made: Deployment) -> None:
        assert made.put(template(3)).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert not [one for one in made.stack.proxy.calls if one.startswith("POST")]
        told = made.get("/events").json()
        assert "nothing is to be changed" in str(told)

    def test_what_the_removal_list_names_goes_and_nothing_else(self, made: Deployment) -> None:
        leaving = made.resources()[1]
        kept = {one["uuid"] for one in made.resources()} - {leaving["uuid"]}
        made.put(template(2, removals=[leaving["uuid"]]))
        made.until("UPDATE_COMPLETE")
        assert made.vms() == ["0", "2"]
        assert {one["uuid"] for one in made.resources()} == kept

    def test_a_resource_that_is_not_there_is_refused(self, made: Deployment) -> None:
        answer = made.put(template(1, removals=["7"]))
        assert answer.status_code == 400
        assert "no resource 7" in answer.json()["message"]
        assert made.get().json()["status"] == "UPDATE_COMPLETE"

    def test_a_template_that_is_wrong_is_refused_at_once(self, made: Deployment) -> None:
        answer = made.put("node_templates: []")
        assert answer.status_code == 400
        assert made.get().json()["status"] == "UPDATE_COMPLETE"

    def test_a_new_node_comes_and_an_old_one_goes(self, made: Deployment) -> None:
        made.put(template(2, extra=True))
        made.until("UPDATE_COMPLETE")
        assert len(made.vms()) == 3
        made.put(template(2))
        made.until("UPDATE_COMPLETE")
        assert made.vms() == ["0", "2"]

    def test_those_that_come_while_one_is_under_way_are_merged(self, made: Deployment) -> None:
        gone = made.resources()[0]["uuid"]
        assert made.put(template(3)).status_code == 202
        assert made.put(template(2, removals=[gone])).status_code == 202
        assert made.put(template(4)).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert len(made.vms()) == len(made.resources()) == 4
        assert gone not in [one["uuid"] for one in made.resources()]
        assert "0" not in made.vms()


def test_an_update_that_the_im_refuses_leaves_the_deployment_there(stack: Stack) -> None:
    made = Deployment(stack, 1)
    stack.proxy.fault("POST", rf"/infrastructures/{made.get().json()['physicalId']}", "400")
    assert made.put(template(2)).status_code == 202
    failed = made.until("UPDATE_FAILED")
    assert failed["statusReason"]
    assert made.vms() == ["0"]
    until(lambda: len(made.resources()) == 1, SETTLED_S, "what was not made is not shown")
    assert made.put(template(2)).status_code == 202
    made.until("UPDATE_COMPLETE")
    assert len(made.vms()) == 2


def test_a_delete_in_the_middle_of_an_update_wins(stack: Stack) -> None:
    made = Deployment(stack, 1)
    assert made.put(template(3)).status_code == 202
    assert requests.delete(made.url, timeout=30).status_code == 204
    assert made.put(template(2)).status_code == 409
    made.until("DELETE_COMPLETE")
    assert stack.infrastructures(made.uuid) == []
    assert {one["state"] for one in made.resources()} == {"DELETED"}


def test_a_delete_that_does_not_end_is_given_up_and_asked_for_again(stack: Stack) -> None:
    made = Deployment(stack, 1)
    held = stack.proxy.fault("DELETE", "/infrastructures/", "before", times=1000)
    assert requests.delete(made.url, timeout=30).status_code == 204
    assert held.reached.wait(SETTLED_S), "the IM is asked to delete"
    assert made.get().json()["status"] == "DELETE_IN_PROGRESS"
    reset = requests.patch(made.url, json={"status": "DELETE_FAILED"}, timeout=30)
    assert (reset.status_code, reset.content) == (204, b"")
    given_up = made.get().json()
    assert given_up["status"] == "DELETE_FAILED"
    assert given_up["statusReason"] == "The delete was given up on request"
    held.release()
    assert requests.delete(made.url, timeout=30).status_code == 204
    made.until("DELETE_COMPLETE")
    assert stack.infrastructures(made.uuid) == []
