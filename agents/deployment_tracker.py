"""Deployment tracker: all topics of a deployment -> its status, its timeline and its ranking."""

import time
from collections.abc import Iterable

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.outbox import Outbox
from paas_stream.durable.ticks import Ticks
from paas_stream.lifecycle import deployment, rankings, timeline
from paas_stream.lifecycle.deployment import DeploymentRow, TrackerPolicy
from paas_stream.lifecycle.timeline import Timeline
from paas_stream.records import Command, ErrorRecord, Template, TrackerEvent, caused_by
from tables import deployments as tables
from tables import error_records, template_texts

COMPONENT = "deployment-tracker"

_settings = app.settings.tracker
policy = TrackerPolicy(_settings.delete_timeout_s, _settings.retention_s)


def _moments() -> Iterable[tuple[str, list[float]]]:
    for uuid, row in tables.deployments.items():
        yield uuid, deployment.moments(row, policy)


ticks = Ticks(app, COMPONENT, lambda uuid: TrackerEvent(uuid=uuid, event="tick"), _moments)
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
    """Apply one event. What follows is sent before the row is stored: a replay sends it again."""
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
    await outbox.post(received, *caused_by(received.id, transition.messages))
    if transition.row is None:
        tables.forget(uuid)
        ticks.arm(uuid, [], now)
        return
    if transition.row != known:
        tables.put(transition.row)
    if isinstance(message, Template):
        template_texts.keep(message)
    if (ranking := rankings.kept(message)) is not None:
        tables.ranked_providers[uuid] = ranking
    _tell(received)
    ticks.arm(uuid, deployment.moments(transition.row, policy), now)


def _tell(received: Received) -> None:
    event = timeline.entry(timeline.name(received.topic, received.message), received.message)
    if event is None:
        return
    uuid = received.message.uuid
    known = tables.timelines.get(uuid) or Timeline()
    told = known.with_event(event, _settings.timeline_max)
    if told != known:
        tables.timelines.put(uuid, told)
