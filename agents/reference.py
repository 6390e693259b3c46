"""Reference data that every worker has whole: heartbeats, stored templates and users' SSH keys."""

from datetime import UTC, datetime, timedelta

from paas_stream import topics
from paas_stream.app import app
from paas_stream.clocks import not_ahead
from paas_stream.durable.agents import Received, agent
from paas_stream.records import ComponentStatus
from tables import components, stored_templates, user_keys

COMPONENT = "component-register"
TEMPLATES_COMPONENT = "template-register"
KEYS_COMPONENT = "key-register"

_retention = timedelta(seconds=app.settings.heartbeat.retention_s)


@agent(app, COMPONENT, topics.COMPONENT_STATUS)
async def component_register(received: Received) -> None:
    """Keep the last heartbeat per box and worker; those of workers long gone go with it."""
    status: ComponentStatus = received.message
    at = not_ahead(status.timestamp, datetime.now(UTC))
    components.put(status.model_copy(update={"timestamp": at}))
    components.forget_before(at - _retention)


@agent(app, TEMPLATES_COMPONENT, topics.STORED_TEMPLATES)
async def template_register(received: Received) -> None:
    """Keep a template under the digest of its text, or delete it."""
    stored_templates.apply(received.message)


@agent(app, KEYS_COMPONENT, topics.USER_KEYS)
async def key_register(received: Received) -> None:
    """Keep a user's key, or delete it."""
    user_keys.apply(received.message)
