"""Callbacks as their receivers see them: the whole line on real Kafka and IM."""

import hashlib
import hmac
from collections.abc import Iterator

import pytest
import requests
from support.ports import free_port
from support.receiver import Came, Receiver
from support.stack import until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

SECRET = "signing-key"
SETTINGS = {
    "PAAS_CALLBACK_ALLOW": '["127.0.0.1"]',
    "PAAS_CALLBACK_SECRET": SECRET,
    "PAAS_CALLBACK_TIMEOUT_S": "2",
    "PAAS_CALLBACK_RETRY_MIN_S": "0.5",
    "PAAS_CALLBACK_RETRY_MAX_S": "2",
}
LIFE = ["CREATE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_COMPLETE"]
CAME_S = 60


@pytest.fixture(scope="module", autouse=True)
def _settings(stack) -> None:
    """The worker may call loopback, and signs."""
    stack.worker.environment |= SETTINGS
    assert stack.worker.stop() == 0
    stack.worker.run()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


def accepted(stack, callback: str) -> str:
    """The uuid of a deployment that a GET has shown as accepted by the IM: it is fast here."""
    held = stack.proxy.fault("GET", "/state", "before")
    uuid = stack.submit(callback=callback)
    until(lambda: stack.client.deployment(uuid).get("physicalId"), CAME_S, "it is accepted")
    held.release()
    return uuid


def is_signed(came: Came) -> bool:
    signed = f"{came.event}.{came.headers['X-Paas-Stream-Timestamp']}.".encode() + came.body
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    return came.headers["X-Paas-Stream-Signature"] == f"sha256={expected}"


def test_a_receiver_is_told_once_of_acceptance_completion_and_delete(stack, receiver) -> None:
    uuid = accepted(stack, receiver.url)
    created = stack.settled(uuid)
    until(lambda: len(receiver.came) >= 2, CAME_S, "it is told of the completion")
    stack.client.delete(uuid)
    deleted = stack.settled(uuid)
    until(lambda: len(receiver.came) >= 3, CAME_S, "it is told of the delete")
    assert receiver.statuses() == LIFE
    assert [one.event for one in receiver.came] == [f"{uuid}.{number}" for number in (1, 2, 3)]
    assert all(is_signed(one) for one in receiver.came)
    for came, shown in zip(receiver.came[1:], (created, deleted), strict=True):
        del shown["links"]
        assert came.resource == shown
    events = stack.client.events(uuid)
    steps = [one["message"] for one in events if one["step"] == "callback"]
    assert steps[:2] == [f"127.0.0.1 was told of {status}" for status in LIFE[:2]]


def test_an_inner_address_is_refused_with_the_request(stack) -> None:
    answer = requests.post(
        f"{stack.worker.url}/deployments",
        json={"template": stack.example("vm"), "callback": "http://0xa9fea9fe/latest"},
        timeout=30,
    )
    assert answer.status_code == 400
    assert answer.json()["message"].startswith("callback: ")


def test_a_receiver_that_was_down_is_told_all_of_it_in_order_after_a_kill_of_the_worker(
    stack,
) -> None:
    port = free_port()
    uuid = accepted(stack, f"http://127.0.0.1:{port}/hook")
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"

    def has_failed() -> bool:
        return any(
            one["step"] == "callback" and one["status"] == "failed"
            for one in stack.client.events(uuid)
        )

    until(has_failed, CAME_S, "the timeline tells that the receiver is down")
    stack.worker.kill9()
    stack.worker.run()
    # what was not safe yet comes again; a delete that overtakes it would leave nothing to be told of it
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
    stack.client.delete(uuid)
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
    with Receiver(port) as receiver:
        until(lambda: LIFE[-1] in receiver.statuses(), CAME_S, "the receiver is told of the delete")
        numbers = [one.event for one in receiver.came]
        assert list(dict.fromkeys(numbers)) == [f"{uuid}.{number}" for number in (1, 2, 3)]
        assert list(dict.fromkeys(receiver.statuses())) == LIFE
        assert all(is_signed(one) for one in receiver.came)
