"""The tracker's tables: deployments, their timelines, and the cache of rankings."""

import asyncio
from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import table
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.timeline import Timeline
from tables.rows import Rows

_PARTITIONS = app.settings.stream.partitions
_PAGE = 200  # rows decoded before the event loop gets a turn

deployments = Rows(table(app, "deployments", _PARTITIONS), DeploymentRow)
timelines = Rows(table(app, "timelines", _PARTITIONS), Timeline)
ranked_providers = table(app, "ranked_providers", _PARTITIONS)  # the message, as JSON

index: dict[str, DeploymentRow] = {}
"""Projection for lists: the rows of this worker's partitions, decoded."""


def put(row: DeploymentRow) -> None:
    """Store a deployment."""
    deployments.put(row.uuid, row)
    index[row.uuid] = row


def forget(uuid: str) -> None:
    """Delete all that is kept of a deployment."""
    deployments.delete(uuid)
    timelines.delete(uuid)
    ranked_providers.pop(uuid, None)
    index.pop(uuid, None)


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Build the projection anew: rows are there, streams are still paused."""
    index.clear()
    for count, (uuid, row) in enumerate(deployments.items()):
        index[uuid] = row
        if count % _PAGE == _PAGE - 1:
            await asyncio.sleep(0)
