"""Rows of tables on their way to their changelogs: the newest of each, many in one request.

A changelog is compacted: of two records of one row the later one counts. Nobody waits for a row but
the commit of the event that wrote it. So, in this order:

1. a table stores a row, which waits here; one that waits for the same key is dropped;
2. after `PAUSE_S`, at a commit, or when many wait, all are handed to the client, but not before the
   messages are confirmed that were sent before them (`outbox`);
3. the broker confirms: the table is told the offset;
4. `flush` returns when all rows and messages from before it are confirmed.

A row that is lost ends the process: its event comes again. Faust would log it.
"""

import asyncio
from functools import partial
from typing import Any

from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError
from faust.transport.producer import ProducerBuffer
from faust.types.tuples import FutureMessage
from mode import Service

from paas_stream.durable.exits import Exit, end_process

# Below the interval of commits; other workers wait so long for a row of a global table.
PAUSE_S = 0.25
BYTES_SOON = 1024 * 1024  # when so much waits it is sent at once
BYTES_MOST = 32 * 1024 * 1024  # when so much waits no event is taken
_POLL_S = 0.5  # how often a waiting flush looks whether the producer was stopped

Place = tuple[str, int | None, bytes | None]  # topic, partition, key


class ChangelogBuffer(ProducerBuffer):
    """Stands between the tables and the producer's client."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waiting: dict[Place, FutureMessage[Any]] = {}
        self._bytes = 0  # of what waits
        self._sending: set[asyncio.Future[Any]] = set()  # rows that are not confirmed yet
        self._messages: set[asyncio.Future[Any]] = set()  # nor are these
        self._asked = asyncio.Event()  # all that waits is to be sent now
        self._ebbed = asyncio.Event()
        self._refused: BaseException | None = None

    @property
    def size(self) -> int:
        """Rows that are not confirmed yet."""
        return len(self._waiting) + len(self._sending)

    def put(self, fut: FutureMessage[Any]) -> None:
        """Take a row; it replaces the one of the same key that waits."""
        record = fut.message
        place = record.channel.get_topic_name(), record.partition, record.key
        self._bytes += _size(fut)
        older = self._waiting.get(place)
        if older is not None:
            self._bytes -= _size(older)
            older.message = record  # whoever waits for the older one waits for the newer one
        else:
            if not self._waiting:
                asyncio.get_running_loop().call_later(PAUSE_S, self._asked.set)
            self._waiting[place] = fut
        if self._bytes >= BYTES_SOON:
            self._asked.set()

    def follow(self, message: asyncio.Future[Any]) -> None:
        """Rows that come from now on are sent after this message is confirmed."""
        self._messages.add(message)
        message.add_done_callback(self._followed)

    def _followed(self, message: asyncio.Future[Any]) -> None:
        self._messages.discard(message)
        if message.cancelled():
            self._refused = asyncio.CancelledError("a message was not confirmed")
        elif (exc := message.exception()) is not None:
            self._refused = exc

    async def wait_until_ebb(self) -> None:
        """Called before each event: wait while too much waits."""
        while self._bytes > BYTES_MOST and not self.should_stop:
            self._asked.set()
            self._ebbed.clear()
            await self._ebbed.wait()

    async def flush(self) -> None:
        """Have all rows that were stored before sent, and wait until they and all messages are confirmed.

        Raises ProducerSendError when one was refused or can no longer be sent: the caller does not
        commit then.
        """
        await self._confirmed(at_once=True)

    async def settled(self) -> None:
        """As `flush`, but the rows wait for newer ones as long as they would."""
        await self._confirmed(at_once=False)

    async def _confirmed(self, at_once: bool) -> None:
        waiting: set[asyncio.Future[Any]] = {*self._waiting.values(), *self._sending}
        waiting |= self._messages
        while waiting and self._refused is None:
            if at_once:
                self._asked.set()
            _, waiting = await asyncio.wait(waiting, timeout=_POLL_S)
            if waiting and self.should_stop:
                raise ProducerSendError(f"{len(waiting)} records were not sent")
        if self._refused is not None:
            raise ProducerSendError(f"a record was refused: {self._refused!r}")

    @Service.task
    async def _handle_pending(self) -> None:
        while not self.should_stop:
            await self._asked.wait()
            self._asked.clear()
            await self._send_waiting()

    async def _send_waiting(self) -> None:
        rows, self._waiting, self._bytes = self._waiting, {}, 0
        self._ebbed.set()
        self._sending.update(rows.values())
        if self._messages:
            await asyncio.wait(set(self._messages))
        if self._refused is not None:
            return  # nor is their event committed
        await self.app.membership.proven()
        self.app.pulse.look()
        for (topic, partition, key), fut in rows.items():
            value = fut.message.value
            try:
                sent = await self.app.producer.send(topic, key, value, partition, None, None)
            except (ProducerSendError, KafkaError) as exc:
                self._failed(fut, topic, exc)
            else:
                sent.add_done_callback(partial(self._sent, fut, topic))

    def _sent(self, fut: FutureMessage[Any], name: str, confirmation: asyncio.Future[Any]) -> None:
        if (exc := confirmation.exception()) is not None:
            self._failed(fut, name, exc)
            return
        self._sending.discard(fut)
        fut.set_result(confirmation.result())
        fut.message.callback(fut)

    def _failed(self, fut: FutureMessage[Any], name: str, exc: BaseException) -> None:
        self._sending.discard(fut)
        self._refused = exc
        fut.cancel()
        self._lost(name, exc)

    def _lost(self, name: str, exc: BaseException) -> None:
        end_process(Exit.LOST_SEND, f"a row for {name} was not delivered: {exc!r}")


def _size(fut: FutureMessage[Any]) -> int:
    return len(fut.message.key or b"") + len(fut.message.value or b"")
