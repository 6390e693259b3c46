"""The index behind lists: this worker's deployments in every order that a list may have.

Kept current with each row that the tracker stores, so that a page costs what it shows and not what
there is. A query by one property is counted by looking up a set; by several, the smallest of the sets
is gone through. That, and a search for text or times, is done in steps that leave the event loop to
others.
"""

import asyncio
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from sortedcontainers import SortedList

from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.listing import Facet, Key, Order, Property, Query, Viewer, searched

_STEP = 2_000  # entries looked at before the event loop gets a turn
_FEW = 8  # a list of less than this part of all is sorted instead of picked out of the order

Uuids = set[str]


class Entry(NamedTuple):
    """One deployment in the index."""

    row: DeploymentRow
    facet: Facet
    text: str
    values: tuple[float | str, ...]  # one for each property


class Found(NamedTuple):
    """A stretch of a list."""

    total: int  # of the whole list
    rows: list[tuple[Key, DeploymentRow]]


class Listing:
    """Deployments that have been asked for, and their places in all orders."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._orders: dict[Property, Any] = {one: SortedList() for one in Property}
        self._members: dict[str, dict[Any, Uuids]] = {name: {} for name in Facet._fields}

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, row: DeploymentRow) -> None:
        """Take in a row, in the place of an older one. A row without its request is not listed."""
        if row.created is None:
            return
        known, new = self._entries.get(row.uuid), _entry(row)
        before = (None,) * len(new.values) if known is None else known.values
        for order, old, value in zip(self._orders.values(), before, new.values, strict=True):
            if old != value:
                if known is not None:
                    order.remove((old, row.uuid))
                order.add((value, row.uuid))
        if known is None or known.facet != new.facet:
            if known is not None:
                self._leave(known)
            self._join(new)
        self._entries[row.uuid] = new

    def remove(self, uuid: str) -> None:
        """Forget a deployment, if it is known."""
        known = self._entries.pop(uuid, None)
        if known is not None:
            for order, value in zip(self._orders.values(), known.values, strict=True):
                order.remove((value, uuid))
            self._leave(known)

    def clear(self) -> None:
        """Forget all."""
        self._entries.clear()
        for order in self._orders.values():
            order.clear()
        for members in self._members.values():
            members.clear()

    async def fill(self, rows: Iterable[DeploymentRow]) -> None:
        """Have exactly these rows. Sorting once is several times faster than `put` for each."""
        self.clear()
        for count, row in enumerate(rows, start=1):
            if row.created is not None:
                self._entries[row.uuid] = entry = _entry(row)
                self._join(entry)
            if count % _STEP == 0:
                await asyncio.sleep(0)
        for place, order in enumerate(self._orders.values()):
            order.update((one.values[place], uuid) for uuid, one in self._entries.items())
            await asyncio.sleep(0)

    async def entries(self, query: Query, viewer: Viewer | None = None) -> list[Entry]:
        """All deployments that are meant and that the viewer may look at, in no order."""
        narrowest = min(self._demands(query, viewer), key=_size, default=None)
        if narrowest is None:
            entries = list(self._entries.values())
        else:
            entries = [self._entries[uuid] for uuid in chain.from_iterable(narrowest)]
        found: list[Entry] = []
        for begin in range(0, len(entries), _STEP):
            step = entries[begin : begin + _STEP]
            if query.text:  # by far the fastest way to look at very many
                step = [one for one in step if query.text in one.text]
            found += [
                one
                for one in step
                if (viewer is None or viewer.may_look_at(one.facet))
                and query.admits_facet(one.facet)
                and query.admits(one.row.created or 0.0, one.text)
            ]
            await asyncio.sleep(0)
        return found

    async def select(
        self,
        query: Query,
        order: Order,
        limit: int,
        after: Key | None = None,
        *,
        included: bool = False,
        viewer: Viewer | None = None,
    ) -> Found:
        """At most `limit` deployments of a list, from the key `after` on; `included`: with it."""
        demands = self._demands(query, viewer)
        if not query.looks_at_rows and len(demands) < 2:
            total = _size(demands[0]) if demands else len(self)
            if total > len(self) // _FEW:
                wanted = demands[0] if demands else None
                return Found(total, self._picked(wanted, order, limit, after, included))
        place = _PLACES[order.by]
        rows = [
            ((one.values[place], one.row.uuid), one.row)
            for one in await self.entries(query, viewer)
        ]
        rows.sort(key=_first, reverse=order.descending)
        rest = (one for one in rows if order.is_behind(one[0], after, included))
        return Found(len(rows), list(islice(rest, limit)))

    def _demands(self, query: Query, viewer: Viewer | None) -> list[list[Uuids]]:
        """For each property that matters the disjoint sets of those that have it as it is to be."""
        found = []
        if query.chooses_status:
            states = self._members["status"].items()
            found.append([uuids for status, uuids in states if query.admits_status(status)])
        if query.owner is not None:
            found.append([self._members["owner"].get(one, set()) for one in query.owners])
        for name in ("user_group", "provider_name", "template_name"):
            value = getattr(query, name)
            if value is not None:
                found.append([self._members[name].get(value, set())])
        if viewer is not None:
            own = self._members["owner"].get(viewer.owner, set())
            of_groups = (self._members["user_group"].get(one, set()) for one in viewer.groups)
            found.append([own, *(uuids - own for uuids in of_groups)])
        return found

    def _picked(
        self,
        wanted: list[Uuids] | None,
        order: Order,
        limit: int,
        after: Key | None,
        included: bool,
    ) -> list[tuple[Key, DeploymentRow]]:
        """In order, those of the wanted sets; None: all."""
        bounds = (None, after) if order.descending else (after, None)
        keys: Iterator[Key] = self._orders[order.by].irange(
            *bounds, (included, included), order.descending
        )
        if wanted is not None:
            keys = (key for key in keys if any(key[1] in uuids for uuids in wanted))
        return [(key, self._entries[key[1]].row) for key in islice(keys, limit)]

    def _join(self, entry: Entry) -> None:
        for members, value in zip(self._members.values(), entry.facet, strict=True):
            members.setdefault(value, set()).add(entry.row.uuid)

    def _leave(self, entry: Entry) -> None:
        for members, value in zip(self._members.values(), entry.facet, strict=True):
            uuids = members[value]
            uuids.discard(entry.row.uuid)
            if not uuids:
                del members[value]


_PLACES = {one: place for place, one in enumerate(Property)}


def _entry(row: DeploymentRow) -> Entry:
    return Entry(row, Facet.of(row), searched(row), tuple(one.of(row) for one in Property))


def _size(sets: list[Uuids]) -> int:
    return sum(map(len, sets))


def _first(row: tuple[Key, DeploymentRow]) -> Key:
    return row[0]
