"""The vetted type files: what a template's import may name, and what it stands for.

An import is a name, nothing is ever fetched for it. The names of the field's own type files stand
for the definitions that come with the project. An operator adds others: a name, and a file that is
checked once and copied into the directory of types, where only its own check sum admits it later.
A worker process sees what was added at the next template.
"""

import fcntl
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from paas_stream.errors import ConfigurationError, Fault, InvalidTemplateError
from paas_stream.tosca import catalogue, cycles, imports, limits, lines, parser, shape
from paas_stream.tosca.catalogue import Catalogue

INDEX = "index.json"
FILE_NAME = re.compile(r"[0-9a-f]{64}\.yaml")
NAME = re.compile(r"[!-~]{1,1000}")  # of an import: printable ASCII without blanks
LIMITS = limits.Limits(max_bytes=2**20, max_depth=64, max_nodes=100_000)
MOST_FILES = 1000
WHAT = "the type file"

# The names under which templates of this field import the types that come with the project.
SHIPPED_NAMES = (
    "custom_types.yaml",
    "https://raw.githubusercontent.com/grycap/tosca/main/custom_types.yaml",
    "https://raw.githubusercontent.com/grycap/tosca/master/custom_types.yaml",
    "https://raw.githubusercontent.com/grycap/tosca/refs/heads/main/custom_types.yaml",
    "https://raw.githubusercontent.com/indigo-dc/tosca-types/main/custom_types.yaml",
    "https://raw.githubusercontent.com/indigo-dc/tosca-types/master/custom_types.yaml",
    "https://raw.githubusercontent.com/indigo-dc/tosca-types/refs/heads/master/custom_types.yaml",
)


@dataclass(frozen=True)
class TypeFile:
    """One entry of the map."""

    url: str  # the import's name, as templates spell it
    file: str  # in the directory of types; "" when it comes with the project
    sha256: str
    types: int  # definitions in it
    imports: tuple[str, ...] = ()  # further names that it imports


@dataclass
class Vetted:
    """The map from import names to type definitions.

    `directory` holds what operators added; None, or one that does not exist, adds nothing.
    """

    directory: Path | None = None
    _index: tuple[Any, dict[str, TypeFile]] = (None, {})
    _loaded: dict[str, tuple[Any, Catalogue]] = field(default_factory=dict)

    def files(self) -> list[TypeFile]:
        """All entries: what operators added, then what comes with the project.

        Raises ConfigurationError when the index cannot be read.
        """
        added = self._added()
        return [*added.values(), *(one for one in _shipped() if one.url not in added)]

    def is_added(self, name: str) -> bool:
        """Whether an operator added a file as `name`. Raises ConfigurationError."""
        return name in self._added()

    def knows(self, name: str) -> bool:
        """Whether a template may import `name`. Raises ConfigurationError."""
        return name in self._added() or name in SHIPPED_NAMES

    def types(self, name: str) -> Catalogue:
        """The types that an import stands for, with those that its file imports.

        Raises KeyError for a name that is not known, ConfigurationError when its file was changed
        or is gone.
        """
        merged: dict[str, catalogue.Entry] = {}
        for one in self._closure(name, ()):
            merged |= self._read(one) if one.file else catalogue.shipped()
        return merged

    def digests(self, name: str) -> frozenset[str]:
        """Check sums of all files that an import leads to; raises as `types` does."""
        return frozenset(one.sha256 for one in self._closure(name, ()))

    def _closure(self, name: str, above: tuple[str, ...]) -> Iterator[TypeFile]:
        """An entry after those that it imports, whose types it may replace."""
        one = self._added().get(name)
        if one is None:
            if name not in SHIPPED_NAMES:
                raise KeyError(name)
            one = _shipped()[0]
        for inner in one.imports:
            if inner not in (*above, name):
                yield from self._closure(inner, (*above, name))
        yield one

    def _added(self) -> dict[str, TypeFile]:
        """The index, read again when it was changed."""
        if self.directory is None:
            return {}
        path = self.directory / INDEX
        try:
            now = _signature(path)
            if now != self._index[0]:
                self._index = (now, _read_index(path))
        except FileNotFoundError:
            self._index = (None, {})
        except OSError as exc:
            raise ConfigurationError(f"{path} cannot be read: {exc.strerror}") from exc
        return self._index[1]

    def _read(self, one: TypeFile) -> Catalogue:
        assert self.directory is not None  # noqa: S101 - an entry with a file came from there
        path = self.directory / one.file
        try:
            now = (_signature(path), one.sha256)
            if one.file in self._loaded and self._loaded[one.file][0] == now:
                return self._loaded[one.file][1]
            content = path.read_bytes()
        except OSError as exc:
            raise ConfigurationError(
                f'the type file of "{one.url}" cannot be read ({exc.strerror}); add it again'
            ) from exc
        if hashlib.sha256(content).hexdigest() != one.sha256:
            raise ConfigurationError(
                f'the type file of "{one.url}" was changed after it was added (its sha256 is not '
                f"{one.sha256[:12]}...); add it again"
            )
        tree = limits.load(content.decode(), LIMITS, WHAT, repeated=[])
        found = catalogue.of(
            {
                section: catalogue.undescribed(definitions)
                for section, definitions in tree.items()
                if section in catalogue.SECTIONS
            }
        )
        self._loaded[one.file] = (now, found)
        return found


