"""Line numbers: where in a template's text stands what a path names."""

import re
from collections.abc import Iterable
from dataclasses import replace

import yaml

from paas_stream.errors import Fault
from paas_stream.tosca import yamltext

_FIELD = re.compile(r'unknown field "([^"]+)"')  # the path is that of the map it stands in
_INDEX = re.compile(r"\[(\d+)\]")


def located(text: str, faults: Iterable[Fault]) -> list[Fault]:
    """The faults with their lines, as far as the paths can be followed in the text.

    The text is one that could be read. The value of an input comes from elsewhere: its line is that
    of the input's declaration.
    """
    root = yamltext.compose(text)
    return [
        replace(fault, line=_line(root, _place(fault))) if fault.path and not fault.line else fault
        for fault in faults
    ]


def _place(fault: Fault) -> str:
    field = _FIELD.search(fault.message)
    return f"{fault.path}.{field[1]}" if field else fault.path


def _line(root: yaml.Node | None, path: str) -> int | None:
    """The line of the deepest part of `path` that is there, None when not even the first is."""
    least = 1
    if path.startswith("inputs."):
        path, least = f"topology_template.{path}", 3  # an input that nobody declares has none
    node, line, steps = root, None, 0
    while path and node is not None:
        node, path, found = _step(node, path)
        if found is not None:
            line, steps = found, steps + 1
    return line if steps >= least else None


def _step(node: yaml.Node, path: str) -> tuple[yaml.Node | None, str, int | None]:
    """The part that `path` begins with, the rest of the path, and the part's line."""
    index = _INDEX.match(path)
    if isinstance(node, yaml.SequenceNode):
        # a list of maps with one entry each: a policy is named right after the index, or instead
        if index is None:
            for item in node.value:
                if isinstance(item, yaml.MappingNode) and (found := _entry(item, path))[0]:
                    return found
            return None, "", None
        if int(index[1]) >= len(node.value):
            return None, "", None
        item = node.value[int(index[1])]
        return item, path[index.end() :].removeprefix("."), _mark(item)
    if isinstance(node, yaml.MappingNode):
        return _entry(node, path)
    return None, "", None


def _entry(node: yaml.MappingNode, path: str) -> tuple[yaml.Node | None, str, int | None]:
    """The entry whose key `path` begins with; the longest, as names may hold dots."""
    best: tuple[yaml.Node, yaml.Node] | None = None
    for key, value in node.value:
        name = str(key.value)
        longer = best is None or len(name) > len(str(best[0].value))
        if longer and path.startswith(name) and path[len(name) : len(name) + 1] in ("", ".", "["):
            best = key, value
    if best is None:
        return None, "", None
    rest = path[len(str(best[0].value)) :]
    return best[1], rest.removeprefix("."), _mark(best[0])


def _mark(node: yaml.Node) -> int:
    line: int = node.start_mark.line
    return line + 1
