"""The stored templates' table, whole on every worker. Their texts stay in it: see `text`."""

from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.errors import PermanentError
from paas_stream.records import StoredTemplate
from tables.readers import Reader

MOST = 10_000  # templates that are kept

_changed: set[str] = set()
_rows: dict[str, StoredTemplate] = {}


async def _on_change(event: Any) -> None:
    _changed.add(event.key)


stored_templates = global_table(app, "stored_templates", _on_change)


def _without_text(value: dict[str, Any]) -> StoredTemplate:
    return StoredTemplate.model_validate({**value, "template": ""})


_reader: Reader[StoredTemplate] = Reader(stored_templates, _without_text)


def apply(message: StoredTemplate) -> None:
    """Store a template, unless it is there: the first one counts. Or delete it.

    Raises PermanentError when there are too many, UnreadableRowError.
    """
    if message.deleted:
        stored_templates.pop(message.id, None)
    elif get(message.id) is None:
        if len(_rows) >= MOST:
            raise PermanentError(f"{MOST} templates are stored, and this would be one more")
        stored_templates[message.id] = message.model_dump(mode="json", exclude_none=True)
    _changed.add(message.id)


def rows() -> dict[str, StoredTemplate]:
    """All by id, without their texts; only what has changed since the last call is decoded anew."""
    while _changed:
        key = _changed.pop()
        row = _reader.find(key)
        if row is None:
            _rows.pop(key, None)
        else:
            _rows[key] = row
    return _rows


def get(key: str) -> StoredTemplate | None:
    """One without its text; None: there is none. Raises UnreadableRowError."""
    return rows().get(key) or _reader.get(key)


def text(key: str) -> str | None:
    """The text of one; None: there is none."""
    value = stored_templates.get(key)
    return None if value is None else str(value["template"])


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Look at every row once more: the local table may have been replayed."""
    _rows.clear()
    _changed.update(stored_templates.keys())
