"""Limits on a template's text, checked on the stream of YAML events before anything is built.

Building a tree recurses once per level, so text that nests deeply crashes the C library, and a few
aliases of aliases spell gigabytes. Both are seen here while the events go by: memory stays small
and the reading stops at the first limit.
"""

import math
from dataclasses import dataclass
from typing import Any

from paas_stream.errors import Fault, InvalidTemplateError
from paas_stream.settings import ParserSettings
from paas_stream.tosca import yamlbuild, yamltext

PLAIN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")
)
INT_MIN, INT_MAX = -(2**63), 2**64 - 1  # what JSON readers hold


@dataclass(frozen=True)
class Limits:
    """How large a template may be."""

    max_bytes: int = 256 * 1024  # of the text, UTF-8
    max_depth: int = 64  # of nested lists and maps, aliases expanded
    max_nodes: int = 50_000  # lists, maps, keys and values, aliases expanded

    @classmethod
    def of(cls, settings: ParserSettings) -> "Limits":
        """The limits that the settings ask for."""
        return cls(settings.max_bytes, settings.max_depth, settings.max_nodes)


@dataclass
class _Open:
    """A list or map whose end has not been read yet."""

    anchor: str | None
    is_map: bool
    nodes: int = 1
    height: int = 1
    entries: int = 0
    keys: set[str] | None = None


def load(
    text: str, limits: Limits, what: str = "the template", repeated: list[Fault] | None = None
) -> Any:
    """The plain value that `text` spells: dicts with text keys, lists, text, numbers, booleans.

    Keys that are there twice are added to `repeated` where it is given, and the last one counts.

    Raises InvalidTemplateError when the text is too large, too deep, expands to too much, is not
    one YAML document, repeats a key, or has a value that JSON cannot carry.
    """
    try:
        size = len(text.encode())
    except UnicodeEncodeError as exc:
        raise InvalidTemplateError([f"{what} is not Unicode text"]) from exc
    if size > limits.max_bytes:
        raise InvalidTemplateError(
            [f"{what} has {size} bytes, at most {limits.max_bytes} are accepted"]
        )
    values, found = _read(text, _Walk(limits, what))
    if found and repeated is None:
        raise InvalidTemplateError(found)
    value = values[0] if values else None
    if repeated is not None:
        repeated += found
    faults: list[str] = []
    plain = _plain(value, "", faults)
    if faults:
        raise InvalidTemplateError(faults)
    return plain


def load_all(text: str, limits: Limits, what: str) -> list[Any]:
    """The values of all YAML documents in `text`, without empty ones. Raises as `load` does."""
    values, _ = _read(text, _Walk(limits, what, many=True))
    return [value for value in values if value is not None]


def check(value: Any, limits: Limits, what: str) -> None:
    """Check a value that did not come as one text: what is written out must be within the limits.

    Parts that are shared count as often as they appear. Raises InvalidTemplateError, and stops at
    the first limit.
    """
    nodes = size = 0
    waiting = [(value, 1)]
    while waiting:
        item, depth = waiting.pop()
        nodes += 1
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, dict):
            size += sum(len(str(key)) for key in item)
            waiting += [(part, depth + 1) for part in item.values()]
        elif isinstance(item, list | tuple):
            waiting += [(part, depth + 1) for part in item]
        if depth > limits.max_depth + 1:
            raise InvalidTemplateError([f"{what}: nested deeper than {limits.max_depth} levels"])
        if nodes > limits.max_nodes:
            raise InvalidTemplateError([f"{what}: more than {limits.max_nodes} values"])
        if size > limits.max_bytes:
            raise InvalidTemplateError([f"{what}: more than {limits.max_bytes} characters"])


def _read(text: str, walk: "_Walk") -> tuple[list[Any], list[Fault]]:
    """The values of the documents in `text`, and the keys that are there twice."""
    builder = yamlbuild.Builder()
    try:
        for event in yamltext.events(text):
            walk.see(event)
            builder.take(event)
    except yamltext.YamlError as exc:
        fault = Fault(f"{walk.what} is not valid YAML: {exc}", line=exc.line)
        raise InvalidTemplateError([fault]) from exc
    return builder.values, walk.repeated


