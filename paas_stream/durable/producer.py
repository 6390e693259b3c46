"""A producer whose flush is a barrier, and a sensor that ends the process on a lost record.

Faust's `flush()` gives up after 0.1 s and does not count records in flight, and then the consumer's
offset is committed: after a kill -9 the event is gone and its table row too. A failed changelog send
is merely logged.
"""

import asyncio
import random
from functools import lru_cache
from typing import Any

import faust
from aiokafka.errors import MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import Producer

from paas_stream.durable.exits import Exit, end_process
from paas_stream.errors import PermanentError

TOO_LARGE = "record_too_large"
_OVERHEAD = 1024  # bytes that the client adds to key and value, at most
_POLL_S = 0.5  # how often a waiting flush looks whether the producer was stopped


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
    """flush() returns only when the broker has confirmed every record that was buffered before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unconfirmed: set[asyncio.Future[Any]] = set()
        self._refused: BaseException | None = None

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
        self._unconfirmed.add(fut)
        fut.add_done_callback(self._confirmed)
        super().send_soon(fut)

    def _confirmed(self, fut: asyncio.Future[Any]) -> None:
        self._unconfirmed.discard(fut)
        if not fut.cancelled() and fut.exception() is not None:
            self._refused = fut.exception()

    async def flush(self) -> None:
        """Wait for the confirmations of what is buffered now; records that come later do not count.

        Raises ProducerSendError when one was refused or can no longer be sent: the caller does not
        commit then.
        """
        waiting = set(self._unconfirmed)
        while waiting and self._refused is None:
            _, waiting = await asyncio.wait(waiting, timeout=_POLL_S)
            if waiting and self.buffer.should_stop:
                raise ProducerSendError(f"{len(waiting)} buffered records were not sent")
        if self._refused is not None:
            raise ProducerSendError(f"a buffered record was refused: {self._refused!r}")
        await super().flush()


class EndOnLostSend(faust.Sensor):
    """Ends the process when the broker refuses a record or does not confirm it in time.

    Two are left to the sender, who waits for the confirmation: what goes to the topics in
    `handled_by_sender`, which has a second try; and a record that is too large, unless it is a table
    row, for which nobody waits.
    """

    def __init__(self, *, handled_by_sender: frozenset[str] = frozenset(), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._handled_by_sender = handled_by_sender

    def on_send_initiated(
        self, producer: Any, topic: str, message: Any, keysize: int, valsize: int
    ) -> str:
        """The state that Faust hands back to the other two."""
        return topic

    def on_send_error(self, producer: Any, exc: BaseException, state: str) -> None:
        """Called by Faust for every failed send."""
        if state in self._handled_by_sender:
            return
        if is_too_large(exc) and state not in producer.app.tables.changelog_topics:
            return
        end_process(Exit.LOST_SEND, f"a record for {state} was not delivered: {exc!r}")
