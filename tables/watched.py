"""Rows of deployments that somebody watches: each change on this worker wakes those who do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from tables.rows import Rows

Row = TypeVar("Row")

_watching: dict[str, set[asyncio.Event]] = {}


@contextmanager
def watch(uuid: str) -> Iterator[asyncio.Event]:
    """An event that is set when a row of the deployment changes on this worker."""
    changed = asyncio.Event()
    _watching.setdefault(uuid, set()).add(changed)
    try:
        yield changed
    finally:
        _watching[uuid].discard(changed)
        if not _watching[uuid]:
            del _watching[uuid]


def _wake(uuid: str) -> None:
    for changed in _watching.get(uuid, ()):
        changed.set()


class WatchedRows(Rows[Row]):
    """Rows whose changes wake those who watch the deployment; their keys are its uuid."""

    def put(self, key: str, row: Row) -> None:
        """Store the row."""
        super().put(key, row)
        _wake(key)

    def delete(self, key: str) -> None:
        """Delete the row, if it is there."""
        super().delete(key)
        _wake(key)
