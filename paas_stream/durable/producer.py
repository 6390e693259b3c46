"""A producer whose flush is a barrier, and a sensor that ends the process on a lost record.

Faust's `flush()` gives up after 0.1 s and does not count records in flight, and then the consumer's
offset is committed: after a kill -9 the event is gone and its table row too. A failed changelog send
is merely logged.
"""

import asyncio
from typing import Any

import faust
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import Producer

from paas_stream.durable.exits import Exit, end_process


class DurableProducer(Producer):
    """flush() returns only when the broker has confirmed every buffered record."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unconfirmed: set[asyncio.Future[Any]] = set()
        self._refused: BaseException | None = None

    def send_soon(self, fut: Any) -> None:
        """Every changelog record passes here."""
        self._unconfirmed.add(fut)
        fut.add_done_callback(self._confirmed)
        super().send_soon(fut)

    def _confirmed(self, fut: asyncio.Future[Any]) -> None:
        self._unconfirmed.discard(fut)
        if not fut.cancelled() and fut.exception() is not None:
            self._refused = fut.exception()

    async def flush(self) -> None:
        """Wait for all confirmations.

        Raises ProducerSendError when a record was refused: the caller does not commit then.
        """
        while self._unconfirmed and self._refused is None and not self.buffer.should_stop:
            await asyncio.wait(set(self._unconfirmed), timeout=1.0)
        if self._refused is not None:
            raise ProducerSendError(f"a buffered record was refused: {self._refused!r}")
        await super().flush()


class EndOnLostSend(faust.Sensor):
    """Ends the process when the broker refuses a record or does not confirm it in time.

    Sends to the topics in `handled_by_sender` are left to their sender, which has a second try.
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
        if state not in self._handled_by_sender:
            end_process(Exit.LOST_SEND, f"a record for {state} was not delivered: {exc!r}")
