"""What goes wrong outside is told clearly, and nothing is lost by it."""

import json
import time

import pytest
import requests

from paas_stream.client import ApiError

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

# a pattern that is tried in 2^33 ways before it is known not to fit
HANGING = """
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  inputs:
    name: {type: string, default: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!, constraints: [pattern: (a+)+$]}
  node_templates:
    node: {type: tosca.nodes.Compute}
"""


def post(stack, body, **headers) -> requests.Response:
    given = {"Content-Type": "application/json"} | headers
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return requests.post(f"{stack.worker.url}/deployments", data=data, headers=given, timeout=30)


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ("{not json", 400, "not JSON"),
        (b"\xff\xfe", 400, "not JSON"),
        ("[1, 2]", 400, "object was expected"),
        ("null", 400, "object was expected"),
        ({}, 400, "template"),
        ({"template": 7}, 400, "template"),
        ({"template": "x", "parameters": [1]}, 400, "parameters"),
        ({"template": "x", "timeoutMins": "soon"}, 400, "timeoutMins"),
        ({"template": "x", "timeoutMins": 0}, 400, "timeoutMins"),
        ({"template": "x", "callback": "file:///x"}, 400, "callback"),
        ({"template": "x", "timeoutMins": 5, "providerTimeoutMins": 6}, 400, "ProviderTimeout"),
        ({"template": "a: [b"}, 400, ""),
        ("[" * 100_000, 400, ""),
    ],
)
def test_a_wrong_request_is_refused_with_what_is_wrong(stack, body, status, says) -> None:
    answer = post(stack, body)
    assert answer.status_code == status
    error = answer.json()
    assert error["code"] == status
    assert error["title"]
    assert says in error["message"]
    assert "Traceback" not in answer.text


def test_every_fault_of_a_request_is_named_at_once(stack) -> None:
    answer = post(stack, {"template": "", "timeoutMins": "soon", "callback": "x"})
    assert len(answer.json()["faults"]) == 3


def test_a_body_of_50_mb_is_refused_and_the_service_goes_on(stack) -> None:
    answer = post(stack, b'{"template": "' + b"x" * 50_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json()["title"]
    assert stack.client.is_ready()


def test_an_unknown_deployment_an_unknown_path_and_a_wrong_method_have_error_bodies(stack) -> None:
    unknown = requests.get(f"{stack.worker.url}/deployments/no-such", timeout=30)
    assert (unknown.status_code, unknown.json()["code"]) == (404, 404)
    path = requests.get(f"{stack.worker.url}/no/such/path", timeout=30)
    assert (path.status_code, path.json()["code"]) == (404, 404)
    method = requests.delete(f"{stack.worker.url}/deployments", timeout=30)
    assert (method.status_code, method.json()["code"]) == (405, 405)


def test_a_template_that_hangs_the_parser_fails_and_the_next_one_is_served(stack) -> None:
    made = stack.client.submit(HANGING, {}, userGroup="demo")
    after = stack.submit()
    ended = stack.settled(made["uuid"])
    assert ended["status"] == "CREATE_FAILED"
    assert "not parsed within" in ended["statusReason"]
    assert stack.settled(after)["status"] == "CREATE_COMPLETE"


def test_a_template_that_no_provider_can_host_fails_with_the_reason_of_each(stack) -> None:
    ended = stack.settled(stack.submit("vm", "no-such-group"))
    assert ended["status"] == "CREATE_FAILED"
    assert "no-such-group" in ended["statusReason"]
    expired = stack.settled(stack.submit("vm", "demo-expired"))
    assert "2024-12-31" in expired["statusReason"]


def test_the_second_provider_is_used_and_the_first_ones_reason_is_told(stack) -> None:
    uuid = stack.submit("failover", "demo-failover")
    ended = stack.settled(uuid)
    assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "site-b")
    failed = [
        e for e in stack.client.events(uuid) if (e["step"], e["status"]) == ("attempt", "failed")
    ]
    assert [(e["attempt"], e["provider"]) for e in failed] == [(1, "site-unreachable")]
    assert "refused" in failed[0]["message"]
    stack.keeps_one(uuid)


def test_only_as_many_providers_are_tried_as_asked_for(stack) -> None:
    ended = stack.settled(stack.submit("failover", "demo-failover", maxProvidersRetry=1))
    assert ended["status"] == "CREATE_FAILED"
    assert "site-unreachable" in ended["statusReason"]
    stack.keeps(ended["uuid"])


def test_the_last_failed_attempt_is_kept_on_request_until_the_delete(stack) -> None:
    uuid = stack.submit("failover", "demo-failover", maxProvidersRetry=1, keepLastAttempt="true")
    ended = stack.settled(uuid)
    assert ended["status"] == "CREATE_FAILED"
    stack.keeps_one(uuid)
    stack.client.delete(uuid)
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
    stack.keeps(uuid)


@pytest.mark.parametrize("how", ["503", "429", "reset", "lost"])
def test_a_create_whose_call_fails_for_a_moment_is_tried_again_at_the_same_provider(
    stack, how
) -> None:
    stack.proxy.fault("POST", r"^/infrastructures\?", how)
    uuid = stack.submit()
    ended = stack.settled(uuid)
    assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "site-a")
    assert any("tried again in" in event["message"] for event in stack.client.events(uuid))
    stack.keeps_one(uuid)


@pytest.mark.parametrize("status", ["403", "500"])
def test_a_create_that_the_im_refuses_goes_on_at_the_next_provider(stack, status) -> None:
    stack.proxy.fault("POST", r"^/infrastructures\?", status)
    uuid = stack.submit()
    ended = stack.settled(uuid)
    assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "site-b")
    stack.keeps_one(uuid)


def test_a_hanging_im_is_given_up_after_the_time_out_and_asked_again(stack) -> None:
    held = stack.proxy.fault("GET", r"/state$", "before")
    uuid = stack.submit()
    assert held.reached.wait(30)
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"


def test_while_the_im_is_down_deployments_wait_and_say_so(stack) -> None:
    stack.proxy.down()
    try:
        uuid = stack.submit()
        deadline = time.monotonic() + 30
        while not any("cannot be reached" in e["message"] for e in stack.client.events(uuid)):
            assert time.monotonic() < deadline, stack.client.events(uuid)
            time.sleep(0.2)
        assert stack.client.deployment(uuid)["status"] == "CREATE_IN_PROGRESS"
    finally:
        stack.proxy.up()
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"


def test_a_delete_while_the_create_runs_leaves_nothing(stack) -> None:
    held = stack.proxy.fault("POST", r"^/infrastructures\?", "after")
    uuid = stack.submit()
    assert held.reached.wait(30)
    stack.client.delete(uuid)
    held.release()
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
    stack.keeps(uuid)
    with pytest.raises(ApiError, match="Cannot delete") as refused:
        stack.client.delete(uuid)
    assert refused.value.status == 409


def test_a_repeated_post_with_the_same_key_makes_one_deployment(stack) -> None:
    body = {"template": (stack.example("vm")), "userGroup": "demo"}
    key = {"Idempotency-Key": f"key-{time.time()}"}
    first, second = post(stack, body, **key), post(stack, body, **key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["uuid"] == second.json()["uuid"]
    stack.settled(first.json()["uuid"])
    stack.keeps_one(first.json()["uuid"])
