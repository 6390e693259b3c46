"""A consumer that leaves paused partitions alone, and answers questions about offsets soon.

Faust hands the set of active partitions to the thread that fetches, and goes on changing it. When the
last one is paused at the end of a recovery, the set is empty, and empty means all: the thread takes
records of partitions that are paused, and Faust drops them. What was dropped is fetched again only
from partitions with a committed offset, and not always there. So events were lost, and records of
standby tables, for ever.
"""

from collections.abc import Iterable
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer

# How long the broker keeps a fetch that finds nothing. Faust says 1500, and everything else that is
# asked of that broker waits behind the fetch: twice at each recovery, and at each wait for an agent.
FETCH_WAIT_MS = 200


class DurableConsumerThread(AIOKafkaConsumerThread):
    """The thread in which the consumer lives."""

    async def getmany(self, active_partitions: Iterable[Any] | None, *options: Any) -> Any:
        """Fetch from the partitions that are active now, whatever is paused meanwhile."""
        asked = None if active_partitions is None else frozenset(active_partitions)
        return await super().getmany(asked, *options)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer


class DurableConsumer(Consumer):
    """Faust's consumer with that thread."""

    def _new_consumer_thread(self) -> DurableConsumerThread:
        return DurableConsumerThread(self, loop=self.loop, beacon=self.beacon)
