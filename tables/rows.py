"""Typed whole-row access to a table of frozen dataclasses."""

from typing import Any, TypeVar
from weakref import WeakSet

from mode.utils.collections import LRUCache
from pydantic import TypeAdapter

from paas_stream.app import app
from tables.readers import Reader

Row = TypeVar("Row")

RECENT = 1000  # rows of a table that are kept decoded: a deployment's events come close together
_tables: "WeakSet[Rows[Any]]" = WeakSet()


class Rows(Reader[Row]):
    """A `row_table` whose values are JSON forms of one frozen dataclass; keys are text.

    A row is written inside an event of its own key only, and always whole: nested changes would not
    be logged.
    """

    def __init__(self, table: Any, row: type[Row]) -> None:
        self._adapter: TypeAdapter[Row] = TypeAdapter(row)
        super().__init__(table, self._adapter.validate_json)
        self._recent: Any = LRUCache(RECENT)
        _tables.add(self)

    def get(self, key: str) -> Row | None:
        """The row, decoded; None: there is none. Raises UnreadableRowError."""
        known: Row | None = self._recent.get(key)
        if known is None and (known := super().get(key)) is not None:
            self._recent[key] = known
        return known

    def put(self, key: str, row: Row) -> None:
        """Store the row."""
        self.table[key] = self._adapter.dump_json(row, exclude_none=True)
        self._recent[key] = row
        self.forget(key)

    def delete(self, key: str) -> None:
        """Delete the row, if it is there."""
        self.table.pop(key, None)
        self._recent.pop(key, None)
        self.forget(key)

    def forget_recent(self) -> None:
        """The table was changed by others than this object."""
        self._recent.clear()


def forget_recent() -> None:
    """Take every row from its table again."""
    for rows in _tables:
        rows.forget_recent()


@app.on_partitions_revoked.connect(weak=False)
async def revoked(*_: Any, **__: Any) -> None:
    """Another worker may write these rows from now on."""
    forget_recent()


@app.on_rebalance_complete.connect(weak=False)
async def replayed(*_: Any, **__: Any) -> None:
    """Another worker may have written these rows until now."""
    forget_recent()
