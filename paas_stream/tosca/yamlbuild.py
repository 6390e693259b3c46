"""A value built from YAML events while they go by, so that a text is read once.

It is what the safe loader would build, with the rules of `yamltext`: keys are text, and there are
no dates. Aliases share what they name.
"""

from typing import Any

from paas_stream.tosca import yamltext

_PREFIX = "tag:yaml.org,2002:"
_MERGE = "<<"


class _Merge:
    """Marks a key that takes in the entries of another map."""


_MERGED = _Merge()
_NO_KEY = _Merge()


class _Map:
    """A map whose end has not been read yet."""

    def __init__(self, anchor: str | None) -> None:
        self.anchor = anchor
        self.value: dict[str, Any] = {}
        self.merged: list[Any] = []
        self.key: Any = _NO_KEY

    def add(self, item: Any) -> None:
        if self.key is _NO_KEY:
            raise yamltext.YamlError("a key must be text, a number or a boolean")
        if self.key is _MERGED:
            self.merged.append(item)
        else:
            self.value[self.key] = item
        self.key = _NO_KEY

    def close(self) -> dict[str, Any]:
        """The map; what it takes in stands before its own entries, and gives way to them."""
        if not self.merged:
            return self.value
        made: dict[str, Any] = {}
        for source in self.merged:
            for part in reversed(source) if isinstance(source, list) else [source]:
                if not isinstance(part, dict):
                    raise yamltext.YamlError("<< takes a map or a list of maps")
                made |= part
        return {**made, **self.value}


class _List:
    """A list whose end has not been read yet."""

    def __init__(self, anchor: str | None) -> None:
        self.anchor = anchor
        self.value: list[Any] = []
        self.add = self.value.append

    def close(self) -> list[Any]:
        return self.value


class Builder:
    """Takes the events of one or several documents; `values` has what they spell."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._open: list[_Map | _List] = []
        self._anchors: dict[str, Any] = {}

    def take(self, event: Any) -> None:
        """Take one event. Raises YamlError for what cannot be built."""
        if isinstance(event, yamltext.Scalar):
            self._scalar(event)
        elif isinstance(event, yamltext.MappingStart):
            self._open.append(_Map(event.anchor))
        elif isinstance(event, yamltext.SequenceStart):
            self._open.append(_List(event.anchor))
        elif isinstance(event, yamltext.CollectionEnd):
            done = self._open.pop()
            self._add(done.close(), done.anchor)
        elif isinstance(event, yamltext.Alias):
            self._alias(event)
        elif isinstance(event, yamltext.DocumentStart):
            self._anchors.clear()

    def _scalar(self, event: Any) -> None:
        parent = self._open[-1] if self._open else None
        if isinstance(parent, _Map) and parent.key is _NO_KEY:
            plain = event.implicit[0] and event.tag is None
            parent.key = _MERGED if plain and event.value == _MERGE else event.value
            if event.anchor:
                self._anchors[event.anchor] = _value(event)
            return
        self._add(_value(event), event.anchor)

    def _alias(self, event: Any) -> None:
        value = self._anchors[event.anchor]
        parent = self._open[-1] if self._open else None
        if isinstance(parent, _Map) and parent.key is _NO_KEY and isinstance(value, str):
            parent.key = value  # keys are text, also where they stand for text elsewhere
        else:
            self._add(value, None)

    def _add(self, value: Any, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = value
        if self._open:
            self._open[-1].add(value)
        else:
            self.values.append(value)


def _value(event: Any) -> Any:
    """What a scalar spells."""
    text: str = event.value
    tag = event.tag if event.tag not in (None, "!") else None
    if tag is None:
        if not event.implicit[0]:
            return text
        tag = yamltext.implicit_tag(text)
    if tag is None or tag == f"{_PREFIX}str":
        return text
    return yamltext.converted(text, tag, yamltext.line_of(event))
