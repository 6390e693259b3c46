"""One reading of a site, call after call, for the client of any kind of provider.

A call that fails costs its parts only. What has been read is there at any moment: when the time of the
whole reading is up, whoever waits takes what there is, and the thread that reads asks nothing more.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from paas_stream.selection.readings import Reading

log = logging.getLogger(__name__)

Rows = tuple[Any, ...]
Said = Callable[[Exception], str]  # a refusal in one line of bounded length


@dataclass(frozen=True)
class Call:
    """One question, and what becomes of its answer."""

    parts: tuple[str, ...]  # as in `records.feeder.PARTS`; not known when it fails
    ask: Callable[[], Mapping[str, Rows]]  # the rows of each part; blocks


class Calls:
    """All that is asked of one site: filled by the thread that reads, looked at by the one that waits."""

    def __init__(self) -> None:
        self.project_name: str | None = None  # as the cloud has it
        self._lock = Lock()
        self._found: dict[str, Rows] = {}
        self._faults: dict[str, str] = {}
        self._left: list[str] = []  # parts that were not asked for yet
        self._is_over = False

    def make(
        self, calls: tuple[Call, ...], refusals: tuple[type[Exception], ...], said: Said
    ) -> Reading:
        """Ask one after the other; `refusals` are what the client raises, `said` tells them. Blocks."""
        self._left = [part for call in calls for part in call.parts]
        for call in calls:
            if self._is_over:
                break
            try:
                self._note(call, call.ask(), {})
            except refusals as exc:
                self._note(call, {}, dict.fromkeys(call.parts, said(exc)))
            except (ArithmeticError, ValueError, TypeError, KeyError, AttributeError) as exc:
                log.warning("%s: an answer that cannot be understood", call.parts, exc_info=exc)
                text = f"an answer that cannot be understood ({type(exc).__name__})"
                self._note(call, {}, dict.fromkeys(call.parts, text))
        return Reading(self._found, self._faults, self.project_name)

    def _note(self, call: Call, found: Mapping[str, Rows], faults: Mapping[str, str]) -> None:
        with self._lock:
            if not self._is_over:
                self._found.update(found)
                self._faults.update(faults)
                self._left = [part for part in self._left if part not in call.parts]

    def end(self, sentence: str) -> Reading:
        """What has been read so far; of the rest the fault is `sentence`. Nothing more is asked."""
        with self._lock:
            self._is_over = True
            rest = dict.fromkeys(self._left, sentence)
            return Reading(dict(self._found), self._faults | rest, self.project_name)
