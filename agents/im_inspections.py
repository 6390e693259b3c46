"""Compares this worker's deployments with the IM, slowly and without end.

A cursor goes through the table a few rows at a time: nothing is held for the rows in between, and a
walk that a rebalance cuts short begins anew.
"""

from collections.abc import Callable, Iterator

from paas_stream.lifecycle.attempt import Effect
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.lifecycle.inspection import inspections

_BESIDE = (
    0.1  # of the pace, while other effects wait: a site that hangs would else stop it for good
)
_READ = 50  # rows at most in one look: those that have nothing to be inspected cost little

Rows = Callable[[], Iterator[tuple[str, DispatchRow]]]


class Inspections:
    """Which attempts are to be inspected now."""

    def __init__(self, rows: Rows, per_s: float, pause_s: float) -> None:
        """At most `per_s` deployments a second; `pause_s` seconds between two walks."""
        self._rows = rows
        self._per_s = per_s
        self._pause_s = pause_s
        self._walk: Iterator[tuple[str, DispatchRow]] | None = None
        self._resumes = 0.0
        self._budget = (
            0.0  # deployments; what is missed while the worker is busy is not made up for
        )

    def due(self, now: float, interval_s: float, *, others_wait: bool = False) -> list[Effect]:
        """The inspections of those that have their turn; asked every `interval_s` seconds.

        They give way while other effects wait for the IM: each costs it a list, the dearer the more
        it has.
        """
        if now < self._resumes:
            return []
        pace = self._per_s * (_BESIDE if others_wait else 1.0)
        self._budget = min(self._budget + pace * interval_s, max(1.0, self._per_s))
        if self._walk is None:
            self._walk = self._rows()
        found: list[Effect] = []
        for _ in range(_READ):
            if self._budget < 1:
                return found
            try:
                entry = next(self._walk, None)
            except RuntimeError:  # the store has opened another partition since the last look
                self._walk = None
                return found
            if entry is None:
                self._walk = None
                self._resumes = now + self._pause_s
                return found
            effects = list(inspections(entry[1]))
            self._budget -= 1 if effects else 0
            found += effects
        return found

    def clear(self) -> None:
        """The table's partitions go to other workers."""
        self._walk = None
        self._resumes = 0.0
