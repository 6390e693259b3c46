"""Which messages about providers are sent when: the Feeder's memory of what it has sent.

Times called `now` are monotonic seconds, and `now_utc` is the same moment of the day.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from paas_stream.records import Feeder
from paas_stream.selection.catalog import Catalog
from paas_stream.selection.last_known import LastKnown, is_news
from paas_stream.selection.rows import ProviderRow
from paas_stream.told import Told

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class _Last:
    """The message of a key that was sent last."""

    content: bytes
    sent_at: float  # monotonic seconds
    of: datetime  # when what it says was read


class Sent:
    """What was sent since this worker holds the partition."""

    def __init__(self, heartbeat_s: float, interval_s: float) -> None:
        """`heartbeat_s`: after which the same is sent again; `interval_s`: after which a change is."""
        self._heartbeat_s, self._interval_s = heartbeat_s, interval_s
        self._last: dict[str, _Last] = {}
        self._told: defaultdict[str, Told] = defaultdict(Told)

    def due(
        self, messages: Iterable[Feeder], catalog: Catalog, now: float, now_utc: datetime
    ) -> list[Feeder]:
        """Those that are to be sent.

        What the catalog has counts as sent: another worker may have sent it, or this one before it
        started anew.
        """
        found = []
        for message in messages:
            known = catalog.get(message.key)
            if message.key not in self._last and known is not None:
                self._learn(message, known, now, now_utc)
            if self._is_due(message, now) and _concerns(message, known):
                found.append(message)
        return found

    def add(self, message: Feeder, now: float, fault: Exception | None = None) -> bool:
        """It has been sent, or refused with a fault. Whether that fault is to be told.

        One that is refused is tried again when one that was sent would be sent again.
        """
        self._last[message.key] = _Last(_content(message), now, message.timestamp)
        return self._told[message.key].is_news(fault) and fault is not None

    def clear(self) -> None:
        """Forget it."""
        self._last.clear()
        self._told.clear()

    def _learn(self, message: Feeder, known: ProviderRow, now: float, now_utc: datetime) -> None:
        """Take a message for sent that tells the catalog nothing new."""
        before = LastKnown(known.feeder, known.received_at, dict(known.kept))
        if not is_news(before, message, now_utc):
            age_s = max(0.0, (now_utc - known.received_at).total_seconds())
            of = known.feeder.timestamp
            self._last[message.key] = _Last(_content(message), now - age_s, of)

    def _is_due(self, message: Feeder, now: float) -> bool:
        """Whether it is new, has changed for an interval, or needs a heartbeat.

        What was sent already is no sign of life: a site that is not read again stays silent.
        """
        last = self._last.get(message.key)
        if last is None:
            return True
        if message.timestamp <= last.of:
            return False
        is_same = last.content == _content(message)
        return now - last.sent_at >= (self._heartbeat_s if is_same else self._interval_s)


def is_awaited(
    catalog: Catalog, messages: Iterable[Feeder], *, is_first_reading_awaited: bool
) -> bool:
    """Whether a worker is to wait for its first provider: none is known, and one is about to be.

    `messages`: what would be sent now; a reading that is awaited may add to them.
    """
    return not len(catalog) and (
        is_first_reading_awaited or any(one.status == "active" for one in messages)
    )


def _content(message: Feeder) -> bytes:
    return message.model_copy(update={"timestamp": _NEVER}).encode()


def _concerns(message: Feeder, known: ProviderRow | None) -> bool:
    """Whether the catalog should hear of it: of a provider that is out of service, only once."""
    return message.status == "active" or (
        known is not None and known.feeder.status != message.status
    )
