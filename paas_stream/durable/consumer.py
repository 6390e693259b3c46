"""A consumer that goes back to the first record of partitions in which nothing was committed yet.

While partitions are paused for a recovery Faust drops what is fetched from them, and afterwards seeks
to the committed offsets. It does not seek where there is none, so the first records of a partition
would be lost: the first command ever, sent while a worker starts.
"""

from aiokafka import TopicPartition
from faust.transport.drivers.aiokafka import Consumer


class DurableConsumer(Consumer):
    """perform_seek() leaves no partition where it happens to stand."""

    async def perform_seek(self) -> None:
        """To the committed offsets, or else to the beginning."""
        await super().perform_seek()
        uncommitted = [
            TopicPartition(tp.topic, tp.partition)
            for tp in self.assignment()
            if not self._is_changelog_tp(tp) and not self._committed_offset[tp]
        ]
        if uncommitted:
            await self._thread.seek_to_beginning(*uncommitted)
