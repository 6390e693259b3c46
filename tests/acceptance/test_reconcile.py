"""The IM and the deployments are compared: what is too much is deleted, what is lacking is told."""

import json
from typing import Any
from uuid import uuid4

import pytest
import requests
from support.stack import until

from paas_stream.clients.im_login import ImUser, attempt_user, user_header
from paas_stream.local.im import EmbeddedIm
from paas_stream.secrets import load_vault
from paas_stream.settings import SecretSettings, Settings, StateSettings

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

RESTS_S = 120.0  # what came back is looked at for the last time 85 s after its delete

TEMPLATE = """\
tosca_definitions_version: tosca_simple_yaml_1_0
metadata: {paas_attempt: "%s", PAAS_DEP_UUID: %s}
topology_template:
  node_templates:
    node: {type: tosca.nodes.Compute}
"""


class Im:
    """The IM, as the attempts' users see it."""

    def __init__(self, stack: Any) -> None:
        self._url = stack.im
        settings = Settings(
            state=StateSettings(dir=stack.folder / "state"), secret=SecretSettings()
        )
        self._vault = load_vault(settings)

    def header(self, uuid: str, password: str | None = None) -> dict[str, str]:
        name = attempt_user(uuid, 1)
        login = user_header(ImUser(name, password or self._vault.im_password(name)))
        cloud = {"id": "dummy", "type": "Dummy"}
        return {
            "Authorization": json.dumps([*json.loads(login), cloud]),
            "Accept": "application/json",
            "Content-Type": "text/yaml",
        }

    def create(self, uuid: str, password: str | None = None) -> str:
        answer = requests.post(
            f"{self._url}/infrastructures?async=true",
            data=TEMPLATE % (1, uuid),
            headers=self.header(uuid, password),
            timeout=20,
        )
        assert answer.ok, answer.text[:300]
        return str(answer.json()["uri"]).rsplit("/", 1)[1]

    def delete(self, uuid: str, infrastructure: str, password: str | None = None) -> None:
        """An infrastructure, or `infrastructure/vms/0`."""
        url = f"{self._url}/infrastructures/{infrastructure}"
        assert requests.delete(url, headers=self.header(uuid, password), timeout=20).ok


def reconcile(stack: Any, *options: str, **environment: str) -> list[dict[str, Any]]:
    before = dict(stack.worker.environment)
    stack.worker.environment.update(environment)
    try:
        ended = stack.run("--url", stack.worker.url, "reconcile", "--json", *options)
    finally:
        stack.worker.environment.clear()
        stack.worker.environment.update(before)
    assert "Traceback" not in ended.stderr, ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines()]
    assert ended.returncode == int(any(one["result"] != "deleted" for one in found)), ended.stderr
    return found


def dispatcher_rests(stack: Any) -> bool:
    """Whether no row of the dispatcher has a moment at which it acts."""
    page = requests.get(f"{stack.worker.url}/metrics", timeout=20).text
    return 'paas_stream_due_rows{component="im-dispatcher"} 0.0' in page


def test_what_comes_back_and_what_vanishes_is_found_without_an_administrator(stack: Any) -> None:
    im = Im(stack)
    gone, deleted, fine = stack.submit(), stack.submit(), stack.submit()
    placed = {uuid: stack.settled(uuid)["physicalId"] for uuid in (gone, deleted, fine)}
    stack.client.delete(deleted)
    assert stack.settled(deleted)["status"] == "DELETE_COMPLETE"
    assert reconcile(stack, "--attempts", "2") == []
    until(lambda: dispatcher_rests(stack), RESTS_S, "the dispatcher has looked for the last time")

    im.delete(gone, placed[gone])
    back = im.create(deleted)
    found = {one["uuid"]: one for one in reconcile(stack, "--attempts", "2")}
    assert {uuid: one["kind"] for uuid, one in found.items()} == {
        gone: "vanished",
        deleted: "orphan",
    }
    assert (found[deleted]["infrastructure"], found[gone]["infrastructure"]) == (
        back,
        placed[gone],
    )

    fixed = {one["uuid"]: one["result"] for one in reconcile(stack, "--fix", "--attempts", "2")}
    assert fixed == {gone: "vanished", deleted: "deleted"}
    stack.keeps(deleted)
    stack.keeps_one(fine)
    assert stack.client.deployment(deleted)["status"] == "DELETE_COMPLETE"


def test_the_administrator_sees_what_nobody_knows_and_leaves_what_is_not_ours(
    stack: Any, embedded_im: EmbeddedIm
) -> None:
    im = Im(stack)
    forgotten, foreign = str(uuid4()), str(uuid4())
    ours = im.create(forgotten)
    theirs = im.create(foreign, password="of another installation")
    name, password = embedded_im.administrator()
    administrator = {"PAAS_IM_ADMIN_USERNAME": name, "PAAS_IM_ADMIN_PASSWORD": password}

    found = [one for one in reconcile(stack, **administrator) if one["kind"] == "orphan"]
    assert [(one["uuid"], one["infrastructure"]) for one in found] == [(forgotten, ours)]
    found = [one for one in reconcile(stack, "--fix", **administrator) if one["kind"] == "orphan"]
    assert [one["result"] for one in found] == ["deleted"]
    stack.keeps(forgotten)
    im.delete(foreign, theirs, password="of another installation")  # it is still there


def test_dispatchers_compare_when_an_admin_asks(stack: Any) -> None:
    im = Im(stack)
    deleted, fine = stack.submit(), stack.submit()
    for uuid in (deleted, fine):
        stack.settled(uuid)
    stack.client.delete(deleted)
    assert stack.settled(deleted)["status"] == "DELETE_COMPLETE"
    until(lambda: dispatcher_rests(stack), RESTS_S, "the dispatcher has looked for the last time")
    im.create(deleted)
    stack.client.reconcile()
    stack.keeps(deleted)
    stack.keeps_one(fine)


def test_the_worker_compares_by_itself(stack: Any) -> None:
    im = Im(stack)
    stack.worker.stop()
    stack.worker.run(PAAS_DISPATCH_INSPECT_PER_S="50", PAAS_DISPATCH_INSPECT_PAUSE_S="1")
    gone, deleted, less = stack.submit(), stack.submit(), stack.submit()
    infrastructure = stack.settled(gone)["physicalId"]
    (machine,) = until(lambda: stack.shown(less), 60, "its machine is read")
    im.delete(less, f"{stack.settled(less)['physicalId']}/vms/{machine}")
    stack.settled(deleted)
    stack.client.delete(deleted)
    stack.settled(deleted)
    im.delete(gone, infrastructure)
    im.create(deleted)

    def told(uuid: str, words: str) -> list[dict[str, Any]]:
        return [one for one in stack.client.events(uuid) if words in one["message"]]

    until(lambda: told(gone, "not in the IM any more"), 60, "the owner is told")
    until(lambda: told(deleted, "deleted once more"), 60, "it is found again")
    until(lambda: told(less, f"lost 1 of 1 machines: {machine}"), 60, "the owner is told")
    until(lambda: not stack.shown(less), 60, "what is shown is what is there")
    stack.keeps(deleted)
    assert stack.client.deployment(gone)["status"] == "CREATE_COMPLETE"
    assert stack.client.deployment(deleted)["status"] == "DELETE_COMPLETE"
