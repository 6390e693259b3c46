"""Deployment tracker: all topics of a deployment -> its status, timeline, ranking and callbacks."""

import time
from collections.abc import Iterable

from agents import callback_effects
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.metrics import CALLBACKS
from paas_stream.durable.outbox import Outbox
from paas_stream.durable.ticks import Ticks
from paas_stream.lifecycle import callbacks, deployment, rankings, resources, timeline
from paas_stream.lifecycle.deployment import DeploymentRow, TrackerPolicy
from paas_stream.lifecycle.reports import at
from paas_stream.lifecycle.resources import Resources
from paas_stream.lifecycle.timeline import Timeline
from paas_stream.records import (
    Command,
    DeploymentResult,
    ErrorRecord,
    Message,
    Template,
    TrackerEvent,
    caused_by,
)
from tables import deployments as tables
from tables import error_records, template_texts
from tables.deployments import Log

COMPONENT = "deployment-tracker"

_settings = app.settings.tracker
policy = TrackerPolicy(_settings.delete_timeout_s, _settings.retention_s)


def _moments() -> Iterable[tuple[str, list[float]]]:
    for uuid, row in tables.deployments.items():
        yield uuid, _moments_of(row, time.time())


def _moments_of(row: DeploymentRow, now: float) -> list[float]:
    return deployment.moments(row, policy) + callbacks.moments(row, now)


def _tick(uuid: str) -> TrackerEvent:
    return TrackerEvent(uuid=uuid, event="tick", timestamp=at(time.time()))


ticks = Ticks(app, COMPONENT, _tick, _moments)
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
    forgets = isinstance(message, Command) and message.command in ("forget", "inspect")
    if uuid is None or (known is None and (forgets or isinstance(message, TrackerEvent))):
        return
    row = known or DeploymentRow(uuid, first_seen=now, updated=now)
    transition = deployment.step(row, message, now, policy)
    if transition.row is None:
        await outbox.post(received, *caused_by(received.id, transition.messages))
        tables.forget(uuid)
        CALLBACKS.labels("given_up").inc(len(row.callbacks.pending))
        ticks.arm(uuid, [], now)
        return
    told = callbacks.follow(known, transition.row, message, now, callback_effects.policy)
    said = (*transition.messages, *told.messages)
    await outbox.post(received, *caused_by(received.id, said))
    if told.row != known:
        tables.put(told.row)
    if (ranking := rankings.kept(message)) is not None:
        tables.ranked_providers[uuid] = ranking
    _keep(uuid, message)
    _tell(received)
    ticks.arm(uuid, _moments_of(told.row, now), now)
    for effect in told.effects:
        callback_effects.submit(effect, now)
    for outcome in told.outcomes:
        CALLBACKS.labels(outcome.value).inc()


def _keep(uuid: str, message: Message) -> None:
    """What is shown besides the status: the template, resources, and the log."""
    if isinstance(message, Template):
        template_texts.keep(message)
    known = tables.resources.get(uuid) or Resources(uuid)
    if (changed := resources.step(known, message)) is not known:
        tables.resources.put(uuid, changed)
    if isinstance(message, DeploymentResult) and message.kind == "log" and message.log:
        tables.logs.put(uuid, Log(message.log, message.request_id or ""))


def _tell(received: Received) -> None:
    event = timeline.entry(timeline.name(received.topic, received.message), received.message)
    if event is None:
        return
    uuid = received.message.uuid
    known = tables.timelines.get(uuid) or Timeline()
    told = known.with_event(event, _settings.timeline_max)
    if told != known:
        tables.timelines.put(uuid, told)
