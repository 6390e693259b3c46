"""Provider catalog: `feeder` -> the `providers` table."""

from datetime import UTC, datetime

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from tables import providers

COMPONENT = "provider-catalog"


@agent(app, COMPONENT, topics.FEEDER)
async def provider_catalog(received: Received) -> None:
    """Keep the last message per provider, region and project."""
    providers.put(received.message, datetime.fromtimestamp(received.timestamp, UTC))
