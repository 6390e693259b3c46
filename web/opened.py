"""Outputs that were opened lately: opening costs forty times as much as all the rest of a GET.

They are as secret as the keys that this process holds, and they never leave its memory.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

MOST_BYTES: Final = 32 * 2**20  # of sealed texts; those used least lately give way


class OpenedOutputs:
    """A bounded memory of what sealed outputs say. A text that cannot be opened is tried each time."""

    def __init__(self, open_json: Callable[[str], Any], most_bytes: int = MOST_BYTES) -> None:
        self._open = open_json
        self._most = most_bytes
        self._kept: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()
        self.size = 0  # bytes of the sealed texts that are kept

    def of(self, uuid: str, sealed: str) -> dict[str, Any]:
        """The outputs of a deployment. The caller must not change them. Raises PaasError."""
        key = uuid, sealed
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known
        opened: dict[str, Any] = self._open(sealed)
        self._kept[key] = opened
        self.size += len(sealed)
        while self.size > self._most:
            (_, oldest), _ = self._kept.popitem(last=False)
            self.size -= len(oldest)
        return opened
