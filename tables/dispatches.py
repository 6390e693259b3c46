"""The dispatcher's tables: a small row that changes often, and its inputs, written once."""

from dataclasses import dataclass, replace
from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.lifecycle.dispatch_row import DispatchRow
from tables.rows import Rows

UPDATES = 3  # besides the one under way; those that wait are merged, the newest counts
_PARTITIONS = app.settings.stream.partitions


@dataclass(frozen=True)
class UpdateInputs:
    """What the effects of an update need."""

    revision: int
    template: dict[str, Any] | None = None
    candidates: tuple[dict[str, Any], ...] | None = None


@dataclass(frozen=True)
class DispatchInputs:
    """What effects need besides the row."""

    template: dict[str, Any] | None = None  # the validated template, types merged
    owner: str = ""  # subject, for the tags
    access_token: str | None = None  # JWE
    candidates: tuple[dict[str, Any], ...] | None = None  # RankedCandidate, as JSON
    updates: tuple[UpdateInputs, ...] = ()  # those under way, and those that wait

    def update(self, revision: int) -> UpdateInputs:
        """What is there of an update."""
        known = (one for one in self.updates if one.revision == revision)
        return next(known, UpdateInputs(revision))

    def with_update(self, changed: UpdateInputs, least: int) -> "DispatchInputs":
        """These inputs with those of one update; those of updates before `least` are dropped."""
        kept = [one for one in self.updates if least <= one.revision != changed.revision]
        newest = sorted([*kept, changed], key=lambda one: one.revision)
        return replace(self, updates=tuple(newest[:1] + newest[1:][-UPDATES:]))


dispatches = Rows(row_table(app, "dispatches", _PARTITIONS), DispatchRow)
dispatch_inputs = Rows(row_table(app, "dispatch_inputs", _PARTITIONS), DispatchInputs)
