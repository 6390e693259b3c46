"""All provider rows, found by user group: a request looks at those only that are open to its group."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from paas_stream.selection.rows import ProviderRow

Site = tuple[str, str]  # provider and region

K = TypeVar("K")


class Catalog:
    """Rows by key, by user group, and by site."""

    def __init__(self, rows: Iterable[ProviderRow] = ()) -> None:
        self._rows: dict[str, ProviderRow] = {}
        self._groups: dict[str, dict[str, ProviderRow]] = {}
        self._sites: dict[Site, dict[str, ProviderRow]] = {}
        self._slas: dict[str, int] = {}  # how many rows serve each agreement
        for row in rows:
            self.put(row)

    def __iter__(self) -> Iterator[ProviderRow]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, row: ProviderRow) -> None:
        """Add a row, in the place of an earlier one of its key."""
        key = row.feeder.key
        before = self._rows.get(key)
        if before is not None and _labels(before) != _labels(row):
            self.remove(key)
            before = None
        self._rows[key] = row
        self._groups.setdefault(row.feeder.user_group, {})[key] = row
        self._sites.setdefault(row.site, {})[key] = row
        if row.feeder.sla_id and before is None:
            self._slas[row.feeder.sla_id] = self._slas.get(row.feeder.sla_id, 0) + 1

    def remove(self, key: str) -> None:
        """Take a row out, if it is there."""
        row = self._rows.pop(key, None)
        if row is None:
            return
        _drop(self._groups, row.feeder.user_group, key)
        _drop(self._sites, row.site, key)
        if row.feeder.sla_id:
            self._slas[row.feeder.sla_id] -= 1
            if not self._slas[row.feeder.sla_id]:
                del self._slas[row.feeder.sla_id]

    def clear(self) -> None:
        """Take all rows out."""
        for index in (self._rows, self._groups, self._sites, self._slas):
            index.clear()

    def get(self, key: str) -> ProviderRow | None:
        """The row of this key."""
        return self._rows.get(key)

    def of_group(self, group: str | None) -> Iterable[ProviderRow]:
        """The rows of a user group; without group all rows."""
        return (self._rows if group is None else self._groups.get(group, {})).values()

    def has_sla(self, sla_id: str) -> bool:
        """Whether a row serves this agreement."""
        return sla_id in self._slas

    def sites_beside(self, opened: set[Site], most: int) -> tuple[list[ProviderRow], int]:
        """One row of each of the first sites that are not among `opened`, and how many more.

        A site with a project for this group is told once, whatever its other projects are for.
        """
        beside = (site for site in self._sites if site not in opened)
        rows = [next(reversed(self._sites[site].values())) for site in islice(beside, most)]
        return rows, max(len(self._sites) - len(opened) - most, 0)


def _labels(row: ProviderRow) -> tuple[str, str | None]:
    return row.feeder.user_group, row.feeder.sla_id


def _drop(index: dict[K, dict[str, ProviderRow]], name: K, key: str) -> None:
    rows = index[name]
    del rows[key]
    if not rows:
        del index[name]
