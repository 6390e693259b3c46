"""Types that derive from themselves: the TOSCA parser would follow them for ever."""

from collections.abc import Mapping

from paas_stream.tosca.catalogue import Catalogue, Entry


def faults(own: Catalogue, others: Catalogue) -> list[str]:
    """A sentence for each circle of types in which one of `own` is.

    The TOSCA parser looks a parent up by its name among all types, whatever their section.
    """
    known: Mapping[str, Entry] = {**others, **own}
    found: dict[frozenset[str], str] = {}
    done: set[str] = set()  # types from which the way up ends
    for name in own:
        way = _way_up(name, known, done)
        if way is None:
            continue
        circle = way[way.index(way[-1]) : -1]
        first = next((one for one in own if one in circle), name)
        start = circle.index(first) if first in circle else 0
        turned = [*circle[start:], *circle[:start], circle[start]]
        found.setdefault(
            frozenset(circle),
            f"{known[turned[0]].section}.{turned[0]}.derived_from: the type derives from itself: "
            f"{' -> '.join(turned)}",
        )
    return list(found.values())


def _way_up(name: str, known: Mapping[str, Entry], done: set[str]) -> list[str] | None:
    """The types from `name` upwards until one comes again, None when none does."""
    way: list[str] = []
    above: str | None = name
    while above is not None and above in known and above not in done:
        if above in way:
            return [*way, above]
        way.append(above)
        above = known[above].parent
    done.update(way)
    return None
