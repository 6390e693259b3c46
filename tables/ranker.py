"""The ranker memory's table: past attempts at each provider and region, on every worker."""

import asyncio
import time
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from paas_stream.app import app
from paas_stream.durable.tables import global_table
from paas_stream.ranking.chain import RankingPolicy
from paas_stream.ranking.history import ProviderHistory, Summary, day_of, summary
from paas_stream.ranking.rates import Memory
from tables.readers import Reader

policy = RankingPolicy(
    min_attempts=app.settings.ranker.min_attempts,
    failure_cost_s=app.settings.ranker.failure_cost_s,
    exhausted_s=app.settings.ranker.exhausted_s,
    explore=app.settings.ranker.explore,
)

_adapter = TypeAdapter(ProviderHistory)
_changed: set[str] = set()

_PAGE = 20  # rows decoded before the event loop gets a turn


async def _on_change(event: Any) -> None:
    _changed.add(event.key)


provider_history = global_table(app, "provider_history", _on_change)
_reader: Reader[ProviderHistory] = Reader(provider_history, _adapter.validate_python)


class Projection:
    """The rows summed up for one day; only what has changed is decoded anew."""

    def __init__(self) -> None:
        self._day = -1
        self._summaries: dict[str, Summary] = {}
        self._memory = Memory({})

    def of(self, day: int) -> Memory:
        """What is known on the day. A new day looks at all rows, since the window moves on."""
        if day != self._day:
            self._day = day
            _changed.update(provider_history.keys())
        if _changed:
            while _changed:
                self._look_at(_changed.pop())
            self._memory = Memory(self._summaries)
        return self._memory

    async def rebuild(self, day: int) -> None:
        """Look at every row once more, in steps that leave the event loop to others."""
        self._day = day
        self._summaries.clear()
        _changed.update(provider_history.keys())
        while _changed:
            for _ in range(min(_PAGE, len(_changed))):
                self._look_at(_changed.pop())
            await asyncio.sleep(0)
        self._memory = Memory(self._summaries)

    def _look_at(self, site: str) -> None:
        history = _reader.find(site)
        if history is None:
            self._summaries.pop(site, None)
        else:
            self._summaries[site] = summary(history, self._day)


_projection = Projection()


def get(site: str) -> ProviderHistory | None:
    """One row; None: there is none. Raises UnreadableRowError."""
    return _reader.get(site)


def put(site: str, history: ProviderHistory) -> None:
    """Store a row."""
    provider_history[site] = _adapter.dump_python(history, mode="json")
    _changed.add(site)


def memory(now: datetime) -> Memory:
    """What is known of all providers at the moment `now`."""
    moment = now.timestamp()
    return _projection.of(day_of(moment)).at(moment)


@app.on_rebalance_complete.connect(weak=False)
async def rebuild(*_: Any, **__: Any) -> None:
    """The local table may have been replayed: rows are there, streams are still paused."""
    await _projection.rebuild(day_of(time.time()))
