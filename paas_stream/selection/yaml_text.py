"""YAML as plain data: no tags that build objects, and a key given twice is a fault."""

from typing import Any

import yaml

_SHOWN = 80  # characters of a value that a sentence repeats
_MERGE = "tag:yaml.org,2002:merge"


class _Loader(yaml.SafeLoader):
    """A safe loader that notes every repeated key; YAML itself lets the last one win."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == _MERGE:
                continue
            if key.value in seen:
                self.faults.append(f"{_where(key.start_mark)}the key {key.value!r} is given twice")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """PyYAML makes values without a look at what can go wrong: the 30th of February, a bad zone."""
        try:
            return super().construct_object(node, deep=deep)
        except (ArithmeticError, AttributeError, LookupError, ValueError) as exc:
            kind = node.tag.rpartition(":")[2]
            problem = f"{str(node.value)[:_SHOWN]!r} cannot be read as {kind}"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from exc


def load(text: str) -> tuple[Any, list[str]]:
    """The data in `text`, and its faults: one sentence each, with line and column."""
    loader = _Loader(text)
    try:
        return loader.get_single_data(), loader.faults
    except yaml.MarkedYAMLError as exc:
        return None, [*loader.faults, f"{_where(exc.problem_mark)}{exc.problem}"]
    except (yaml.YAMLError, RecursionError) as exc:
        return None, [*loader.faults, f"not YAML: {exc}"]
    finally:
        loader.dispose()


def _where(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
