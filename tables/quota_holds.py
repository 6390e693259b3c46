"""The quota keeper's table: what deployments under way hold of the quotas of each project.

It has one partition, as `quota-requests`: one worker decides. Read through `known`.
"""

from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.records import QuotaRequest
from paas_stream.selection.holds import Decision, Hold, key_of
from tables.rows import Rows

_rows = Rows(row_table(app, "quota_holds", 1), Hold)
_by_project: dict[str, dict[str, Hold]] = {}


def known(request: QuotaRequest) -> list[Hold]:
    """All holds of the project that a request is about.

    Raises UnreadableRowError when the hold of its own attempt cannot be read.
    """
    holds = _by_project.get(request.key, {})
    key = key_of(request.uuid, request.attempt)
    if key not in holds:
        _rows.get(key)
    return list(holds.values())


def count() -> int:
    """Holds on this worker."""
    return sum(map(len, _by_project.values()))


def store(project: str, decision: Decision) -> None:
    """Store what a decision leads to."""
    holds = _by_project.setdefault(project, {})
    for key in decision.drop:
        _rows.delete(key)
        holds.pop(key, None)
    if decision.put is not None:
        _rows.put(decision.put.key, decision.put)
        holds[decision.put.key] = decision.put
    if not holds:
        del _by_project[project]


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Another worker may have decided until now."""
    _by_project.clear()
    for key, hold in _rows.items():
        _by_project.setdefault(hold.project, {})[key] = hold
