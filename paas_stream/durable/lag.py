"""How many records wait for each agent of this worker.

The end of a partition is what the fetcher was told last, so asking costs nothing and never waits. A
partition whose end is not known yet is left out.
"""

from collections import defaultdict
from typing import Any


def topic_lags(app: Any) -> dict[tuple[str, ...], int]:
    """Records that wait, by component and topic, over this worker's partitions."""
    found: defaultdict[tuple[str, ...], int] = defaultdict(int)
    consumer = app._consumer  # the public name makes one when there is none
    if consumer is None or app.rebalancing:
        return {}
    for box in app.boxes:
        for tp in _partitions(app, box.component) if box.is_agent else ():
            end = _end(consumer, tp)
            # what was committed before this worker had the partition counts as handled
            committed = consumer._committed_offset.get(tp)
            handled = app.positions.next_offset(box.component, tp.topic, tp.partition)
            position = max(committed or 0, handled or 0)
            if end is not None and (committed is not None or handled is not None):
                found[box.component, tp.topic] += max(0, end - position)
    return dict(found)


def lags(app: Any) -> dict[str, int]:
    """Records that wait, by component."""
    found: defaultdict[str, int] = defaultdict(int)
    for (component, *_), number in topic_lags(app).items():
        found[component] += number
    return dict(found)


def _partitions(app: Any, component: str) -> list[Any]:
    """The partitions that an agent reads here."""
    names = app.agents[component].get_topic_names()
    return [tp for tp in app._consumer.assignment() if tp.topic in names]


def _end(consumer: Any, tp: Any) -> int | None:
    try:
        found: int | None = consumer.highwater(tp)
    except (AssertionError, KeyError):
        return None  # it was revoked a moment ago, in the consumer's thread
    return found
