"""Readings of the sites whose API is read: side by side, never two of one site at a time.

What was read last stays here until it is sent. A site of which nothing can be read is silent, and so
becomes stale; what went wrong is told once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from paas_stream.clients.sites import SiteReader, kind_of
from paas_stream.errors import PaasError
from paas_stream.records import Feeder
from paas_stream.records.feeder import PARTS
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.readings import Reading, Site, message

log = logging.getLogger(__name__)

Key = tuple[str, str, str]
CredentialsOf = Callable[[str], Credentials]
Tell = Callable[[Exception], Awaitable[None]]

_BEFORE = datetime.min.replace(tzinfo=UTC)
_NEVER = Reading(faults=dict.fromkeys(PARTS, "not read yet"))


class PartialReadingError(PaasError):
    """Some parts of a site could not be read."""

    code = "provider_partial"


@dataclass
class _State:
    due: float = 0.0  # monotonic seconds
    reading: Reading | None = None
    read_at: datetime = _BEFORE
    fault: str | None = None  # what was told last
    tried: bool = False


@dataclass
class Readings:
    """All sites of this worker."""

    reader: SiteReader
    interval_s: float
    tell: Tell
    _states: dict[Key, _State] = field(default_factory=dict)
    _running: dict[Key, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, sites: tuple[Site, ...], credentials: CredentialsOf, now: float) -> None:
        """Begin the readings that are due at `now` (monotonic seconds), and forget other sites."""
        known = {site.key for site in sites}
        self._states = {key: state for key, state in self._states.items() if key in known}
        for site in sites:
            state = self._states.setdefault(site.key, _State())
            is_wanted = site.provider.status == "active" and kind_of(site) is not None
            if is_wanted and now >= state.due and not self._is_running(site):
                state.due = now + self.interval_s
                task = asyncio.create_task(self._read(site, credentials, state))
                self._running[site.key] = task
                task.add_done_callback(partial(self._ended, site.key))

    def _is_running(self, site: Site) -> bool:
        """Whether it is being read, or was given up and still keeps a thread."""
        return site.key in self._running or self.reader.is_reading(site)

    def _ended(self, key: Key, _: asyncio.Task[None]) -> None:
        self._running.pop(key, None)

    def messages(self, sites: tuple[Site, ...]) -> Iterator[Feeder]:
        """What was read last of each site; of one that is out of service that it is."""
        for site in sites:
            state, kind = self._states.get(site.key), kind_of(site)
            if kind is None or state is None:
                continue
            if site.provider.status != "active":
                yield message(site, kind, state.reading or _NEVER, datetime.now(UTC))
            elif state.reading is not None:
                yield message(site, kind, state.reading, state.read_at)

    def is_first_awaited(self, sites: tuple[Site, ...]) -> bool:
        """Whether a site that is in service has not been tried yet."""
        return any(
            site.provider.status == "active" and kind_of(site) and not self._has_been_tried(site)
            for site in sites
        )

    def _has_been_tried(self, site: Site) -> bool:
        state = self._states.get(site.key)
        return state is not None and state.tried

    async def _read(self, site: Site, credentials: CredentialsOf, state: _State) -> None:
        """Read one site. Never raises."""
        begun = datetime.now(UTC)  # what is made from now on may be missing in the reading
        try:
            name = site.project.credentials
            login = None if name is None else await asyncio.to_thread(credentials, name)
            reading = await self.reader.read(site, login)
            state.reading, state.read_at = reading, begun
            text = reading.fault
            fault = None if text is None else PartialReadingError(f"{site.name}: {text}")
            await self._told(site, state, fault)
        except PaasError as exc:
            await self._told(site, state, type(exc)(f"{site.name}: {exc.message}", code=exc.code))
        except Exception as exc:
            log.exception("%s was not read", site.name)
            await self._told(site, state, exc)
        finally:
            state.tried = True

    async def _told(self, site: Site, state: _State, fault: Exception | None) -> None:
        """Tell a fault once, for as long as it is the same one."""
        text = None if fault is None else str(fault)
        if text == state.fault:
            return
        state.fault = text
        if fault is None:
            log.info("%s is read again", site.name)
        else:
            log.warning("%s", text)
            await self.tell(fault)

    def close(self) -> None:
        """Read no more."""
        self.reader.close()
        for task in list(self._running.values()):
            task.cancel()