class _Walk:
    """Follows the events and keeps the sizes of what is open and of what has a name."""

    def __init__(self, limits: Limits, what: str, *, many: bool = False) -> None:
        self.limits = limits
        self.what = what
        self.many = many  # documents in one text
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[int, int]] = {}  # name -> nodes, height; expanded
        self.nodes = 0
        self.documents = 0
        self.repeated: list[Fault] = []  # keys that are there twice

    def see(self, event: Any) -> None:
        """Take one event. Raises InvalidTemplateError when a limit is passed."""
        if isinstance(event, yamltext.Scalar):
            self._check_tag(event)
            self._key(event)
            self._add(event, nodes=1, height=0)
            if event.anchor:
                self.anchors[event.anchor] = (1, 0)
        elif isinstance(event, yamltext.MappingStart | yamltext.SequenceStart):
            self._check_tag(event)
            self._begin(event)
        elif isinstance(event, yamltext.CollectionEnd):
            self._end(event)
        elif isinstance(event, yamltext.Alias):
            self._alias(event)
        elif isinstance(event, yamltext.DocumentStart):
            self.documents += 1
            self.anchors.clear()
            if self.documents > 1 and not self.many:
                raise self._fault(event, f"{self.what} has more than one YAML document")

    def _begin(self, event: Any) -> None:
        self._count(event, 1, len(self.open) + 1)
        self.open.append(_Open(event.anchor, isinstance(event, yamltext.MappingStart)))

    def _end(self, event: Any) -> None:
        done = self.open.pop()
        if done.anchor:
            self.anchors[done.anchor] = (done.nodes, done.height)
        self._into_parent(done.nodes, done.height)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self.anchors:
            reason = "refers to itself" if self._is_open(event.anchor) else "is not defined"
            raise self._fault(event, f"the alias *{event.anchor} {reason}")
        nodes, height = self.anchors[event.anchor]
        self._add(event, nodes, height)

    def _add(self, event: Any, nodes: int, height: int) -> None:
        self._count(event, nodes, len(self.open) + height)
        self._into_parent(nodes, height)

    def _into_parent(self, nodes: int, height: int) -> None:
        if self.open:
            parent = self.open[-1]
            parent.nodes += nodes
            parent.height = max(parent.height, height + 1)
            parent.entries += 1

    def _count(self, event: Any, nodes: int, depth: int) -> None:
        self.nodes += nodes
        if depth > self.limits.max_depth:
            raise self._fault(
                event,
                f"{self.what} nests lists and maps deeper than {self.limits.max_depth} levels",
            )
        if self.nodes > self.limits.max_nodes:
            raise self._fault(
                event, f"{self.what} has more than {self.limits.max_nodes} values, aliases expanded"
            )

    def _key(self, event: Any) -> None:
        parent = self.open[-1] if self.open else None
        if parent is None or not parent.is_map or parent.entries % 2:
            return
        parent.keys = parent.keys or set()
        if event.value in parent.keys:
            line = yamltext.line_of(event)
            self.repeated.append(Fault(f'the key "{event.value}" is there twice', line=line))
        parent.keys.add(event.value)

    def _check_tag(self, event: Any) -> None:
        if event.tag not in (None, "!") and event.tag not in PLAIN_TAGS:
            raise self._fault(event, f'the tag "{event.tag}" is not accepted')

    def _fault(self, event: Any, message: str) -> InvalidTemplateError:
        return InvalidTemplateError([Fault(message, line=yamltext.line_of(event))])

    def _is_open(self, anchor: str) -> bool:
        return any(collection.anchor == anchor for collection in self.open)


def _plain(value: Any, path: str, faults: list[str]) -> Any:
    """A copy of `value` that shares no part; what JSON cannot carry is a fault."""
    if isinstance(value, dict):
        return {
            key: _plain(item, f"{path}.{key}".lstrip("."), faults) for key, item in value.items()
        }
    if isinstance(value, list):
        return [_plain(item, f"{path}[{n}]", faults) for n, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        faults.append(f"{path}: {value} is not a number that can be used")
    elif isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        faults.append(f"{path}: the number has more than 64 bits")
    return value
