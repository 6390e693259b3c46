"""Which site Rally tests next: the regions of OpenStacks in turn, who has waited longest first."""

from collections.abc import Iterable, Iterator, Mapping

from paas_stream.selection.provider_schema import OpenStackProvider
from paas_stream.selection.readings import Site

Place = tuple[str, str]  # provider and region


def place_of(site: Site) -> Place:
    """What is tested, whichever of its projects it is tested with."""
    return site.key[:2]


def tested(sites: Iterable[Site]) -> Iterator[Site]:
    """One project of each region of each OpenStack that is in service, which has a login."""
    seen: set[Place] = set()
    for site in sites:
        is_tested = isinstance(site.provider, OpenStackProvider) and place_of(site) not in seen
        if is_tested and site.provider.status == "active" and site.project.credentials:
            seen.add(place_of(site))
            yield site


def due(
    sites: Iterable[Site], last: Mapping[Place, float], now: float, interval_s: float
) -> Site | None:
    """The site whose test was the earliest, if that is an interval ago; the first one of equals.

    `last`: when each was tested; those that it lacks were never tested. All times in epoch seconds.
    """
    waiting = [(last.get(place_of(site), 0.0), site) for site in sites]
    at, site = min(waiting, key=lambda one: one[0], default=(now, None))
    return site if now - at >= interval_s else None
