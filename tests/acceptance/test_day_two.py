"""What is done with a deployment that exists: updates, actions on its machines, its log, a reset."""

import json

import pytest
import requests
from support.deployed import SETTLED_S, Deployment, template
from support.fault_proxy import Fault
from support.stack import Stack, until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]


def held(made: Deployment, method: str, path: str, how: str = "before") -> Fault:
    """Hold the next such call on the deployment's infrastructure."""
    return made.stack.proxy.fault(method, rf"/infrastructures/{made.physical}{path}", how)


@pytest.fixture(scope="module")
def made(stack: Stack) -> Deployment:
    return Deployment(stack, 2).created()


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
    rid = made.rids()[0]
    assert made.act(rid, "start").status_code == 409
    assert made.act(rid, "explode").status_code == 400
    assert made.act(rid, "stop").status_code == 202
    made.resource_until(rid, "STOPPED")
    assert made.get().json()["status"] == "CREATE_COMPLETE"
    assert made.act(rid, "stop").status_code == 409
    assert made.act(rid, "start").status_code == 202
    made.resource_until(rid, "STARTED")


def test_a_stop_whose_reply_is_lost_is_done_though_the_cloud_refuses_a_second_one(
    made: Deployment,
) -> None:
    rid = made.rids()[0]
    before = len(made.ended("action"))
    held(made, "PUT", "/vms/0/stop$", "lost")
    held(made, "PUT", "/vms/0/stop$", "400")
    assert made.act(rid, "stop").status_code == 202
    made.resource_until(rid, "STOPPED")
    assert made.act(rid, "start").status_code == 202
    made.resource_until(rid, "STARTED")
    assert made.ended("action")[before:] == ["end", "end"]