def add(directory: Path, url: str, content: bytes) -> tuple[TypeFile, list[str]]:
    """Check a type file and let templates import it as `url`. An older one of this name goes.

    Answers the entry, and warnings: files of the field repeat keys, the last one counts.

    Raises ConfigurationError with every fault of the name or the file.
    """
    if not NAME.fullmatch(url):
        raise ConfigurationError(
            "the name of an import is printable text without blanks, at most 1000 characters"
        )
    known = Vetted(directory)
    repeated: list[Fault] = []
    try:
        one = _checked(known, url, content, repeated)
    except InvalidTemplateError as exc:
        raise ConfigurationError(f"the type file is refused: {exc}") from exc
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        entries = dict(known._added())
        if url not in entries and len(entries) >= MOST_FILES:
            raise ConfigurationError(f"at most {MOST_FILES} type files can be added")
        entries[url] = one
        _write(directory / one.file, content)
        index = {"types": [asdict(entries[name]) for name in sorted(entries)]}
        _write(directory / INDEX, json.dumps(index, indent=1).encode())
    return one, [str(fault) for fault in repeated]


def _checked(known: Vetted, url: str, content: bytes, repeated: list[Fault]) -> TypeFile:
    """The entry for a type file. Raises InvalidTemplateError with its faults."""
    try:
        text = content.decode()
    except UnicodeDecodeError as exc:
        raise InvalidTemplateError(["it is not UTF-8 text"]) from exc
    tree = limits.load(text, LIMITS, WHAT, repeated)
    faults = shape.type_file_faults(tree)
    if faults:
        raise InvalidTemplateError(lines.located(text, map(Fault.of, faults)))
    wanted, faults = imports.wanted(tree, base=url)
    others: dict[str, catalogue.Entry] = {}
    for one in wanted:
        if one.name == url or url in _names(known, one.name):
            faults.append(f"{one.path}: the file would import itself through it")
        elif not known.knows(one.name):
            faults.append(f'{one.path}: the import "{one.name}" is not known here; add it first')
        else:
            others |= known.types(one.name)
    own = catalogue.of(tree)
    if not own:
        faults.append("there is no type definition in it")
    faults += cycles.faults(own, {**parser.simple_profile(), **catalogue.shipped(), **others})
    if faults:
        raise InvalidTemplateError(lines.located(text, map(Fault.of, faults)))
    digest = hashlib.sha256(content).hexdigest()
    names = tuple(one.name for one in wanted)
    return TypeFile(url, f"{digest}.yaml", digest, len(own), names)


def _names(known: Vetted, name: str) -> set[str]:
    """The names that an import leads to."""
    return {one.url for one in known._closure(name, ())} if known.knows(name) else set()


@cache
def _shipped() -> tuple[TypeFile, ...]:
    digest = hashlib.sha256(b"".join(catalogue.shipped_files().values())).hexdigest()
    return tuple(TypeFile(name, "", digest, len(catalogue.shipped())) for name in SHIPPED_NAMES)


def _read_index(path: Path) -> dict[str, TypeFile]:
    try:
        entries = [
            TypeFile(**{**one, "imports": tuple(one["imports"])})
            for one in json.loads(path.read_bytes())["types"]
        ]
        valid = all(FILE_NAME.fullmatch(one.file) for one in entries)
    except (ValueError, TypeError, KeyError, AttributeError) as exc:
        raise ConfigurationError(f"{path} is no index of type files: {exc}") from exc
    if not valid:
        raise ConfigurationError(f"{path} is no index of type files: it names other files")
    return {one.url: one for one in entries}


def _signature(path: Path) -> tuple[int, int, int]:
    """What changes when a file is written."""
    stat = path.stat()
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One writer at a time."""
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, nothing between."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
