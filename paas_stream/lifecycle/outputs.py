"""What a template's outputs may be: they travel, sealed, in messages and rows."""

import json
from collections.abc import Mapping
from typing import Any

OUTPUTS_MAX = (
    256 * 1024
)  # bytes of JSON of all of them; sealed, and with their row, they fit a message


def bounded(outputs: Mapping[str, Any], most: int = OUTPUTS_MAX) -> dict[str, Any]:
    """The outputs; while all are too large, the largest has a sentence in its place.

    Where there are too many even so, the last ones are missing.
    """
    kept = dict(outputs)
    sizes = {name: _size(name, value) for name, value in kept.items()}
    total = sum(sizes.values())
    for name in sorted(sizes, key=lambda one: -sizes[one]):
        sentence = f"left out: it has {sizes[name]} bytes, and all outputs may have {most}"
        saved = sizes[name] - _size(name, sentence)
        if total <= most or saved <= 0:
            break
        kept[name], sizes[name], total = sentence, sizes[name] - saved, total - saved
    while total > most:
        name, _ = kept.popitem()
        total -= sizes[name]
    return kept


def is_whole(outputs: Mapping[str, Any]) -> bool:
    """Whether every output has a value; of a list each entry counts."""
    return not any(
        one is None or (isinstance(one, list) and None in one) for one in outputs.values()
    )


def _size(name: str, value: Any) -> int:
    return len(json.dumps({name: value}))
