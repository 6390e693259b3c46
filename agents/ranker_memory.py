"""Ranker memory: `training` -> the `provider_history` table."""

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.ranking import history
from paas_stream.ranking.history import ProviderHistory
from paas_stream.records import Training
from paas_stream.records.feeder import row_key
from tables import ranker

COMPONENT = "ranker-memory"


@agent(app, COMPONENT, topics.TRAINING)
async def ranker_memory(received: Received) -> None:
    """Count one attempt at its provider and region, once."""
    message: Training = received.message
    site = row_key(message.provider_name, message.region_name)
    known = ranker.get(site) or ProviderHistory()
    offset = received.source.offset
    if known.has_counted(message.key, offset, received.timestamp):
        return
    found = history.outcome(message, received.timestamp)
    ranker.put(site, known.counted(message.key, offset, received.timestamp, found))
