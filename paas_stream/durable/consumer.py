"""A consumer that forgets no partition after a recovery, and answers questions about offsets soon.

While partitions are paused for a recovery Faust drops what is fetched from them, and afterwards seeks
to the committed offsets. It does not seek where there is none, so the first records of a partition
would be lost: the first command ever, sent while a worker starts.
"""

from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer

# How long the broker keeps a fetch that finds nothing. Faust says 1500, and everything else that is
# asked of that broker waits behind the fetch: twice at each recovery, and at each wait for an agent.
FETCH_WAIT_MS = 200


class DurableConsumer(Consumer):
    """perform_seek() leaves no partition where it happens to stand."""

    async def perform_seek(self) -> None:
        """To the committed offsets, or else to the beginning."""
        await super().perform_seek()
        uncommitted = {
            tp: 0  # or the first record that is still there: that is what `earliest` says
            for tp in self.assignment()
            if not self._is_changelog_tp(tp) and not self._committed_offset[tp]
        }
        if uncommitted:
            await self.seek_wait(uncommitted)

    def _new_consumer_thread(self) -> "DurableConsumerThread":
        return DurableConsumerThread(self, loop=self.loop, beacon=self.beacon)


class DurableConsumerThread(AIOKafkaConsumerThread):
    """The thread in which Faust's consumer lives."""

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer
