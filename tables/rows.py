"""Typed whole-row access to a table of frozen dataclasses."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from mode.utils.collections import LRUCache
from pydantic import TypeAdapter

from paas_stream.app import app

Row = TypeVar("Row")

RECENT = 1000  # rows of a table that are kept decoded: a deployment's events come close together
_tables: "WeakSet[Rows[Any]]" = WeakSet()


class Rows(Generic[Row]):
    """A `row_table` whose values are JSON forms of one frozen dataclass; keys are text.

    A row is written inside an event of its own key only, and always whole: nested changes would not
    be logged.
    """

    def __init__(self, table: Any, row: type[Row]) -> None:
        self.table = table
        self._adapter: TypeAdapter[Row] = TypeAdapter(row)
        self._recent: Any = LRUCache(RECENT)
        _tables.add(self)

    def get(self, key: str) -> Row | None:
        """The row, decoded; None: there is none."""
        known: Row | None = self._recent.get(key)
        if known is None and (value := self.table.get(key)) is not None:
            known = self._recent[key] = self._adapter.validate_json(value)
        return known

    def put(self, key: str, row: Row) -> None:
        """Store the row."""
        self.table[key] = self._adapter.dump_json(row, exclude_none=True)
        self._recent[key] = row

    def delete(self, key: str) -> None:
        """Delete the row, if it is there."""
        self.table.pop(key, None)
        self._recent.pop(key, None)

    def forget_recent(self) -> None:
        """The table was changed by others than this object."""
        self._recent.clear()

    def items(self) -> Iterator[tuple[str, Row]]:
        """The rows of this worker's own partitions. Slow: for rebuilding projections only."""
        for key, value in self.table.items():
            yield key, self._adapter.validate_json(value)


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
