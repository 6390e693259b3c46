"""The tracker's tables: deployments, their timelines, and the cache of rankings."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.metrics import DEPLOYMENTS, OPERATION_SECONDS, observe_step
from paas_stream.durable.tables import row_table, table
from paas_stream.lifecycle.deployment import DeploymentRow, Status
from paas_stream.lifecycle.resources import Resources
from paas_stream.lifecycle.timeline import Timeline
from paas_stream.records import RankedProviders
from tables import template_texts
from tables.listing import Listing
from tables.readers import Reader
from tables.watched import WatchedRows

_PARTITIONS = app.settings.stream.partitions
_PAGE = 200  # rows decoded before the event loop gets a turn


@dataclass(frozen=True)
class Log:
    """The newest contextualization log that was asked for."""

    text: str  # JWE
    request_id: str  # of the request that asked


class Timelines(WatchedRows[Timeline]):
    """The timelines; the durations of their steps are counted."""

    def put(self, key: str, row: Timeline) -> None:
        """Store a timeline that has one more entry: its last."""
        super().put(key, row)
        newest = row.events[-1] if row.events else None
        if newest is not None and newest.duration_s is not None:
            observe_step(newest.component, newest.step, newest.status, newest.duration_s)


deployments = WatchedRows(row_table(app, "deployments", _PARTITIONS), DeploymentRow)
timelines = Timelines(row_table(app, "timelines", _PARTITIONS), Timeline)
resources = WatchedRows(row_table(app, "resources", _PARTITIONS), Resources)
logs = WatchedRows(row_table(app, "logs", _PARTITIONS), Log)
ranked_providers = table(app, "ranked_providers", _PARTITIONS)  # see lifecycle.rankings
_rankings: Reader[RankedProviders] = Reader(
    ranked_providers, TypeAdapter(RankedProviders).validate_python
)

index: dict[str, DeploymentRow] = {}
"""The rows of this worker's partitions, decoded."""

listing = Listing()
"""Projection for lists: those of the index that have been asked for, in every order."""

by_status: Counter[Status] = Counter()
"""How many of the index are in each state."""

DEPLOYMENTS.add(lambda: {(status.value,): number for status, number in by_status.items()})


def put(row: DeploymentRow) -> None:
    """Store a deployment."""
    deployments.put(row.uuid, row)
    known = index.get(row.uuid)
    if known is None or known.status is not row.status:
        _count(known, row)
    index[row.uuid] = row
    listing.put(row)


def ranking(uuid: str) -> RankedProviders | None:
    """What is kept of the ranking; None: it was not ranked. Raises UnreadableRowError."""
    return _rankings.get(uuid)


def forget(uuid: str) -> None:
    """Delete all that is kept of a deployment."""
    deployments.delete(uuid)
    timelines.delete(uuid)
    resources.delete(uuid)
    logs.delete(uuid)
    ranked_providers.pop(uuid, None)
    _rankings.forget(uuid)
    template_texts.forget(uuid)
    listing.remove(uuid)
    known = index.pop(uuid, None)
    if known is not None:
        by_status[known.status] -= 1


def _count(known: DeploymentRow | None, row: DeploymentRow) -> None:
    by_status[row.status] += 1
    if known is None:
        return
    by_status[known.status] -= 1
    if not row.status.endswith("IN_PROGRESS"):
        since = row.delete_since or row.update_since or row.created or row.first_seen
        OPERATION_SECONDS.labels(row.status.value).observe(max(0.0, row.updated - since))


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Build the projection anew: rows are there, streams are still paused."""
    index.clear()
    by_status.clear()
    for count, (uuid, row) in enumerate(deployments.items()):
        index[uuid] = row
        by_status[row.status] += 1
        if count % _PAGE == _PAGE - 1:
            await asyncio.sleep(0)
    await listing.fill(index.values())
