"""Keeps events out of the agents' queues until Faust has finished a recovery.

At the end of every recovery Faust resumes the fetcher, seeks to the committed offsets, and then calls
`flow_control.resume()`, which clears all queues: what was fetched in between is never handled, and
the next commits pass over it. With the flow suspended from `on_rebalance_complete` on, nothing
enters a queue before that `resume()`.
"""

import asyncio
from typing import Any

import faust


def hold_flow_until_resumed(app: faust.App) -> None:
    """Install the guard."""

    @app.on_rebalance_complete.connect(weak=False)
    async def hold(sender: faust.App, **_: Any) -> None:
        sender.flow_control.suspend()
        # resume() clears the changelog queue too: records for standby tables have to pass first
        while sender.tables.changelog_queue.qsize():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.01)