class TestAReconfigure:
    def test_of_all_machines_is_shown_on_each_until_it_has_ended(self, made: Deployment) -> None:
        before = (made.get().json(), made.rids(), made.vms())
        told = len(made.ended("action"))
        asked = held(made, "PUT", "/reconfigure$")
        answer = made.act(None, "reconfigure")
        assert (answer.status_code, answer.content) == (202, b"")
        assert made.states() == ["CONFIGURING", "CONFIGURING"]
        assert made.act(None, "reconfigure").status_code == 409
        assert made.act(made.rids()[0], "stop").status_code == 409
        assert asked.reached.wait(SETTLED_S)
        asked.release()
        made.shows("STARTED", "STARTED")
        assert made.ended("action")[told:] == ["end"]
        assert (made.get().json(), made.rids(), made.vms()) == before

    def test_of_one_machine_asks_the_im_for_that_one(self, made: Deployment) -> None:
        rid = made.rids()[1]
        told = len(made.ended("action"))
        assert made.act(rid, "reconfigure").status_code == 202
        until(lambda: len(made.ended("action")) > told, SETTLED_S, "it has ended")
        assert made.ended("action")[told:] == ["end"]
        asked = [one for one in made.stack.proxy.calls if one.startswith("PUT")]
        assert asked == [f"PUT /infrastructures/{made.physical}/reconfigure?vm_list=1"]
        assert made.states() == ["STARTED", "STARTED"]

    def test_that_fails_says_why_and_the_deployment_stays(self, made: Deployment) -> None:
        as_told, instead = b'{"state":{"state":"configured"', b'{"state":{"state":"unconfigured"'
        made.stack.proxy.rewrites[as_told] = instead
        nothing, task = (
            b"Contextualization disabled by the RADL/TOSCA template.",
            b"TASK [disk] fails",
        )
        made.stack.proxy.rewrites[nothing] = task
        told = len(made.ended("action"))
        assert made.act(None, "reconfigure").status_code == 202
        until(lambda: len(made.ended("action")) > told, SETTLED_S, "it has ended")
        assert made.ended("action")[told:] == ["failed"]
        (last,) = [one for one in made.get("/events").json() if one["status"] == "failed"][-1:]
        assert last["message"] == "the IM reports unconfigured: TASK [disk] fails"
        assert made.get().json()["status"] == "CREATE_COMPLETE"
        made.shows("STARTED", "STARTED")

    def test_waits_for_no_machine_that_is_stopped(self, made: Deployment) -> None:
        rid = made.rids()[0]
        made.act(rid, "stop")
        made.resource_until(rid, "STOPPED")
        assert made.act(rid, "reconfigure").status_code == 409
        assert made.act(None, "reconfigure").status_code == 202
        made.shows("STOPPED", "STARTED")
        made.act(rid, "start")
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
        before, rids = made.get().json(), made.rids()
        added = held(made, "POST", "$")
        answer = made.put(template(3), parameters={"note": "more"})
        assert answer.status_code == 202
        assert answer.json()["status"] == "UPDATE_IN_PROGRESS"
        assert added.reached.wait(SETTLED_S)
        made.shows("STARTED", "STARTED", "CREATING")
        assert made.rids()[:2] == rids
        new = made.rids()[2]
        added.release()
        after = made.until("UPDATE_COMPLETE")
        assert after["physicalId"] == before["physicalId"]
        assert after["cloudProviderName"] == before["cloudProviderName"]
        assert len(after["outputs"]["addresses"]) == 3
        assert made.vms() == ["0", "1", "2"]
        assert made.states() == ["STARTED"] * 3
        assert made.rids() == [*rids, new]

    def test_one_that_changes_nothing_does_not_ask_the_im(self, made: Deployment) -> None:
        before = made.resources()
        assert made.put(template(3)).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert not [one for one in made.stack.proxy.calls if one.startswith("POST")]
        told = made.get("/events").json()
        assert "nothing is to be changed" in str(told)
        assert made.resources() == before

    def test_what_the_removal_list_names_goes_and_nothing_else(self, made: Deployment) -> None:
        first, leaving, last = made.rids()
        removed = held(made, "DELETE", "/vms/1$")
        assert made.put(template(2, removals=[leaving])).status_code == 202
        assert removed.reached.wait(SETTLED_S)
        made.shows("STARTED", "DELETING", "STARTED")
        removed.release()
        made.until("UPDATE_COMPLETE")
        assert made.vms() == ["0", "2"]
        assert (made.rids(), made.states()) == ([first, last], ["STARTED", "STARTED"])
        assert made.get(f"/resources/{leaving}").status_code == 404

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
        rids = made.rids()
        made.put(template(2, extra=True))
        made.until("UPDATE_COMPLETE")
        assert len(made.vms()) == 3
        nodes = [(one["toscaNodeName"], one["state"]) for one in made.resources()]
        assert nodes == [("node", "STARTED"), ("node", "STARTED"), ("extra", "STARTED")]
        assert made.rids()[:2] == rids
        made.put(template(2))
        made.until("UPDATE_COMPLETE")
        assert (made.vms(), made.rids()) == (["0", "2"], rids)

    def test_those_that_come_while_one_is_under_way_are_merged(self, made: Deployment) -> None:
        gone = made.rids()[0]
        assert made.put(template(3)).status_code == 202
        assert made.put(template(2, removals=[gone])).status_code == 202
        assert made.put(template(4)).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert len(made.vms()) == len(made.resources()) == 4
        assert gone not in [one["uuid"] for one in made.resources()]
        assert "0" not in made.vms()

    def test_the_newest_go_where_there_are_too_many(self, made: Deployment) -> None:
        vms, rids = sorted(made.vms(), key=int), made.rids()
        assert len(vms) == 4
        removed = held(made, "DELETE", f"/vms/{vms[2]}$")
        assert made.put(template(2)).status_code == 202
        assert removed.reached.wait(SETTLED_S)
        made.shows("STARTED", "STARTED", "DELETING", "DELETING")
        removed.release()
        made.until("UPDATE_COMPLETE")
        assert (made.vms(), made.rids()) == (vms[:2], rids[:2])

    def test_a_second_one_waits_until_the_first_has_ended(self, made: Deployment) -> None:
        first, second = made.rids()
        told = len(made.ended("update"))
        added = held(made, "POST", "$")
        assert made.put(template(3)).status_code == 202
        assert added.reached.wait(SETTLED_S)
        answer = made.put(template(2, removals=[first]))
        assert (answer.status_code, answer.json()["status"]) == (202, "UPDATE_IN_PROGRESS")
        until(lambda: made.states()[0] == "DELETING", SETTLED_S, "it is shown what will go")
        asked = [one for one in made.stack.proxy.calls if one.startswith(("POST", "DELETE"))]
        assert len(asked) == 1, "the IM is asked for nothing of the second one yet"
        added.release()
        made.until("UPDATE_COMPLETE")
        until(lambda: len(made.ended("update")) == told + 2, SETTLED_S, "both are told")
        assert made.ended("update")[told:] == ["end", "end"]
        assert len(made.vms()) == 2
        assert second in made.rids()
        assert first not in made.rids()
        assert made.states() == ["STARTED", "STARTED"]

    def test_the_oldest_stay_though_the_im_has_more_than_was_read(self, made: Deployment) -> None:
        """A call that was given up may come to its end between our look and the next call."""
        rids, vms = made.rids(), sorted(made.vms(), key=int)
        assert len(vms) == 2
        added = held(made, "POST", "$")
        assert made.put(template(3)).status_code == 202
        assert added.reached.wait(SETTLED_S)
        made.grow_in_the_im(5)
        added.release()
        made.until("UPDATE_COMPLETE")
        assert set(vms) < set(made.vms())
        assert len(made.vms()) == len(made.rids()) == 3
        assert made.rids()[:2] == rids
        assert made.put(template(2)).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert made.vms() == vms

    def test_a_machine_that_is_stopped_holds_up_none_and_can_go(self, made: Deployment) -> None:
        stopped, other = made.rids()
        made.act(stopped, "stop")
        made.resource_until(stopped, "STOPPED")
        assert made.put(template(3)).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert made.states() == ["STOPPED", "STARTED", "STARTED"]
        assert made.put(template(2, removals=[stopped])).status_code == 202
        made.until("UPDATE_COMPLETE")
        assert made.states() == ["STARTED", "STARTED"]
        assert made.rids()[0] == other
        assert len(made.vms()) == 2


