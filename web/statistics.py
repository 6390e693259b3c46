"""`GET /statistics`: how many deployments there are, of which kind, and how creates go.

| field | meaning |
|---|---|
| `deployments` | how many; all that follow are of these |
| `byStatus`, `byProvider`, `byTemplate` | how many of each; by template the 500 most frequent |
| `creates{completed,failed,successRate}` | how creates ended; the rate is left out before any has |
| `creates{p50Seconds,p95Seconds}` | from the request to completion, to within 5 % |
| `attempts[{provider,attempts,successes,successRate}]` | of 30 days, all users, by provider/region |

Users are told of the deployments that they may look at. All parameters of `GET /deployments` that select
deployments do so here.
"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from faust.web import View

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.lifecycle.statistics import Statistics
from paas_stream.ranking.history import Tally
from tables import deployments as tables
from tables import ranker
from web import callers, created_by, listing, merged, owners
from web.deployments import check_ready
from web.health import as_json

_STEP = 2_000  # rows counted before the event loop gets a turn
_TEMPLATES_MOST = 500


def shown(counted: Statistics, outcomes: dict[str, Tally]) -> dict[str, Any]:
    """The answer."""
    completed = counted.created.total()
    creates = {
        "completed": completed,
        "failed": counted.failed,
        "successRate": _rate(completed, completed + counted.failed),
        "p50Seconds": counted.percentile(0.5),
        "p95Seconds": counted.percentile(0.95),
    }
    attempts = [
        {
            "provider": site,
            "attempts": tally.attempts,
            "successes": tally.successes,
            "successRate": _rate(tally.successes, tally.attempts),
        }
        for site, tally in sorted(outcomes.items())
        if tally.attempts
    ]
    return {
        "deployments": counted.status.total(),
        "byStatus": dict(counted.status),
        "byProvider": dict(counted.provider),
        "byTemplate": dict(counted.template.most_common(_TEMPLATES_MOST)),
        "creates": {name: value for name, value in creates.items() if value is not None},
        "attempts": attempts,
    }


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


@app.page("/statistics")
@app.page("/statistics/")
class StatisticsView(View):
    """Of the deployments of all workers."""

    async def get(self, request: web.Request) -> web.Response:
        """Counted now, from the rows."""
        check_ready()
        caller = await callers.require(request, Action.LIST)
        counted = Statistics()
        query = listing.query_of(request, created_by.wanted(request, caller))
        entries = await tables.listing.entries(query, listing.viewer(caller))
        for count, entry in enumerate(entries, start=1):
            counted.count(entry.row)
            if count % _STEP == 0:
                await asyncio.sleep(0)
        if merged.is_asked_by_worker(request):
            return as_json(counted.data())
        answers = await owners.ask_others(request.path, listing.for_workers(request))
        counted.add(map(Statistics.read, answers))
        return as_json(shown(counted, ranker.memory(datetime.now(UTC)).outcomes()))
