"""The polls of this worker's attempts: they repeat in memory, and only news becomes an event."""

from collections.abc import Iterator

from paas_stream.durable.due import DueHeap
from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Effect
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.settings import DispatchSettings


class Polls:
    """Which attempts are polled, and when next. All of it follows from the rows."""

    def __init__(self, settings: DispatchSettings, lease_s: float) -> None:
        """A poll whose end is not told is started again after `lease_s` seconds."""
        self._settings = settings
        self._lease_s = lease_s
        self._effects: dict[str, dict[int, Effect]] = {}  # by uuid and attempt
        self._due: DueHeap[tuple[str, int]] = DueHeap()

    def __len__(self) -> int:
        return len(self._due)

    def watch(self, row: DispatchRow, now: float) -> None:
        """Poll what is to be polled, and nothing else of this row."""
        known = self._effects.pop(row.uuid, {})
        wanted = {effect.attempt: effect for effect in dispatch.polls(row)}
        for attempt in known.keys() - wanted.keys():
            self._due.arm((row.uuid, attempt), None)
        for attempt, effect in wanted.items():
            if known.get(attempt) != effect:
                self._due.arm(effect.key, now + self._settings.poll_min_s)
        if wanted:
            self._effects[row.uuid] = wanted

    def due(self, now: float, interval_s: float) -> Iterator[Effect]:
        """What is to be polled now, at most the rate for the IM server."""
        most = max(1, int(self._settings.polls_per_s * interval_s))
        for key in self._due.pop_due(now, most):
            effect = self._effect(key)
            if effect is not None:
                self._due.arm(key, now + self._lease_s)
                yield effect

    def no_news(self, effect: Effect, now: float) -> None:
        """A poll has ended: the next one comes after an interval that grows."""
        if self._effect(effect.key) == effect:
            settings = self._settings
            wait = dispatch.poll_interval_s(
                now - effect.since, settings.poll_min_s, settings.poll_max_s
            )
            self._due.arm(effect.key, now + wait)

    def clear(self) -> None:
        """Other workers may poll from now on."""
        self._effects.clear()
        self._due.clear()

    def _effect(self, key: tuple[str, int]) -> Effect | None:
        return self._effects.get(key[0], {}).get(key[1])