def test_an_update_that_the_im_refuses_leaves_the_deployment_there(stack: Stack) -> None:
    made = Deployment(stack, 1).created()
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
    made = Deployment(stack, 1).created()
    assert made.put(template(3)).status_code == 202
    assert made.delete().status_code == 204
    assert made.put(template(2)).status_code == 409
    made.until("DELETE_COMPLETE")
    stack.keeps(made.uuid)
    assert {one["state"] for one in made.resources()} == {"DELETED"}


def test_a_delete_that_does_not_end_is_given_up_and_asked_for_again(stack: Stack) -> None:
    made = Deployment(stack, 1).created()
    held = stack.proxy.fault("DELETE", "/infrastructures/", "before", times=1000)
    assert made.delete().status_code == 204
    assert held.reached.wait(SETTLED_S), "the IM is asked to delete"
    assert made.get().json()["status"] == "DELETE_IN_PROGRESS"
    reset = requests.patch(made.url, json={"status": "DELETE_FAILED"}, timeout=30)
    assert (reset.status_code, reset.content) == (204, b"")
    given_up = made.get().json()
    assert given_up["status"] == "DELETE_FAILED"
    assert given_up["statusReason"] == "The delete was given up on request"
    held.release()
    assert made.delete().status_code == 204
    made.until("DELETE_COMPLETE")
    stack.keeps(made.uuid)
