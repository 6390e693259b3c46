"""The decorator of all agents: decode, validate, handle, and lose nothing.

Faust acknowledges and commits an event whose agent raises. So, for every event, in this order:

1. decode and validate the record; one that is not in the partition of its uuid is sent again;
2. call the handler;
3. on any exception: send a record to `errors` and wait for the broker's confirmation;
4. only now the event is acknowledged.

If step 3 cannot be done the process ends, and the event comes again after the restart. The same
holds when Faust stops while a handler runs. Agents that write no row may have several events in
steps 1 to 3 (`lanes`).
"""

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import faust
from mode.utils.collections import LRUCache

from paas_stream import topics
from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit, end_process
from paas_stream.durable.lanes import Lanes
from paas_stream.errors import InvalidMessageError, NoProviderError, PaasError, TemporaryError
from paas_stream.records import ErrorRecord, Message, Source

log = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)

PAYLOAD_MAX = 256 * 1024  # a larger record is not copied into `errors`: its offset is enough
MESSAGE_MAX = 8_000  # characters of the reason in `errors`
_DECODED = 200  # records that are kept decoded until their other agents come to them
KEY_MAX = 200  # characters of a foreign key in `errors`


@dataclass(frozen=True)
class Received:
    """One decoded record."""

    topic: str  # the mission's name
    message: Any
    source: Source
    timestamp: float  # the broker's, seconds since the epoch

    @property
    def id(self) -> str:
        """Names this record, also if the topic is made anew with the same offsets."""
        source = self.source
        return f"{self.topic}/{source.partition}/{source.offset}@{self.timestamp:.3f}"


Handler = Callable[[Received], Awaitable[None]]


class PlainAgent(faust.Agent):
    """An agent without replies and sinks, for which Faust looks, with a line of log, at each event."""

    async def _slurp(self, res: Any, it: AsyncIterator[Any]) -> None:
        async for _ in it:
            pass


def agent(
    app: DurableApp, component: str, *names: str, at_once: int = 1
) -> Callable[[Handler], Any]:
    """Make the decorated coroutine function an agent on the topics `names`.

    `component` is the box's name in `errors` and in positions. `at_once`: how many events may be
    under way, of different keys; more than one only where the handler writes no row.
    """
    specs = {topics.TOPICS[name].broker_name(app.settings): topics.TOPICS[name] for name in names}

    box = app.boxes.box(component, is_agent=True)

    def decorate(handler: Handler) -> Any:
        async def handled(message: Any) -> None:
            begun = box.begin(specs[message.topic].name)
            try:
                await _handle(app, component, specs[message.topic], message, handler)
            except asyncio.CancelledError:
                end_process(Exit.CRASHED, f"{component} was stopped while handling an event")
            app.positions.handled(component, message.topic, message.partition, message.offset)
            box.end(begun)

        async def one_by_one(stream: Any) -> AsyncIterator[int]:
            async for event in stream.events():
                await handled(event.message)
                yield event.message.offset

        async def side_by_side(stream: Any) -> AsyncIterator[int]:
            stream.enable_acks = False
            lanes = Lanes(at_once)

            async def handled_and_acknowledged(event: Any) -> None:
                await handled(event.message)
                await stream.ack(event)

            async for event in stream.events():
                await lanes.begin(event.message.key, partial(handled_and_acknowledged, event))
                yield event.message.offset

        consume = one_by_one if at_once == 1 else side_by_side
        consume.__name__ = handler.__name__
        consume.__module__ = handler.__module__
        return app.agent(app.channel_of(*names), name=component, concurrency=1)(consume)

    return decorate


async def _handle(
    app: DurableApp, component: str, spec: topics.TopicSpec, message: Any, handler: Handler
) -> None:
    key = (message.key or b"").decode("utf-8", "backslashreplace")
    source = Source(
        topic=message.topic, partition=message.partition, offset=message.offset, key=key
    )
    step, uuid, revision = "decode", None, 1
    try:
        decoded = _decode(spec, message)
        uuid, revision = getattr(decoded, "uuid", None), getattr(decoded, "revision", None) or 1
        if spec.per_deployment and uuid and not await _is_in_place(app, message, key, uuid):
            log.info("%s@%d came under the key %r: sent again", spec.name, message.offset, key)
            await app.emit(decoded)
            return
        step = "handle"
        await handler(Received(spec.name, decoded, source, message.timestamp))
    except Exception as exc:
        app.boxes.box(component).errors += 1
        where = f"{message.topic}/{message.partition}@{message.offset}"
        if isinstance(exc, PaasError):
            log.warning("%s, %s: %s", component, where, exc)
        else:
            log.exception("%s failed on %s", component, where)
        if spec.name == topics.ERRORS:
            return  # an error about an error would never end
        record = error_record(component, step, exc, source, uuid, message.value, revision)
        await deliver_error(app, record)


_decoded: Any = LRUCache(_DECODED)


def _decode(spec: topics.TopicSpec, message: Any) -> Message:
    """The record, decoded once for all agents that take it."""
    place = (message.topic, message.partition, message.offset, message.value)
    known: Message | None = _decoded.get(place)
    if known is None:
        known = _decoded[place] = spec.model.decode(message.value)
    return known


async def _is_in_place(app: DurableApp, message: Any, key: str, uuid: str) -> bool:
    """Other programs may use another key, or spread the same keys in another way (librdkafka)."""
    return key == uuid and message.partition == await app.partition_of(message.topic, uuid)


def error_record(
    component: str,
    step: str,
    exc: BaseException,
    source: Source | None,
    uuid: str | None,
    payload: bytes | None,
    revision: int = 1,
) -> ErrorRecord:
    """What goes into `errors` for an exception, short enough for any broker to take it."""
    known = isinstance(exc, PaasError)
    message = exc.message if isinstance(exc, PaasError) else f"{type(exc).__name__}: {exc}"
    if source is not None and source.key is not None:
        source = source.model_copy(update={"key": source.key[:KEY_MAX]})
    return ErrorRecord(
        uuid=uuid,
        component=component,
        step=step,
        code=exc.code if isinstance(exc, PaasError) else "internal",
        message=message[:MESSAGE_MAX],
        retriable=isinstance(exc, TemporaryError),
        source=source,
        payload_base64=(
            base64.b64encode(payload).decode()
            if payload and len(payload) <= PAYLOAD_MAX and (not known or _undecodable(exc))
            else None
        ),
        discarded=exc.discarded or None if isinstance(exc, NoProviderError) else None,
        revision=revision,
    )


def _undecodable(exc: BaseException) -> bool:
    return isinstance(exc, InvalidMessageError)


async def deliver_error(app: DurableApp, record: ErrorRecord) -> None:
    """Send to `errors`; without its payload when the broker refuses it; or else end the process."""
    key = (record.uuid or (record.source.topic if record.source else record.component)).encode()
    outlet = app.outlets[ErrorRecord]
    for attempt in (record, record.model_copy(update={"payload_base64": None, "discarded": None})):
        try:
            await (await outlet.send(key=key, value=attempt.encode()))
        except Exception as exc:  # noqa: BLE001 - whatever hindered it, the event must not be lost
            log.error("an error record was refused: %r", exc)
        else:
            return
    end_process(Exit.LOST_ERROR, "an error record could not be delivered")
