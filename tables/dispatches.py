"""The dispatcher's tables: a small row that changes often, and its inputs, written once."""

from dataclasses import dataclass
from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.lifecycle.dispatch_row import DispatchRow
from tables.rows import Rows

_PARTITIONS = app.settings.stream.partitions


@dataclass(frozen=True)
class DispatchInputs:
    """What effects need besides the row."""

    template: dict[str, Any] | None = None  # the validated template, types merged
    owner: str = ""  # subject, for the tags
    access_token: str | None = None  # JWE
    candidates: tuple[dict[str, Any], ...] | None = None  # RankedCandidate, as JSON


dispatches = Rows(row_table(app, "dispatches", _PARTITIONS), DispatchRow)
dispatch_inputs = Rows(row_table(app, "dispatch_inputs", _PARTITIONS), DispatchInputs)
