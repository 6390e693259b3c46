"""The service as the field's two clients use it: requests as they send them, answers as they read them.

The federation's dashboard (Python, `requests`) and the command line `orchent` (Go) were written for
another orchestrator, and stay as they are.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import yaml
from support.receiver import Receiver
from support.stack import Stack, until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

WAIT_S = 30.0
SEEN_S = 60.0
TEMPLATE = """\
tosca_definitions_version: tosca_simple_yaml_1_0
imports:
  - types: https://raw.githubusercontent.com/grycap/tosca/main/custom_types.yaml
description: as many machines as asked for
metadata:
  display_name: Machines
topology_template:
  inputs:
    num_nodes: {type: integer, default: 2}
    shared: {type: boolean, default: false}
    memory: {type: scalar-unit.size, default: 1 GB}
  node_templates:
    node:
      type: tosca.nodes.indigo.Compute
      capabilities:
        scalable:
          properties:
            count: {get_input: num_nodes}
        host:
          properties:
            num_cpus: 1
            mem_size: {get_input: memory}
        endpoint:
          properties:
            network_name: PRIVATE
  outputs:
    addresses:
      value: {get_attribute: [node, private_address]}
"""
READ_AT_CREATION = {  # by the dashboard, without asking whether they are there
    *("uuid", "creationTime", "updateTime", "status", "outputs"),
    *("task", "links", "createdBy", "userGroup"),
}


class Dashboard:
    """What the dashboard sends: all inputs as text, minutes as text or numbers, its own callback."""

    def __init__(self, url: str, callback: str) -> None:
        self.url, self.callback = url, callback

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"Authorization": "bearer a-token"}
        return requests.request(method, self.url + path, headers=headers, timeout=WAIT_S, **more)

    def request(self, template: str, inputs: dict[str, Any]) -> dict[str, Any]:
        return {
            "template": template,
            "parameters": inputs,
            "keepLastAttempt": "false",
            "providerTimeoutMins": "10",
            "timeoutMins": 1440,
            "callback": self.callback,
        }

    def create(self, inputs: dict[str, Any]) -> dict[str, Any]:
        body = self.request(dumped(loaded(TEMPLATE)), inputs) | {"userGroup": "demo"}
        answer = self.send("POST", "/deployments/", json=body)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def update(self, uuid: str, template: str, inputs: dict[str, Any]) -> None:
        answer = self.send("PUT", f"/deployments/{uuid}", json=self.request(template, inputs))
        assert answer.status_code == 202, answer.text

    def all(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list, by the links to the next one."""
        found: list[dict[str, Any]] = []
        url: str | None = path
        while url:
            page = self.send("GET", url.removeprefix(self.url)).json()
            found += page["content"]
            url = next((one["href"] for one in page["links"] if one["rel"] == "next"), None)
        return found

    def machines(self, uuid: str) -> list[dict[str, Any]]:
        """Resources of which the page can show details."""
        listed = self.all(f"/deployments/{uuid}/resources")
        for one in listed:
            parts = json.loads(one["metadata"].get("VirtualMachineInfo", '{"vmProperties": []}'))
            one["properties"] = parts["vmProperties"]
        return listed

    def without(self, uuid: str, gone: dict[str, Any]) -> None:
        """Its button that takes one machine away: what is stored is read, changed and sent back."""
        template = loaded(self.send("GET", f"/deployments/{uuid}/template").text)
        node = template["topology_template"]["node_templates"][gone["toscaNodeName"]]
        properties = node["capabilities"]["scalable"]["properties"]
        properties["removal_list"] = [gone["uuid"]]
        (name,) = properties["count"].values()
        listed = self.machines(uuid)
        count = sum(one["toscaNodeName"] == gone["toscaNodeName"] for one in listed) - 1
        self.update(uuid, dumped(template), {name: count})


class Orchent:
    """What the command line sends; it takes an answer without `title` and `message` for a success."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {
            "Authorization": "Bearer a-token",
            "Accept": "application/json",
            "User-Agent": "Orchent",
        }
        return requests.request(method, self.url + path, headers=headers, timeout=WAIT_S, **more)

    def ok(self, method: str, path: str, **more: Any) -> Any:
        answer = self.send(method, path, **more)
        found = answer.json() if answer.content else None
        assert not (isinstance(found, dict) and {"title", "message"} & set(found)), answer.text
        return found

    def fault(self, method: str, path: str, **more: Any) -> int:
        found = self.send(method, path, **more).json()
        assert found["title"], found
        assert found["message"], found
        return int(found["code"])

    def text(self, path: str) -> str:
        answer = self.send("GET", path)
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        return answer.text


def loaded(text: str) -> dict[str, Any]:
    return dict(yaml.safe_load(text))


def dumped(template: dict[str, Any]) -> str:
    return str(yaml.dump(template, default_flow_style=False, sort_keys=False))


@pytest.fixture(scope="module", autouse=True)
def _callbacks_may_come(stack: Stack) -> None:
    """The dashboard is in the operator's own network."""
    stack.worker.environment |= {"PAAS_CALLBACK_ALLOW": '["127.0.0.1"]'}
    assert stack.worker.stop() == 0
    stack.worker.run()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def test_the_dashboard_has_its_way_from_the_create_to_the_delete(
    stack: Stack, receiver: Receiver
) -> None:
    dashboard = Dashboard(stack.worker.url, receiver.url)
    form = {"num_nodes": "3", "shared": "True", "memory": "2 GB", "additional_description": "mine"}
    made = dashboard.create(form)
    assert set(made) >= READ_AT_CREATION
    uuid = made["uuid"]
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"

    until(lambda: len(dashboard.machines(uuid)) == 3, SEEN_S, "its machines are seen")
    until(lambda: all(one["properties"] for one in dashboard.machines(uuid)), SEEN_S, "details")
    dashboard.without(uuid, dashboard.machines(uuid)[0])
    assert stack.settled(uuid)["status"] == "UPDATE_COMPLETE"
    until(lambda: len(dashboard.machines(uuid)) == 2, SEEN_S, "one is gone")
    dashboard.without(uuid, dashboard.machines(uuid)[1])
    assert stack.settled(uuid)["status"] == "UPDATE_COMPLETE"
    until(lambda: len(dashboard.machines(uuid)) == 1, SEEN_S, "another one is gone")

    stored = dashboard.send("GET", f"/deployments/{uuid}/template").text
    dashboard.update(uuid, stored, {"num_nodes": "2"})
    assert stack.settled(uuid)["status"] == "UPDATE_COMPLETE"
    until(lambda: len(dashboard.machines(uuid)) == 2, SEEN_S, "one has come")

    rid = dashboard.machines(uuid)[0]["uuid"]
    action = f"/deployments/{uuid}/resources/{rid}/actions"
    assert dashboard.send("POST", action, json={"type": "stop"}).status_code == 202
    assert isinstance(
        json.loads(dashboard.send("GET", f"/deployments/{uuid}/extrainfo").text), list
    )
    reset = dashboard.send("PATCH", f"/deployments/{uuid}", json={"status": "DELETE_FAILED"})
    assert reset.status_code == 409
    deleted = dashboard.send("DELETE", f"/deployments/{uuid}?force=true", json=["force=true"])
    assert deleted.ok
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"

    until(lambda: "DELETE_COMPLETE" in receiver.statuses(), SEEN_S, "it was told of the end")
    told = {one.resource["status"]: one.resource for one in receiver.came}
    assert len(told["CREATE_COMPLETE"]["outputs"]["addresses"]) == 3
    assert all({"uuid", "task", "updateTime", "createdBy"} <= set(one) for one in told.values())


