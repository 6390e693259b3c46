"""What the tracker keeps of a deployment to be shown, besides its status: only views read it."""

from paas_stream.app import app
from paas_stream.durable.agents import Received
from paas_stream.lifecycle import rankings, resources, timeline
from paas_stream.lifecycle.resources import Resources
from paas_stream.lifecycle.timeline import Timeline
from paas_stream.records import DeploymentResult, Message, Template
from tables import deployments as tables
from tables import template_texts
from tables.deployments import Log

_TIMELINE_MOST = app.settings.tracker.timeline_max


def keep(uuid: str, received: Received) -> None:
    """Store what an event brings: a ranking, a template, resources, a log, an entry of the timeline.

    Raises UnreadableRowError.
    """
    message: Message = received.message
    if (ranking := rankings.kept(message)) is not None:
        tables.ranked_providers[uuid] = ranking
    if isinstance(message, Template):
        template_texts.keep(message)
    if isinstance(message, DeploymentResult) and message.kind == "log" and message.log:
        tables.logs.put(uuid, Log(message.log, message.request_id or ""))
    _keep_resources(uuid, message)
    _keep_entry(uuid, received)


def _keep_resources(uuid: str, message: Message) -> None:
    known = tables.resources.get(uuid) or Resources(uuid)
    if (changed := resources.step(known, message)) is not known:
        tables.resources.put(uuid, changed)


def _keep_entry(uuid: str, received: Received) -> None:
    event = timeline.entry(timeline.name(received.topic, received.message), received.message)
    if event is None:
        return
    known = tables.timelines.get(uuid) or Timeline()
    told = known.with_event(event, _TIMELINE_MOST)
    if told != known:
        tables.timelines.put(uuid, told)
