"""The provider catalog's second table: what Rally found per provider and region, on every worker.

Read through `windows`, which any module may call for each request: it decodes what has changed since
the last call, and works out the windows of a provider once a day.
"""

from datetime import date
from typing import Any

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.records.feeder import row_key
from paas_stream.selection import health
from paas_stream.selection.health import HealthRow, LastReport, Windows
from tables.readers import Reader

_changed: set[str] = set()
_rows: dict[str, HealthRow] = {}
_windows: dict[tuple[str, str, date], Windows] = {}


async def _on_change(event: Any) -> None:
    _changed.add(event.key)


provider_health = global_table(app, "provider_health", _on_change)
_form = TypeAdapter(HealthRow)
_reader: Reader[HealthRow] = Reader(provider_health, _form.validate_python)


def put(row: HealthRow) -> None:
    """Store what is known of one provider and region."""
    key = row_key(row.provider, row.region)
    provider_health[key] = _form.dump_python(row, mode="json", exclude_none=True)
    _changed.add(key)


def get(provider: str, region: str) -> HealthRow | None:
    """What is known of exactly this pair; an empty region stands for reports about all regions.

    Raises UnreadableRowError.
    """
    _refresh()
    key = row_key(provider, region)
    return _rows.get(key) or _reader.get(key)


def windows(provider: str, region: str, today: date) -> Windows:
    """The windows of a provider's region, reports about all its regions included."""
    _refresh()
    asked = provider, region, today
    if asked not in _windows:
        if len(_windows) > 2 * len(_rows) + 1000:  # those of other days, or of unknown providers
            _windows.clear()
        _windows[asked] = health.windows(_about(provider, region), today)
    return _windows[asked]


def last_report(provider: str, region: str) -> LastReport | None:
    """The newest report about a provider's region, or about all its regions."""
    _refresh()
    found = [row.last for row in _about(provider, region) if row.last is not None]
    return max(found, key=lambda one: one.at, default=None)


def _about(provider: str, region: str) -> list[HealthRow]:
    keys = {row_key(provider, region), row_key(provider, "")}
    return [_rows[key] for key in keys if key in _rows]


def _refresh() -> None:
    if _changed:
        _windows.clear()
    while _changed:
        key = _changed.pop()
        row = _reader.find(key)
        if row is None:
            _rows.pop(key, None)
        else:
            _rows[key] = row


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Look at every row once more: the local table may have been replayed."""
    _rows.clear()
    _changed.update(provider_health.keys())
