"""kill -9 of the worker at each of the dispatcher's states, and a restart.

Afterwards the deployment is complete with exactly one infrastructure in the IM, or deleted with none.
"""

import pytest
from support.stack import until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

CREATE = ("POST", r"^/infrastructures\?")
STATE = ("GET", r"/state$")
OUTPUTS = ("GET", r"/outputs$")
DELETE = ("DELETE", r"^/infrastructures/")
LIST = ("GET", r"^/infrastructures$")

REACHED_S = 30
ENDED_S = 60


def crash_and_restart(stack) -> None:
    stack.worker.kill9()
    stack.worker.run()


@pytest.mark.parametrize(
    ("call", "how"),
    [
        pytest.param(LIST, "before", id="before the IM is asked what the attempt has created"),
        pytest.param(CREATE, "before", id="before the create reaches the IM"),
        pytest.param(CREATE, "after", id="before the create's reply"),
        pytest.param(STATE, "after", id="while polling"),
        pytest.param(OUTPUTS, "after", id="while the outputs are read"),
    ],
)
def test_a_create_that_is_killed_ends_complete_with_one_infrastructure(stack, call, how) -> None:
    held = stack.proxy.fault(*call, how)
    uuid = stack.submit()
    assert held.reached.wait(REACHED_S)
    stack.worker.kill9()
    held.drop()
    stack.worker.run()
    ended = stack.settled(uuid)
    assert ended["status"] == "CREATE_COMPLETE"
    assert ended["outputs"]["address"] == "10.0.0.1"
    stack.keeps_one(uuid)


def test_a_create_that_is_killed_right_after_its_reply_is_adopted(stack) -> None:
    held = stack.proxy.fault(*STATE, "before")
    uuid = stack.submit()
    assert held.reached.wait(REACHED_S)
    crash_and_restart(stack)
    held.drop()
    ended = stack.settled(uuid)
    assert ended["status"] == "CREATE_COMPLETE"
    stack.keeps_one(uuid)


@pytest.mark.parametrize(
    "refusals",
    [
        pytest.param(0, id="which the IM deletes when it is asked"),
        pytest.param(2, id="which the IM is still at work with, and deletes later"),
    ],
)
def test_a_lost_create_that_reaches_the_im_late_leaves_one_infrastructure(stack, refusals) -> None:
    late = stack.proxy.fault(*CREATE, "before")
    uuid = stack.submit()
    assert late.reached.wait(REACHED_S)
    stack.worker.kill9()
    polling = stack.proxy.fault(*STATE, "before")
    stack.worker.run()
    assert polling.reached.wait(REACHED_S), "the create was issued again"
    late.release()
    assert late.done.wait(REACHED_S)
    assert len(stack.infrastructures(uuid)) == 2
    stack.proxy.fault(*DELETE, "409", times=refusals)
    polling.release()
    ended = stack.settled(uuid)
    assert ended["status"] == "CREATE_COMPLETE"
    stack.keeps_one(uuid)


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_delete_that_is_killed_ends_deleted_with_nothing_left(stack, how) -> None:
    uuid = stack.submit()
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
    held = stack.proxy.fault(*DELETE, how)
    stack.client.delete(uuid)
    assert held.reached.wait(REACHED_S)
    stack.worker.kill9()
    held.drop()
    stack.worker.run()
    # at first it may show what it knew when it was killed: its last events come again
    until(lambda: stack.settled(uuid)["status"] == "DELETE_COMPLETE", ENDED_S, "it is deleted")
    stack.keeps(uuid)


def test_a_clean_up_of_a_failed_attempt_that_is_killed_ends_at_the_second_provider(stack) -> None:
    held = stack.proxy.fault(*DELETE, "before")
    uuid = stack.submit("failover", "demo-failover")
    assert held.reached.wait(REACHED_S)
    stack.worker.kill9()
    held.drop()
    stack.worker.run()
    ended = stack.settled(uuid)
    assert ended["status"] == "CREATE_COMPLETE"
    assert ended["cloudProviderName"] == "site-b"
    stack.keeps_one(uuid)


def test_the_timeline_of_a_killed_deployment_is_whole_and_without_repetition(stack) -> None:
    held = stack.proxy.fault(*CREATE, "after")
    uuid = stack.submit()
    assert held.reached.wait(REACHED_S)
    stack.worker.kill9()
    held.drop()
    stack.worker.run()
    stack.settled(uuid)
    events = stack.client.events(uuid)
    steps = [(one["component"], one["step"], one["status"]) for one in events]
    for step in (
        ("rest-api", "request", "end"),
        ("template-parser", "validate", "end"),
        ("provider-selector", "select", "end"),
        ("ai-ranker", "rank", "end"),
        ("im-dispatcher", "accepted", "end"),
        ("im-dispatcher", "create", "end"),
    ):
        assert steps.count(step) == 1, (step, steps)
    assert [one["time"] for one in events] == sorted(one["time"] for one in events)
