"""YAML text in, plain values out, and back: the only module that knows the YAML library.

Safe loading only. Timestamps and keys stay the text that they are written as, because everything
read here travels on as JSON.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

MappingStart = yaml.MappingStartEvent
SequenceStart = yaml.SequenceStartEvent
CollectionEnd = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
Scalar = yaml.ScalarEvent
Alias = yaml.AliasEvent
DocumentStart = yaml.DocumentStartEvent


class _Loader(yaml.CSafeLoader):
    """The safe loader without dates, and with text keys only."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)  # first, because it looks for the tag of merge keys
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


class _Dumper(yaml.CSafeDumper):
    """The safe dumper without anchors: every value is written where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class YamlError(ValueError):
    """The text is not YAML, or has something that the safe loader refuses."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line  # from 1; None when it is not known


def events(text: str) -> Iterator[Any]:
    """The events of `text` one by one; nothing is built, so nesting costs nothing.

    Raises YamlError at the place where the text stops being YAML.
    """
    try:
        yield from yaml.parse(text, Loader=_Loader)
    except yaml.YAMLError as exc:
        raise _refused(exc) from exc


def build(text: str) -> Any:
    """The value that `text` spells. Raises YamlError.

    Building recurses: call it only on text whose depth was checked.
    """
    loader = _Loader(text)
    try:
        return loader.get_single_data()
    except yaml.YAMLError as exc:
        raise _refused(exc) from exc
    except ValueError as exc:  # a number too long to convert
        raise YamlError(f"a number cannot be read: {exc}") from exc
    finally:
        loader.dispose()


def compose(text: str) -> yaml.Node | None:
    """The tree of YAML nodes with their places in the text. Raises YamlError. Recurses as `build`."""
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except yaml.YAMLError as exc:
        raise _refused(exc) from exc
    finally:
        loader.dispose()


_CONSTRUCTOR = yaml.constructor.SafeConstructor()
_CONVERTERS = {
    "tag:yaml.org,2002:null": _CONSTRUCTOR.construct_yaml_null,
    "tag:yaml.org,2002:bool": _CONSTRUCTOR.construct_yaml_bool,
    "tag:yaml.org,2002:int": _CONSTRUCTOR.construct_yaml_int,
    "tag:yaml.org,2002:float": _CONSTRUCTOR.construct_yaml_float,
}


def implicit_tag(text: str) -> str | None:
    """The tag of a plain scalar, None when it is text."""
    for tag, pattern in _Loader.yaml_implicit_resolvers.get(text[:1], ()):
        if pattern.match(text):
            return str(tag) if tag in _CONVERTERS else None
    return None


def converted(text: str, tag: str, line: int) -> Any:
    """The value that `text` spells by its tag. Raises YamlError."""
    try:
        return _CONVERTERS[tag](yaml.ScalarNode(tag, text))
    except (KeyError, ValueError, IndexError) as exc:
        kind = tag.rpartition(":")[2]
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        raise YamlError(f'"{shown}" cannot be read as {kind}', line) from exc


def dump(value: Any) -> str:
    """`value` as YAML text, keys in the order in which they stand."""
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
    return text


_KEY_MAX = 1000  # characters; YAML wants a key and its colon within 1,024
_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def dump_fast(value: Any) -> str:
    """`value` as YAML text for programs: JSON where that means the same, else as `dump`.

    Written in C, it takes a tenth of the time. YAML 1.1 reads JSON's `1e+16` as text, folds some
    characters that JSON leaves as they are, and has a limit for keys.
    """
    if not _means_the_same(value):
        return dump(value)
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _means_the_same(value: Any) -> bool:
    if isinstance(value, dict):
        return all(
            isinstance(key, str) and len(key) <= _KEY_MAX and _means_the_same(one)
            for key, one in value.items()
        )
    if isinstance(value, list | tuple):
        return all(map(_means_the_same, value))
    return not isinstance(value, float) or ("." in (text := repr(value)) and "e" not in text)


def line_of(event: Any) -> int:
    """The line, from 1, on which an event begins."""
    line: int = event.start_mark.line
    return line + 1


def _refused(exc: Any) -> YamlError:
    mark = getattr(exc, "problem_mark", None)
    problem = getattr(exc, "problem", None) or getattr(exc, "reason", None) or str(exc)
    if mark is None:
        return YamlError(problem)
    return YamlError(f"{problem} (column {mark.column + 1})", mark.line + 1)
