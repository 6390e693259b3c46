"""What was read last of each site, when it is read again, and what is said of it meanwhile.

What was read last stays here until it is sent. A site of which nothing can be read is silent, and so
becomes stale.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from paas_stream.records import Feeder
from paas_stream.records.feeder import PARTS
from paas_stream.selection.readings import Reading, Site, message
from paas_stream.told import Told

Key = tuple[str, str, str]  # provider, region, project

_BEFORE = datetime.min.replace(tzinfo=UTC)
_NEVER = Reading(faults=dict.fromkeys(PARTS, "not read yet"))


@dataclass
class SiteState:
    """One site."""

    due: float = 0.0  # monotonic seconds
    reading: Reading | None = None  # the last one that gave something
    read_at: datetime = _BEFORE
    told: Told = field(default_factory=Told)
    is_tried: bool = False

    def read(self, reading: Reading, at: datetime) -> None:
        """Keep what was read at `at`."""
        self.reading, self.read_at = reading, at


class SiteStates:
    """All sites of a worker."""

    def __init__(self) -> None:
        self._states: dict[Key, SiteState] = {}

    def due(self, sites: tuple[Site, ...], now: float) -> Iterator[tuple[Site, SiteState]]:
        """Those to be read at `now` (monotonic seconds). Sites that are gone are forgotten."""
        known = {site.key for site in sites}
        self._states = {key: state for key, state in self._states.items() if key in known}
        for site in sites:
            state = self._states.setdefault(site.key, SiteState())
            if _is_in_service(site) and now >= state.due:
                yield site, state

    def messages(self, sites: tuple[Site, ...], now: datetime) -> Iterator[Feeder]:
        """What was read last of each site; of one that is out of service that it is."""
        for site in sites:
            state = self._states.get(site.key)
            if state is None:
                continue
            if not _is_in_service(site):
                yield message(site, state.reading or _NEVER, now)
            elif state.reading is not None:
                yield message(site, state.reading, state.read_at)

    def is_first_awaited(self, sites: tuple[Site, ...]) -> bool:
        """Whether a site that is in service has not been tried yet."""
        return any(
            _is_in_service(site) and not self._states.get(site.key, SiteState()).is_tried
            for site in sites
        )


def _is_in_service(site: Site) -> bool:
    return site.provider.status == "active"
