"""Rows as they are read: one that cannot be is told of and counted, and is never taken for absent.

A row is as the version wrote it that was in use then, and may lie beyond the bounds of this one. It stays
as it is until a version comes that reads it:

- whoever needs it gets UnreadableRowError, since to take it for absent is to overwrite it: an agent's
  message goes to `errors` with the sentence, a request is answered with it;
- what is made of all rows, above all at a recovery, leaves it out: it keeps no worker from the others;
- the log has it once, and `paas_stream_unreadable_rows` counts it.

A message that says all that its row holds needs no row, and may take its place.
"""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar
from weakref import WeakSet

from pydantic import ValidationError

from paas_stream.app import app
from paas_stream.durable.metrics import UNREADABLE, Numbers
from paas_stream.errors import UnreadableRowError

log = logging.getLogger(__name__)

Row = TypeVar("Row")

_PLACES_MOST = 5  # that are named of one row
_readers: "WeakSet[Reader[Any]]" = WeakSet()


class Reader(Generic[Row]):
    """Reads the rows of one table, by their keys or all of them."""

    def __init__(self, table: Any, decode: Callable[[Any], Row]) -> None:
        """`decode` makes a row of a value of the table; whatever it raises, the row cannot be read."""
        self.table = table
        self._decode = decode
        self._unreadable: set[str] = set()  # keys, of the rows that were looked at
        self._logged: dict[str, str] = {}  # by key, what was told last
        _readers.add(self)

    @property
    def unreadable(self) -> int:
        """How many of the rows that were looked at cannot be read."""
        return len(self._unreadable)

    def get(self, key: str) -> Row | None:
        """The row, decoded; None: there is none. Raises UnreadableRowError."""
        value = self.table.get(key)
        if value is None:
            self.forget(key)
            return None
        return self._read(key, value)

    def find(self, key: str) -> Row | None:
        """As `get`, for what is made of many rows: None also for one that cannot be read."""
        try:
            return self.get(key)
        except UnreadableRowError:
            return None

    def items(self) -> Iterator[tuple[str, Row]]:
        """The rows of this worker's own partitions, without those that cannot be read.

        Slow: for rebuilding projections only.
        """
        for key, value in self.table.items():
            try:
                row = self._read(key, value)
            except UnreadableRowError:
                continue
            yield key, row

    def forget(self, key: str) -> None:
        """The row was written anew, or deleted."""
        self._unreadable.discard(key)

    def forget_all(self) -> None:
        """Other rows may be here from now on."""
        self._unreadable.clear()

    def _read(self, key: str, value: Any) -> Row:
        try:
            row = self._decode(value)
        except Exception as exc:
            told = f"the row {key} of {self.table.name} cannot be read: {_fault(exc)}"
            if self._logged.get(key) != told:
                log.error("%s", told)
            self._logged[key] = told
            self._unreadable.add(key)
            raise UnreadableRowError(told) from exc
        self.forget(key)
        return row


def _fault(exc: Exception) -> str:
    """Where it does not fit; what stands there may be nobody's business."""
    if not isinstance(exc, ValidationError):
        return type(exc).__name__
    faults = exc.errors(include_url=False, include_input=False)
    places = sorted({".".join(map(str, fault["loc"])) or "all of it" for fault in faults})
    more = len(places) - _PLACES_MOST
    return ", ".join(places[:_PLACES_MOST]) + (f", and {more} more" if more > 0 else "")


def forget_all() -> None:
    """Of every table: other rows may be here from now on."""
    for reader in _readers:
        reader.forget_all()


@UNREADABLE.add
def _counts() -> Numbers:
    return {(reader.table.name,): reader.unreadable for reader in _readers}


@app.on_partitions_revoked.connect(weak=False)
async def revoked(*_: Any, **__: Any) -> None:
    """What of the rows cannot be read is found out once more when they have been replayed."""
    forget_all()
