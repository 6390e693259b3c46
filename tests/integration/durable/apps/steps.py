"""One agent on two topics and a table, whose events say what its handler is to do.

`effect` of an event: "" writes a row; "raise" fails; "crash" crashes Faust in the middle of the
handler; "large row" and "large message" make a record that is too large; "padded" writes a row of
some size. Every event that was handled is in the journal.

HANDLER_S is how long a handler takes, AT_ONCE how many events may be under way.
GATE is a file without which no changelog record is sent.
BLIND: an event that comes again is counted again. FIRST is the uuid of an event that the application
sends to `tracker-events` itself, at the end of the recovery. PATIENT: the recovery takes its time
between the seek of the standby tables' changelogs and their resumption. MENDED: "raise" fails no more.
DEAF is a file: while it is there, no heartbeat is answered.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import bench
from aiokafka import TopicPartition
from aiokafka.consumer.group_coordinator import GroupCoordinator
from faust.tables.recovery import Recovery
from faust.transport.drivers.aiokafka import Producer

from paas_stream import topics
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.tables import table
from paas_stream.records import DispatchEvent, Source, TrackerEvent

HANDLER_S = float(os.environ.get("HANDLER_S", "0"))
AT_ONCE = int(os.environ.get("AT_ONCE", "1"))
GATE = os.environ.get("GATE")
BLIND = "BLIND" in os.environ
FIRST = os.environ.get("FIRST")
PATIENT = "PATIENT" in os.environ
MENDED = "MENDED" in os.environ
DEAF = os.environ.get("DEAF")
COMPONENT = "steps"
TOO_LARGE = 1_100_000  # bytes
PADDING = 20_000  # bytes

app = bench.bench()
rows = table(app, "rows", bench.settings.stream.partitions)


async def handle(received: Received) -> None:
    """Write the row of the event's uuid."""
    message, source = received.message, received.source
    place = {"topic": received.topic, "partition": source.partition, "offset": source.offset}
    word = getattr(message, "effect", "")
    bench.note("begin", uuid=message.uuid, **place)
    if word == "raise" and not MENDED:
        raise ValueError("asked to fail")
    if word == "crash":
        await app.crash(RuntimeError("asked to crash"))
        await asyncio.sleep(3600)
    if word == "large message":
        await app.emit(message.model_copy(update={"effect": "", "message": "x" * TOO_LARGE}))
    await asyncio.sleep(HANDLER_S)
    row: dict[str, Any] = dict(rows.get(message.uuid) or {"count": 0, "applied": {}})
    channel = f"{received.topic}/{source.partition}"
    if BLIND or row["applied"].get(channel, -1) < source.offset:
        row["count"] += 1
        row["applied"] = row["applied"] | {channel: source.offset}
        row["text"] = "x" * {"large row": TOO_LARGE, "padded": PADDING}.get(word, 0)
        rows[message.uuid] = row
    bench.note("handled", uuid=message.uuid, count=row["count"], **place)


if "decorator" in bench.WITHOUT:

    @app.agent(app.channel_of(topics.DISPATCH_EVENTS), name=COMPONENT)
    async def plain(stream: Any) -> Any:
        """What one would write without the decorator."""
        async for event in stream.events():
            message = event.message
            decoded = DispatchEvent.decode(message.value)
            source = Source(topic=message.topic, partition=message.partition, offset=message.offset)
            await handle(Received(topics.DISPATCH_EVENTS, decoded, source, message.timestamp))
            yield message.offset

else:
    agent(app, COMPONENT, topics.DISPATCH_EVENTS, topics.TRACKER_EVENTS, at_once=AT_ONCE)(handle)


@app.on_rebalance_complete.connect(weak=False)
async def recovered(*_: Any, **__: Any) -> None:
    """What the tables hold when the streams begin."""
    held = {uuid: row["count"] for uuid, row in rows.items()}
    name = topics.TOPICS[topics.DISPATCH_EVENTS].broker_name(bench.settings)
    assigned = sum(1 for tp in app.consumer.assignment() if tp.topic == name)
    bench.note("recovered", rows=held, assigned=assigned)
    if FIRST is not None:
        await first_record(FIRST)


_do_heartbeat = GroupCoordinator._do_heartbeat


async def _unanswered(self: Any) -> bool:
    while DEAF is not None and Path(DEAF).exists():
        await asyncio.sleep(0.1)
    return bool(await _do_heartbeat(self))


GroupCoordinator._do_heartbeat = _unanswered


async def first_record(uuid: str) -> None:
    """Send the first record of a partition, and see whether it is taken while that is paused."""
    [sent] = await app.emit(TrackerEvent(uuid=uuid, event="tick"))
    is_taken = await _is_taken(TopicPartition(sent.topic, sent.partition), sent.offset)
    bench.note("first", is_taken=is_taken)


async def _is_taken(place: TopicPartition, offset: int) -> bool:
    for _ in range(100):
        position = await app.consumer.position(place)
        if position is not None and position > offset:
            return True
        await asyncio.sleep(0.01)
    return False


_build_highwaters = Recovery._build_highwaters


async def _before_standbys(self: Any, consumer: Any, tps: Any, found: Any, title: str) -> None:
    await _build_highwaters(self, consumer, tps, found, title)
    if PATIENT and title == "standby":
        taken = [await _is_taken(TopicPartition(*tp), 0) for tp in tps]
        bench.note("standbys", are_taken=any(taken))


Recovery._build_highwaters = _before_standbys
_send = Producer.send


async def _gated(self: Any, topic: str, *args: Any, **options: Any) -> Any:
    if GATE and topic in app.tables.changelog_topics:
        while not Path(GATE).exists():
            await asyncio.sleep(0.01)
    sent = await _send(self, topic, *args, **options)
    if topic in app.tables.changelog_topics:
        sent.add_done_callback(
            lambda future: bench.note("confirmed", error=bool(future.exception()))
        )
    return sent


Producer.send = _gated


if __name__ == "__main__":
    bench.run(app)
