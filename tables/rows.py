"""Typed whole-row access to a table of frozen dataclasses."""

from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

Row = TypeVar("Row")


class Rows(Generic[Row]):
    """A table whose values are JSON forms of one frozen dataclass; keys are text.

    A row is written inside an event of its own key only, and always whole: nested changes would not
    be logged.
    """

    def __init__(self, table: Any, row: type[Row]) -> None:
        self.table = table
        self._adapter: TypeAdapter[Row] = TypeAdapter(row)

    def get(self, key: str) -> Row | None:
        """The row, decoded; None: there is none."""
        value = self.table.get(key)
        return None if value is None else self._adapter.validate_python(value)

    def put(self, key: str, row: Row) -> None:
        """Store the row."""
        self.table[key] = self._adapter.dump_python(row, mode="json", exclude_none=True)

    def delete(self, key: str) -> None:
        """Delete the row, if it is there."""
        self.table.pop(key, None)

    def items(self) -> Iterator[tuple[str, Row]]:
        """The rows of this worker's own partitions. Slow: for rebuilding projections only."""
        for key, value in self.table.items():
            yield key, self._adapter.validate_python(value)
