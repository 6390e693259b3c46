"""Provider catalog: `feeder` -> the `providers` table, `rally` -> the `provider_health` table."""

import logging
from datetime import UTC, datetime

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.records import Feeder, Rally
from paas_stream.selection.health import counted, refusal
from tables import health, providers

COMPONENT = "provider-catalog"
HEALTH_COMPONENT = "provider-health"

log = logging.getLogger(__name__)


@agent(app, COMPONENT, topics.FEEDER)
async def provider_catalog(received: Received) -> None:
    """Keep what is known per provider, region and project."""
    message: Feeder = received.message
    if not providers.put(message, _received_at(received)):
        log.info("%s: a message of %s came after a newer one", message.key, message.timestamp)


@agent(app, HEALTH_COMPONENT, topics.RALLY)
async def provider_health(received: Received) -> None:
    """Count each report once, per provider and region; providers of any name are kept."""
    report: Rally = received.message
    now = _received_at(received)
    row = health.get(report.provider, report.region_name or "")
    after = counted(row, report, now)
    if after is not None:
        health.put(after)
    elif reason := refusal(report, now):
        log.info("a report about %s does not count: %s", report.key, reason)


def _received_at(received: Received) -> datetime:
    return datetime.fromtimestamp(received.timestamp, UTC)
