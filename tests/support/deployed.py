"""A deployment on the Dummy provider of the real IM, as a client sees it and as the IM has it."""

import json
from typing import Any

import requests
import yaml
from support.stack import Stack, Worker, until

from paas_stream.clients.im_login import ImUser, attempt_user, header
from paas_stream.records import Target

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
    """It is asked for at once; `created` waits for it."""

    def __init__(self, stack: Stack, count: int) -> None:
        self.stack = stack
        self.count = count
        body = {"template": template(count), "userGroup": "demo", "parameters": {"cpus": "1"}}
        answer = requests.post(f"{stack.worker.url}/deployments/", json=body, timeout=30)
        assert answer.status_code == 201, answer.text
        self.uuid = str(answer.json()["uuid"])
        self.at(stack.worker)

    def at(self, worker: Worker) -> None:
        """Ask this worker from now on."""
        self.url = f"{worker.url}/deployments/{self.uuid}"

    def created(self) -> "Deployment":
        """Once it is complete, and its machines are seen."""
        self.until("CREATE_COMPLETE")
        until(lambda: len(self.machines()) == self.count, SETTLED_S, "its machines are seen")
        return self

    def get(self, path: str = "") -> requests.Response:
        """A GET of it, or of what is below it."""
        return requests.get(self.url + path, timeout=30)

    def put(self, text: str, **body: object) -> requests.Response:
        """An update."""
        return requests.put(self.url, json={"template": text, **body}, timeout=30)

    def delete(self) -> requests.Response:
        """The delete."""
        return requests.delete(self.url, timeout=30)

    def act(self, rid: str | None, what: str) -> requests.Response:
        """An action on one resource, or (None) on all machines."""
        url = f"{self.url}/actions" if rid is None else f"{self.url}/resources/{rid}/actions"
        return requests.post(url, json={"type": what}, timeout=30)

    def until(self, status: str) -> dict[str, Any]:
        """The deployment in this status; another one in which it rests fails at once."""

        def reached() -> dict[str, Any] | None:
            found = self.get().json()
            assert found["status"] == status or found["status"].endswith("IN_PROGRESS"), found
            return dict(found) if found["status"] == status else None

        return until(reached, SETTLED_S, f"it is {status}") or {}

    @property
    def physical(self) -> str:
        """The id of its infrastructure in the IM."""
        return str(self.get().json()["physicalId"])

    def resources(self) -> list[dict[str, Any]]:
        """All of them."""
        return list(self.get("/resources?size=100").json()["content"])

    def states(self) -> list[str]:
        """Those of the resources."""
        return [one["state"] for one in self.resources()]

    def shows(self, *states: str) -> None:
        """Wait until the resources are in these states, in this order."""
        seen: list[str] = []

        def shown() -> bool:
            seen[:] = self.states()
            return seen == list(states)

        try:
            until(shown, SETTLED_S, f"{states} are shown")
        except AssertionError as exc:
            events = self.get("/events").json()
            raise AssertionError(f"{exc}; {seen} are; {events[-8:]}") from None

    def rids(self) -> list[str]:
        """The uuids of the resources."""
        return [one["uuid"] for one in self.resources()]

    def machines(self) -> list[dict[str, Any]]:
        """The resources whose machine has been read."""
        return [
            one for one in self.resources() if one.get("metadata", {}).get("VirtualMachineInfo")
        ]

    def vms(self) -> list[str]:
        """Ids of the machines in the IM."""
        return self.stack.machines(self.uuid)

    def resource_until(self, rid: str, state: str) -> None:
        """Wait for a resource's state."""
        until(
            lambda: self.get(f"/resources/{rid}").json()["state"] == state,
            SETTLED_S,
            f"the resource is {state}",
        )

    def grow_in_the_im(self, count: int) -> None:
        """Let the IM have so many machines of `node`, as a call does of which nobody knows."""
        user = attempt_user(self.uuid, 1)
        password = self.stack.vault().im_password(user)
        login = header(ImUser(user, password), Target(type="dummy", endpoint=""), "default", None)
        url = f"{self.stack.im}/infrastructures/{self.physical}"
        told = requests.get(f"{url}/tosca", headers={"Authorization": login}, timeout=30)
        document = yaml.safe_load(told.text)
        node = document["topology_template"]["node_templates"]["node"]
        node["capabilities"]["scalable"]["properties"]["count"] = count
        headers = {"Authorization": login, "Content-Type": "text/yaml"}
        body = yaml.safe_dump(document)
        answer = requests.post(url, headers=headers, data=body, timeout=60)
        assert answer.status_code == 200, answer.text

    def ended(self, step: str) -> list[str]:
        """What the dispatcher has told of the end of updates or actions: `end` or `failed`."""
        return [
            one["status"]
            for one in self.get("/events").json()
            if (one["component"], one["step"]) == ("im-dispatcher", step)
            and one["status"] != "begin"
        ]
