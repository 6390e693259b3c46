"""Deployment tracker: all topics of a deployment -> its status, timeline, ranking and callbacks."""

import time
from collections.abc import Iterable

from agents import callback_runner, deployment_shown
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.metrics import CALLBACKS
from paas_stream.durable.outbox import Outbox
from paas_stream.durable.ticks import Ticks
from paas_stream.lifecycle import callbacks, deployment
from paas_stream.lifecycle.deployment import DeploymentRow, TrackerPolicy
from paas_stream.lifecycle.reports import at
from paas_stream.records import ErrorRecord, TrackerEvent, caused_by
from tables import deployments as tables
from tables import error_records

COMPONENT = "deployment-tracker"

_settings = app.settings.tracker
policy = TrackerPolicy(_settings.delete_timeout_s, _settings.retention_s)


def _moments() -> Iterable[tuple[str, list[float]]]:
    for uuid, row in tables.deployments.items():
        yield uuid, _moments_of(row, time.time())


def _moments_of(row: DeploymentRow, now: float) -> list[float]:
    return deployment.moments(row, policy, now) + callbacks.moments(row, now)


def _tick(uuid: str) -> TrackerEvent:
    return TrackerEvent(uuid=uuid, event="tick", timestamp=at(time.time()))


ticks = Ticks(app, COMPONENT, _tick, _moments, after=app.takeover)
outbox = Outbox(app, COMPONENT)


@agent(
    app,
    COMPONENT,
    topics.TEMPLATE,
    topics.VALIDATED_TEMPLATES,
    topics.INFERENCE,
    topics.RANKED_PROVIDERS,
    topics.DEPLOYMENT_RESULTS,
    topics.DEPLOYMENT_COMMANDS,
    topics.ERRORS,
    topics.PROCEDURE_STATUS,
    topics.TRACKER_EVENTS,
)
async def deployment_tracker(received: Received) -> None:
    """Apply one event. What follows is sent before the row is stored: a replay sends it again.

    Callbacks are called after it is stored.
    """
    message, now = received.message, time.time()
    if isinstance(message, ErrorRecord):
        error_records.keep(received.source, message)
    uuid = deployment.concerned(message)
    known = tables.deployments.get(uuid) if uuid else None
    if uuid is None or (known is None and not deployment.makes_row(message)):
        return
    row = known or DeploymentRow(uuid, first_seen=now, updated=now)
    transition = deployment.step(row, message, now, policy)
    if transition.row is None:
        await outbox.post(received, *caused_by(received.id, transition.messages))
        tables.forget(uuid)
        CALLBACKS.labels("given_up").inc(len(row.callbacks.pending))
        ticks.arm(uuid, [], now)
        return
    told = callbacks.follow(known, transition.row, message, now, callback_runner.policy)
    said = (*transition.messages, *told.messages)
    await outbox.post(received, *caused_by(received.id, said))
    if told.row != known:
        tables.put(told.row)
    ticks.arm(uuid, _moments_of(told.row, now), now)
    for effect in told.effects:
        callback_runner.submit(effect, now)
    for outcome in told.outcomes:
        CALLBACKS.labels(outcome.value).inc()
    # last: where one of these rows cannot be read, the deployment goes on all the same
    deployment_shown.keep(uuid, received)
