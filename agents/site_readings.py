"""Readings of the sites whose API is read: side by side, never two of one site at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from paas_stream.clients.sites import SiteReader
from paas_stream.errors import PaasError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.readings import Site
from paas_stream.selection.site_states import Key, SiteState, SiteStates

log = logging.getLogger(__name__)

CredentialsOf = Callable[[str], Credentials]
Tell = Callable[[Exception], Awaitable[None]]


class PartialReadingError(PaasError):
    """Some parts of a site could not be read."""

    code = "provider_partial"


@dataclass
class Readings:
    """All sites of this worker."""

    reader: SiteReader
    interval_s: float
    tell: Tell
    states: SiteStates = field(default_factory=SiteStates)
    _running: dict[Key, asyncio.Task[None]] = field(default_factory=dict)

    def start(self, sites: tuple[Site, ...], credentials: CredentialsOf, now: float) -> None:
        """Begin the readings that are due at `now` (monotonic seconds), and forget other sites."""
        for site, state in self.states.due(sites, now):
            if not self._is_running(site):
                state.due = now + self.interval_s
                task = asyncio.create_task(self._read(site, credentials, state))
                self._running[site.key] = task
                task.add_done_callback(partial(self._ended, site.key))

    def _is_running(self, site: Site) -> bool:
        """Whether it is being read, or was given up and still keeps a thread."""
        return site.key in self._running or self.reader.is_reading(site)

    def _ended(self, key: Key, _: asyncio.Task[None]) -> None:
        self._running.pop(key, None)

    async def _read(self, site: Site, credentials: CredentialsOf, state: SiteState) -> None:
        """Read one site. Never raises."""
        begun = datetime.now(UTC)  # what is made from now on may be missing in the reading
        try:
            name = site.project.credentials
            login = None if name is None else await asyncio.to_thread(credentials, name)
            reading = await self.reader.read(site, login)
            state.read(reading, begun)
            text = reading.fault
            fault = None if text is None else PartialReadingError(f"{site.name}: {text}")
            await self._told(site, state, fault)
        except PaasError as exc:
            await self._told(site, state, type(exc)(f"{site.name}: {exc.message}", code=exc.code))
        except Exception as exc:
            log.exception("%s was not read", site.name)
            await self._told(site, state, exc)
        finally:
            state.is_tried = True

    async def _told(self, site: Site, state: SiteState, fault: Exception | None) -> None:
        if not state.told.is_news(fault):
            return
        if fault is None:
            log.info("%s is read again", site.name)
        else:
            log.warning("%s", fault)
            await self.tell(fault)

    def close(self) -> None:
        """Read no more."""
        self.reader.close()
        for task in list(self._running.values()):
            task.cancel()