def test_the_dashboard_lists_by_its_filters_and_follows_the_pages(
    stack: Stack, receiver: Receiver
) -> None:
    dashboard = Dashboard(stack.worker.url, receiver.url)
    made = {dashboard.create({})["uuid"] for _ in range(11)}  # more than a page
    for query in (
        "createdBy=me&userGroup=demo&excludedStatus=DELETE_COMPLETE,DELETE_FAILED",
        "createdBy=anonymous@urn:paas-stream:none&userGroup=demo",
        "createdBy=anonymous%40urn%3Apaas-stream%3Anone&excludedStatus=DELETE_COMPLETE%2CUNKNOWN",
    ):
        path = f"/deployments?{query}"
        # the newest is there once the tracker has it
        until(
            lambda p=path: {one["uuid"] for one in dashboard.all(p)} >= made,
            SEEN_S,
            "all are listed",
        )
        found = dashboard.all(path)
        assert len(found) == len({one["uuid"] for one in found})
        assert all(set(one) >= READ_AT_CREATION for one in found)
    for uuid in made:
        assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"


def test_an_input_that_is_none_of_its_type_is_told_to_the_dashboard(stack: Stack) -> None:
    dashboard = Dashboard(stack.worker.url, "http://127.0.0.1:9999/callback")
    body = dashboard.request(TEMPLATE, {"num_nodes": "many"}) | {"userGroup": "demo"}
    answer = dashboard.send("POST", "/deployments/", json=body)
    assert answer.status_code == 400
    assert "num_nodes" in answer.json()["message"]


def test_orchent_has_its_way_from_the_create_to_the_delete(stack: Stack) -> None:
    orchent = Orchent(stack.worker.url)
    assert isinstance(orchent.ok("GET", "/info"), dict)
    configuration = orchent.ok("GET", "/configuration")
    assert all(isinstance(value, str) for value in configuration.values())
    body = {"template": TEMPLATE, "parameters": {"num_nodes": 1}, "keepLastAttempt": "true"}
    more = {"maxProvidersRetry": 2, "userGroup": "demo"}
    uuid = orchent.ok("POST", "/deployments", json=body | more)["uuid"]
    path = f"/deployments/{uuid}"
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
    for name in ("creationTime", "updateTime"):
        assert len(orchent.ok("GET", path)[name]) >= len("2025-01-31T10:20")
    assert orchent.text(f"{path}/template") == TEMPLATE
    assert "Contextualization" in orchent.text(f"{path}/log")
    until(lambda: json.loads(orchent.text(f"{path}/extrainfo")), SEEN_S, "its machine is seen")

    (listed,) = orchent.ok("GET", f"{path}/resources")["content"]
    one = f"{path}/resources/{listed['uuid']}"
    for action, state in (("stop", "STOPPED"), ("start", "STARTED")):
        assert orchent.ok("POST", f"{one}/actions", json={"type": action}) is None
        until(lambda s=state: orchent.ok("GET", one)["state"] == s, SEEN_S, state)

    updated = orchent.ok("PUT", path, json={"template": TEMPLATE, "parameters": {"num_nodes": 2}})
    assert (updated["uuid"], updated["status"]) == (uuid, "UPDATE_IN_PROGRESS")
    assert stack.settled(uuid)["status"] == "UPDATE_COMPLETE"

    assert orchent.fault("PATCH", path, json={"status": "DELETE_FAILED"}) == 409
    assert orchent.ok("DELETE", f"{path}?force=false") is None
    stack.settled(uuid)
    assert orchent.fault("DELETE", f"{path}?force=false") == 409
    assert orchent.fault("PUT", path, json=body) == 409
    assert orchent.fault("GET", "/deployments/no-such-one") == 404
    assert orchent.fault("POST", "/deployments", json=body | {"template": "nodes: {}"}) == 400
