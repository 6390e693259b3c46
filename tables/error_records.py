"""The tracker's table of errors: the newest of each partition of `errors`, whatever they are about.

The topic is the store, and an error's id is its place there, partition-offset; it is kept for weeks and
may be long. So that lists need not read it, each partition's newest ERRORS_MOST are here too. A row is
written by an event of its own partition, like every row; its key is the error's id, since an error may
be about no deployment.
"""

from dataclasses import dataclass, replace
from typing import Any

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.records import REPLAYED, ErrorRecord, Source
from tables.rows import Rows

ERRORS_MOST = 1000  # of each partition


@dataclass(frozen=True)
class KeptError:
    """One error, without the record that it is about."""

    id: str  # partition-offset in `errors`
    at: float  # seconds since the epoch
    component: str
    step: str
    code: str
    message: str
    retriable: bool
    uuid: str | None = None
    source: dict[str, Any] | None = None  # topic, partition and offset of the record
    replayed: bool = False  # that record was sent again


rows = Rows(row_table(app, "error_records", app.settings.stream.partitions), KeptError)
index: dict[int, dict[str, KeptError]] = {}
"""By partition and id, the oldest first."""


def keep(place: Source, error: ErrorRecord) -> None:
    """Store the error that stands at `place`; the oldest one gives way when there are too many."""
    kept = index.setdefault(place.partition, {})
    if error.code == REPLAYED and error.source is not None:
        known = kept.get(f"{error.source.partition}-{error.source.offset}")
        if known is not None and not known.replayed:
            _store(kept, replace(known, replayed=True))
        return
    new = _kept(place, error)
    known = kept.get(new.id)
    if known is not None and known.at == new.at:
        return  # it came again
    kept.pop(new.id, None)
    _store(kept, new)
    while len(kept) > ERRORS_MOST:
        oldest = next(iter(kept))
        del kept[oldest]
        rows.delete(oldest)


def _store(kept: dict[str, KeptError], error: KeptError) -> None:
    rows.put(error.id, error)
    kept[error.id] = error


def _kept(place: Source, error: ErrorRecord) -> KeptError:
    source = error.source
    return KeptError(
        id=f"{place.partition}-{place.offset}",
        at=error.timestamp.timestamp(),
        component=error.component,
        step=error.step,
        code=error.code,
        message=error.message,
        retriable=error.retriable,
        uuid=error.uuid,
        source=None if source is None else source.model_dump(exclude={"key"}),
    )


def _offset(error: KeptError) -> int:
    return int(error.id.partition("-")[2])


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """Look at every row once more: partitions have come and gone."""
    index.clear()
    for error in sorted((one for _, one in rows.items()), key=_offset):
        index.setdefault(int(error.id.partition("-")[0]), {})[error.id] = error
