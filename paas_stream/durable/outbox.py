"""The messages of an agent that stores rows: it goes on while they are on their way.

Rows that are stored after them reach their changelogs after them, and their event is committed after
both. So a crash finds the event again, and the row as it was before it.
"""

import asyncio

from paas_stream.durable.agents import Received, deliver_error, error_record
from paas_stream.durable.app import DurableApp, Sent
from paas_stream.errors import PermanentError
from paas_stream.records import Message


class Outbox:
    """Of one box."""

    def __init__(self, app: DurableApp, component: str) -> None:
        self._app = app
        self._component = component

    async def post(self, received: Received, *messages: Message) -> None:
        """Send what `received` has led to, in this order.

        Raises PermanentError for a message that the client finds too large; what only the broker
        finds too large becomes a record in `errors`. Any other failure ends the process.
        """
        for one in await self._app.send(*messages):
            settled = asyncio.create_task(self._settled(received, one))
            self._app.producer.buffer.follow(settled)

    async def _settled(self, received: Received, sent: Sent) -> None:
        try:
            await self._app.confirmed([sent])
        except PermanentError as exc:
            uuid = getattr(sent.message, "uuid", None)
            record = error_record(self._component, "handle", exc, received.source, uuid, None)
            await deliver_error(self._app, record)
