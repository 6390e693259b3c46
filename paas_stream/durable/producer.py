"""A producer whose flush is a barrier.

Faust's `flush()` gives up after 0.1 s and does not count records in flight, and then the consumer's
offset is committed: after a kill -9 the event is gone and its table row too.
"""

import random
from functools import lru_cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import Producer

from paas_stream.durable.changelog import ChangelogBuffer
from paas_stream.errors import PermanentError

TOO_LARGE = "record_too_large"
_OVERHEAD = 1024  # bytes that the client adds to key and value, at most


_hash = lru_cache(10_000)(
    murmur2
)  # a uuid is the key of some fifty records, and this is pure Python


def partition_of_key(key: bytes | None, every: list[int], available: list[int]) -> int:
    """As Kafka's own clients do it: by the key's hash, or any one without a key."""
    if key is None:
        return random.choice(available or every)  # noqa: S311 - no secret
    return every[(_hash(key) & 0x7FFFFFFF) % len(every)]


def is_too_large(exc: BaseException) -> bool:
    """Whether the record itself was refused: sent again, it would be refused again."""
    cause = exc.__cause__ if isinstance(exc, ProducerSendError) else exc
    return isinstance(cause, MessageSizeTooLargeError | RecordListTooLargeError)


class DurableProducer(Producer):
    """flush() returns only when the broker has confirmed every row that was stored before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.buffer = ChangelogBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app

    @property
    def client(self) -> AIOKafkaProducer:
        """Kafka's own. Raises NotReady before the start."""
        return self._ensure_producer()

    def send_soon(self, fut: Any) -> None:
        """Every changelog record passes here, before its row is stored.

        Raises PermanentError for a row that is too large: it becomes a record in `errors`. Once it
        is buffered, only the end of the process could keep its event from being acknowledged.
        """
        size = len(fut.message.key or b"") + len(fut.message.value or b"")
        if size > self.max_request_size - _OVERHEAD:
            name = fut.message.channel.get_topic_name()
            raise PermanentError(
                f"a record of {size} bytes is too large for {name}", code=TOO_LARGE
            )
        super().send_soon(fut)

    async def flush(self) -> None:
        """Wait for the confirmations of what is buffered now; rows that come later do not count.

        Raises ProducerSendError when one was refused or can no longer be sent: the caller does not
        commit then.
        """
        await super().flush()
