"""Keeps records in the queues that Faust clears at the end of a recovery.

At that end Faust calls `flow_control.resume()` several times, and each time all queues are cleared:

- An event in an agent's queue is never handled, and the next commits pass over it. With the flow
  suspended from `on_rebalance_complete` on, nothing enters such a queue before the last `resume()`.
- A record in the queue of the changelogs counts as read, so it is not fetched again. What another worker
  has written meanwhile to a table that all have whole would be missing here until it changes again. So
  after an assignment only the first `resume()`, before anything is read, clears that queue.
"""

from typing import Any

import faust
from mode.utils.queues import FlowControlEvent


class FlowControl(FlowControlEvent):
    """Faust's, which clears the queue of the changelogs once for each assignment."""

    def __init__(self, app: faust.App) -> None:
        super().__init__(loop=app.loop)
        self._app = app
        self._is_first = True

    def begin(self) -> None:
        """Partitions are assigned: what is in the queues is of the time before."""
        self._is_first = True

    def resume(self) -> None:
        """Let records into the queues, and clear them."""
        kept = None if self._is_first else self._app.tables.changelog_queue
        self._is_first = False
        self._suspend.clear()
        self._resume.set()
        for queue in self._queues:
            if queue is not kept:
                queue.clear()


def hold_flow_until_resumed(app: faust.App) -> None:
    """Install the guard of the agents' queues."""

    @app.on_rebalance_complete.connect(weak=False)
    async def hold(sender: faust.App, **_: Any) -> None:
        sender.flow_control.suspend()
