"""A producer whose flush is a barrier, and whose buffer ends the process on a lost row.

Faust's `flush()` gives up after 0.1 s and does not count records in flight, and then the consumer's
offset is committed: after a kill -9 the event is gone and its table row too. A failed changelog send
is merely logged.
"""

import asyncio
import random
from functools import lru_cache, partial
from typing import Any

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordListTooLargeError
from aiokafka.partitioner import murmur2
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import Producer
from faust.transport.producer import ProducerBuffer
from faust.types.tuples import FutureMessage

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


class TableBuffer(ProducerBuffer):
    """The rows of tables on their way to the client, past Faust's channels and their sensors.

    Nobody waits for a row's confirmation, so a row that is lost ends the process: its event comes
    again. Faust would log it.
    """

    async def _send_pending(self, fut: FutureMessage[Any]) -> None:
        record = fut.message
        name = record.channel.get_topic_name()
        try:
            confirmation = await self.app.producer.send(
                name, record.key, record.value, record.partition, None, None
            )
        except (ProducerSendError, KafkaError) as exc:
            self._lost(fut, name, exc)
        else:
            confirmation.add_done_callback(partial(self._sent, fut, name))

    def _sent(self, fut: FutureMessage[Any], name: str, confirmation: asyncio.Future[Any]) -> None:
        if (exc := confirmation.exception()) is not None:
            self._lost(fut, name, exc)
            return
        fut.set_result(confirmation.result())
        fut.message.callback(fut)

    def _lost(self, fut: FutureMessage[Any], name: str, exc: BaseException) -> None:
        fut.set_exception(exc)
        end_process(Exit.LOST_SEND, f"a record for {name} was not delivered: {exc!r}")


class DurableProducer(Producer):
    """flush() returns only when the broker has confirmed every record that was buffered before."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.buffer = TableBuffer(loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app
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
