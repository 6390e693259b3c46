"""Callbacks from the tracker's row to a real receiver, and back into the row."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from support import lifecycle as make
from support.bench import Bench, Clock, Stored
from support.lifecycle import T0, UUID
from support.receiver import Receiver
from support.waiting import wait_until

from agents import callback_effects, callback_runner
from agents import deployment_tracker as module
from agents.deployment_tracker import deployment_tracker
from paas_stream.clients.callbacks import CallbackClient
from paas_stream.durable.effects import EffectRunner
from paas_stream.durable.metrics import CALLBACKS
from paas_stream.lifecycle.callbacks import Tell
from paas_stream.records import DeploymentResult, TrackerEvent
from paas_stream.secrets import vault
from paas_stream.web_settings import CallbackSettings
from tables import deployments as tables

TIMEOUT_S = 0.5


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
async def tracker(
    bench: Bench, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    """A bench whose callbacks are really called, on loopback too."""
    settings = CallbackSettings(allow=["127.0.0.1"], timeout_s=TIMEOUT_S)
    client = CallbackClient(settings)
    monkeypatch.setattr(callback_effects, "client", lambda: client)
    runner: EffectRunner[Tell, TrackerEvent] = EffectRunner(
        callback_effects.perform,
        callback_runner._report,
        callback_effects.failed,
        limit=10,
        room=callback_runner._room,
    )
    monkeypatch.setattr(callback_runner, "runner", runner)
    yield bench
    await runner.drain(5.0)


def final(**fields: Any) -> DeploymentResult:
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": make.at(T0 + 30), "kind": "final", "success": True} | fields
    )


async def answered(tracker: Bench, number: int = 1) -> TrackerEvent:
    """The newest answer, once there are so many; the tracker has taken it."""

    def answers() -> list[TrackerEvent]:
        return [one for one in tracker.sent(TrackerEvent) if one.event == "callback"]

    await wait_until(lambda: len(answers()) >= number, 10, "a call has ended")
    await tracker.give(deployment_tracker, answers()[-1])
    return answers()[-1]


def template(url: str) -> Any:
    return make.template().model_copy(update={"callback": url})


def told() -> list[tuple[str, str]]:
    timeline = tables.timelines.get(UUID)
    events = timeline.ordered if timeline else ()
    return [(one.status, one.message) for one in events if one.step == "callback"]


def pending() -> int:
    row = tables.deployments.get(UUID)
    return len(row.callbacks.pending) if row else 0


def counted(outcome: str) -> float:
    return float(CALLBACKS.labels(outcome)._value.get())


async def test_the_resource_is_posted_and_the_row_knows_it(
    tracker: Bench, receiver: Receiver
) -> None:
    before = counted("delivered")
    await tracker.give(deployment_tracker, template(receiver.url))
    await tracker.give(deployment_tracker, final(infrastructure_id="inf-1"))
    assert pending() == 1
    answer = await answered(tracker)
    assert answer.outcome == "delivered"
    (came,) = receiver.came
    assert came.event == f"{UUID}.1"
    assert came.resource["status"] == "CREATE_COMPLETE"
    assert (came.resource["physicalId"], came.resource["outputs"]) == ("inf-1", {})
    assert pending() == 0
    assert counted("delivered") == before + 1


async def test_the_intent_is_stored_before_the_call_is_made(
    tracker: Bench, receiver: Receiver
) -> None:
    await tracker.give(deployment_tracker, template(receiver.url))
    tracker.journal.clear()
    await tracker.give(deployment_tracker, final())
    rows = [one.value for one in tracker.journal if isinstance(one, Stored)]
    assert rows[0]["callbacks"]["pending"][0]["issue"] == 1
    await answered(tracker)


async def test_a_failure_is_told_and_the_call_made_again_by_a_tick(
    tracker: Bench, receiver: Receiver, clock: Clock
) -> None:
    receiver.status = 503
    await tracker.give(deployment_tracker, template(receiver.url))
    await tracker.give(deployment_tracker, final())
    assert (await answered(tracker)).message == "it answered 503"
    receiver.status = 200
    row = tables.deployments.get(UUID)
    assert row is not None
    clock.now = row.callbacks.pending[0].due + 0.1
    await module.ticks.run()
    (tick,) = [one for one in tracker.sent(TrackerEvent) if one.event == "tick"]
    await tracker.give(deployment_tracker, tick)
    assert (await answered(tracker, 2)).outcome == "delivered"
    assert [one.event for one in receiver.came] == [f"{UUID}.1"] * 2
    assert receiver.came[0].body == receiver.came[1].body
    assert pending() == 0


@pytest.mark.parametrize(
    ("status", "outcome", "text"),
    [
        (410, "refused", "it answered 410"),
        (404, "refused", "it answered 404"),
        (302, "fault", "it answered 302"),
        (429, "fault", "it answered 429"),
        (0, "fault", f"it did not answer within {TIMEOUT_S:g} s"),
    ],
)
async def test_receivers_that_misbehave(
    tracker: Bench, receiver: Receiver, status: int, outcome: str, text: str
) -> None:
    receiver.status = status
    receiver.headers["Location"] = receiver.url
    before = counted("given_up" if outcome == "refused" else "retried")
    await tracker.give(deployment_tracker, template(receiver.url))
    await tracker.give(deployment_tracker, final())
    answer = await answered(tracker)
    assert (answer.outcome, answer.message) == (outcome, text)
    assert pending() == (outcome == "fault")
    assert len(receiver.came) == 1
    assert counted("given_up" if outcome == "refused" else "retried") == before + 1
    for step in [one for one in tracker.journal if getattr(one, "message", None) is not None]:
        if getattr(step.message, "step", "") == "callback":
            await tracker.give(deployment_tracker, step.message)
    ((how, said),) = told()
    assert how == "failed"
    assert said.startswith("127.0.0.1 ")
    assert text in said


async def test_a_receiver_that_hangs_does_not_hold_the_tracker_up(
    tracker: Bench, receiver: Receiver
) -> None:
    receiver.status = 0
    begun = time.monotonic()
    await tracker.give(deployment_tracker, template(receiver.url))
    await tracker.give(deployment_tracker, final())
    await tracker.give(deployment_tracker, make.command("delete", T0 + 40))
    assert time.monotonic() - begun < TIMEOUT_S
    await answered(tracker)


async def test_what_leads_inside_is_refused(tracker: Bench, receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", "127.0.0.2")
    await tracker.give(deployment_tracker, template(url))
    await tracker.give(deployment_tracker, final())
    answer = await answered(tracker)
    assert (answer.outcome, answer.message) == ("refused", "127.0.0.2 is not a public address")
    assert receiver.came == []


async def test_a_deployment_that_is_forgotten_takes_its_callbacks_with_it(
    tracker: Bench, receiver: Receiver, clock: Clock
) -> None:
    receiver.status = 503
    deleted = {"operation": "delete", "started_at": make.at(T0 + 20)}
    await tracker.give(deployment_tracker, template(receiver.url))
    await tracker.give(deployment_tracker, make.command("delete", T0 + 20))
    await tracker.give(deployment_tracker, final(**deleted))
    await answered(tracker)
    before = counted("given_up")
    clock.now = T0 + 40 + module.policy.retention_s
    await tracker.give(deployment_tracker, make.tracker_tick(clock.now))
    assert tables.deployments.get(UUID) is None
    assert counted("given_up") == before + 1
    assert len(module.ticks) == 0


# -- outputs


@pytest.mark.parametrize(
    ("setting", "url", "are_there"),
    [
        ("https", "https://client/", True),
        ("https", "http://client/", False),
        ("https", "http://dashboard.internal:8080/callback", True),
        ("https", "http://10.1.2.3/", True),
        ("https", "http://10.2.0.1/", False),
        ("always", "http://client/", True),
        ("never", "https://client/", False),
    ],
)
def test_outputs_go_where_they_may_go(
    setting: str, url: str, are_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = CallbackSettings(outputs=setting, allow=["10.1.0.0/16", "dashboard.internal"])
    made_by = CallbackClient(settings)
    monkeypatch.setattr(callback_effects, "client", lambda: made_by)
    sealed = vault().seal_json({"password": "p"})
    made = callback_effects.body(Tell(UUID, 1, 1, url, {"uuid": UUID, "outputs": {}}, sealed))
    assert (b'"outputs":{"password":"p"}' in made) is are_there
    assert (b"outputsUnavailable" in made) is not are_there
    without = callback_effects.body(Tell(UUID, 1, 1, url, {"uuid": UUID, "outputs": {}}, None))
    assert without == b'{"uuid":"%s","outputs":{}}' % UUID.encode()
