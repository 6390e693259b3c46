"""What provider files name, as far as it can be read: for the rules that look at more than one entry.

A file with faults of form is no `ProviderFile`, yet its other entries can be checked. What cannot be
read here is None: it is a fault of form, told elsewhere, and it may be whatever another entry refers to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True)
class Place:
    """A text in a file, and where it stands."""

    value: str
    file: Path
    path: str

    def fault(self, sentence: str) -> str:
        """One line of the list of faults."""
        return f"{self.file}: {self.path}: {sentence}"


@dataclass(frozen=True)
class Entry:
    """A mapping in a file, and where it stands."""

    file: Path
    path: str
    data: Mapping[Any, Any]

    def each(self, field: str, *inner: str) -> Iterator["Entry | None"]:
        """The mappings in a list, or in lists of such mappings; None for each that is none."""
        if field not in self.data:
            return
        listed = self.data[field]
        if not isinstance(listed, list | tuple):
            yield None
            return
        for number, one in enumerate(listed):
            if not isinstance(one, Mapping):
                yield None
                continue
            entry = Entry(self.file, f"{self._before}{field}[{number}]", one)
            if inner:
                yield from entry.each(*inner)
            else:
                yield entry

    def place(self, field: str) -> Place | None:
        """A text and its place; None: there is no such text."""
        value = self.data.get(field)
        text = value.isoformat() if isinstance(value, date) else value
        return Place(text, self.file, f"{self._before}{field}") if isinstance(text, str) else None

    @property
    def _before(self) -> str:
        return f"{self.path}." if self.path else ""


# The mapping that each file is; None: it could not be read at all.
Files = Mapping[Path, Entry | None]

SECTIONS: Final = ("openstack", "kubernetes", "static")


def top(file: Path, data: Any) -> Entry | None:
    """What a file is, of the data in it."""
    data = {} if data is None else data
    return Entry(file, "", data) if isinstance(data, Mapping) else None


def places(entries: Iterator[Entry | None], field: str) -> list[Place | None]:
    """The texts of one field; None for each that cannot be read."""
    return [None if entry is None else entry.place(field) for entry in entries]


def known(some: list[Place | None]) -> list[Place]:
    """Those that can be read."""
    return [place for place in some if place is not None]
