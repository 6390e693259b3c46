"""The provider catalog's table: what is known per provider, region and project, on every worker.

Read through `catalog` or `rows`, which any module may call for each request: they decode what has
changed since the last call.
"""

import asyncio
import itertools
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.records import Feeder
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.last_known import LastKnown, join
from paas_stream.selection.rows import ProviderRow
from tables.readers import Reader

_PAGE = 50  # rows decoded before the event loop gets a turn

_changed: set[str] = set()
_catalog = Catalog()


async def _on_change(event: Any) -> None:
    _changed.add(event.key)


providers = global_table(app, "providers", _on_change)
_form = TypeAdapter(LastKnown)
_reader: Reader[LastKnown] = Reader(providers, _form.validate_python)


def put(feeder: Feeder, received_at: datetime) -> bool:
    """Store what a message says. False: a newer one is there, and nothing was stored.

    Raises UnreadableRowError when the message is to be completed by a row that cannot be read; one that
    lacks nothing takes its place.
    """
    read = _reader.get if feeder.unknown else _reader.find
    state = join(read(feeder.key), feeder, received_at)
    if state is None:
        return False
    providers[feeder.key] = _form.dump_python(state, mode="json", exclude_none=True)
    _changed.add(feeder.key)
    return True


def catalog() -> Catalog:
    """All providers, decoded; only what has changed since the last call is decoded anew.

    The Feeder's timer calls `warm` every second, so that no request has to wait for it.
    """
    while _changed:
        _refresh(_changed.pop())
    return _catalog


async def warm() -> Catalog:
    """As `catalog`; other work gets its turn in between, however much has changed."""
    for count in itertools.count(1):
        if not _changed:
            break
        _refresh(_changed.pop())
        if count % _PAGE == 0:
            await asyncio.sleep(0)
    return _catalog


def rows() -> list[ProviderRow]:
    """All providers, as in `catalog`."""
    return list(catalog())


def _refresh(key: str) -> None:
    state = _reader.find(key)
    if state is None:
        _catalog.remove(key)
    else:
        _catalog.put(ProviderRow(state.feeder, state.received_at, state.kept).prepare())


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Look at every row once more: the local table may have been replayed."""
    _catalog.clear()
    _changed.update(list(providers.keys()))
    await warm()
