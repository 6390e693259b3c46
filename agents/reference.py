"""Reference data that every worker has whole: `component-status` -> the `components` table."""

from datetime import timedelta

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.records import ComponentStatus
from tables import components

COMPONENT = "component-register"

_retention = timedelta(seconds=app.settings.heartbeat.retention_s)


@agent(app, COMPONENT, topics.COMPONENT_STATUS)
async def component_register(received: Received) -> None:
    """Keep the last heartbeat per box and worker; those of workers long gone go with it."""
    status: ComponentStatus = received.message
    components.put(status)
    components.forget_before(status.timestamp - _retention)
