"""The provider catalog's table: the last message per provider, region and project, on every worker."""

from datetime import datetime
from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.records import Feeder
from paas_stream.selection.rows import ProviderRow

_changed: set[str] = set()
_rows: dict[str, ProviderRow] = {}


async def _on_change(event: Any) -> None:
    _changed.add(event.key)


providers = global_table(app, "providers", _on_change)


def put(feeder: Feeder, received_at: datetime) -> None:
    """Store what the Feeder said."""
    providers[feeder.key] = {
        "feeder": feeder.model_dump(mode="json", exclude_none=True),
        "received_at": received_at.isoformat(),
    }
    _changed.add(feeder.key)


def rows() -> list[ProviderRow]:
    """All providers, decoded; only what has changed since the last call is decoded anew.

    The Feeder's timer calls this every second, so that no request has to wait for it.
    """
    while _changed:
        key = _changed.pop()
        value = providers.get(key)
        if value is None:
            _rows.pop(key, None)
        else:
            feeder = Feeder.model_validate(value["feeder"])
            row = ProviderRow(feeder, datetime.fromisoformat(value["received_at"]))
            row.prepare()
            _rows[key] = row
    return list(_rows.values())


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Look at every row once more: the local table may have been replayed."""
    _rows.clear()
    _changed.update(providers.keys())
