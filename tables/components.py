"""The heartbeats' table: what each box on each worker said last, on every worker."""

from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.errors import PermanentError
from paas_stream.records import ComponentStatus
from tables.readers import Reader

_FORGOTTEN_AT_ONCE = 20  # rows deleted in one event, at most
_MOST = 10_000  # boxes that are kept: other programs may send here too

_changed: set[str] = set()
_rows: dict[str, ComponentStatus] = {}


async def _on_change(event: Any) -> None:
    _changed.add(event.key)


components = global_table(app, "components", _on_change)
_reader: Reader[ComponentStatus] = Reader(components, TypeAdapter(ComponentStatus).validate_python)


def put(status: ComponentStatus) -> None:
    """Store a heartbeat, unless a newer one is there. Raises PermanentError when there are too many.

    It says all that the row holds, so it takes the place of one that cannot be read.
    """
    known = rows().get(status.key)
    if known is None and len(_rows) >= _MOST:
        raise PermanentError(f"{_MOST} boxes are known, and {status.key} would be one more")
    if known is None or known.timestamp <= status.timestamp:
        components[status.key] = status.model_dump(mode="json", exclude_none=True)
        _changed.add(status.key)


def forget_before(moment: datetime) -> None:
    """Delete rows of boxes that have been silent since then: some of them, the rest next time."""
    silent = [key for key, status in rows().items() if status.timestamp < moment]
    for key in silent[:_FORGOTTEN_AT_ONCE]:
        components.pop(key, None)
        _changed.add(key)


def rows() -> dict[str, ComponentStatus]:
    """All heartbeats by key; only what has changed since the last call is decoded anew."""
    while _changed:
        key = _changed.pop()
        status = _reader.find(key)
        if status is None:
            _rows.pop(key, None)
        else:
            _rows[key] = status
    return _rows


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Look at every row once more: the local table may have been replayed."""
    _rows.clear()
    _changed.update(components.keys())
