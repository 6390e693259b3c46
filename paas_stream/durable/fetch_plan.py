"""Decides which broker is asked for which partitions, without a look at all of them each time.

The client looks at every assigned partition whenever anything has happened, changelogs included, and
waits for each paused one to be resumed: with a hundred partitions more work than the fetch itself.
"""

from collections import defaultdict
from typing import Any

from aiokafka.protocol.fetch import FetchRequest

Plan = tuple[list[tuple[int, Any]], dict[int, Any], float, bool, list[Any]]


class FetchPlan:
    """Takes the place of a fetcher's `_get_actions_per_node`."""

    def __init__(self, fetcher: Any) -> None:
        self._fetcher = fetcher
        self._stock = fetcher._get_actions_per_node
        self._leaders: set[int] = set()  # of the assigned partitions, when they were last looked at

    def __call__(self, assignment: Any) -> Plan:
        """Requests by broker, offsets to be reset, seconds until there may be more, whether metadata
        is lacking, and futures that change the plan.
        """
        fetcher = self._fetcher
        resting = self._resting()
        wait_s = min(map(max, resting.values())) if resting else fetcher._fetcher_timeout
        if self._leaders and self._leaders <= fetcher._in_flight | resting.keys():
            return [], {}, wait_s, False, []
        requests = self._requests(assignment, resting)
        if requests is None:  # a partition without leader or position: the client knows what to do
            self._leaders = set()
            plan: Plan = self._stock(assignment)
            return plan
        return requests, {}, wait_s, False, []

    def wake(self) -> None:
        """Partitions were resumed: plan again."""
        self._fetcher._notify(self._fetcher._wait_consume_future)

    def _resting(self) -> dict[int, list[float]]:
        """Brokers whose last records are still to be taken, with the seconds that they are waited for."""
        resting: dict[int, list[float]] = {}
        for place, records in self._fetcher._records.items():
            wait_s = records.calculate_backoff()
            if wait_s:
                leader = self._fetcher._client.cluster.leader_for_partition(place)
                resting.setdefault(leader, []).append(wait_s)
        return resting

    def _requests(
        self, assignment: Any, resting: dict[int, list[float]]
    ) -> list[tuple[int, FetchRequest]] | None:
        fetcher = self._fetcher
        leader_of = fetcher._client.cluster.leader_for_partition
        size, pending = fetcher._max_partition_fetch_bytes, fetcher._records
        busy = fetcher._in_flight | resting.keys()
        wanted: defaultdict[int, defaultdict[str, list[tuple[int, int, int]]]]
        wanted = defaultdict(lambda: defaultdict(list))
        leaders = set()
        for place in assignment.tps:
            state, leader = assignment.state_value(place), leader_of(place)
            if leader is None or leader == -1 or not state.has_valid_position:
                return None
            leaders.add(leader)
            if leader not in busy and not state.paused and place not in pending:
                wanted[leader][place.topic].append((place.partition, state.position, size))
        self._leaders = leaders
        return [
            (
                leader,
                FetchRequest(
                    fetcher._fetch_max_wait_ms,
                    fetcher._fetch_min_bytes,
                    fetcher._fetch_max_bytes,
                    fetcher._isolation_level,
                    list(topics.items()),
                    rack_id=fetcher._client_rack or "",
                ),
            )
            for leader, topics in wanted.items()
        ]
