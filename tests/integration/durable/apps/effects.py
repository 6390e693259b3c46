"""An agent whose events start effects, as the IM dispatcher does: rows with leases, a runner, ticks.

An effect is under way until the file GATE exists, or a file of that name with the deployment's uuid
appended. INLINE: the handler waits for the effect itself. SLOTS effects are under way at once. AHEAD:
every lease counts as run out, so that no test waits for one.
"""

import asyncio
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bench

from paas_stream import topics
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.effects import EffectRunner, Leased
from paas_stream.durable.tables import table
from paas_stream.durable.ticks import Ticks
from paas_stream.records import DispatchEvent

GATE = os.environ["GATE"]
LEASE_S = 120.0
AHEAD_S = LEASE_S + 60 if "AHEAD" in os.environ else 0.0
DRAIN_S = float(os.environ.get("DRAIN_S", "30"))
MARGIN_S = 0.1
COMPONENT = "effects"

app = bench.bench()
rows = table(app, "rows", bench.settings.stream.partitions)


def moments() -> Iterable[tuple[str, list[float]]]:
    """When each row is due."""
    for uuid, row in rows.items():
        yield uuid, [row["due"] - AHEAD_S] if row["due"] else []


ticks = Ticks(app, COMPONENT, lambda uuid: DispatchEvent(uuid=uuid, event="tick"), moments)


async def perform(event: DispatchEvent) -> DispatchEvent:
    """What takes long."""
    bench.note("begun", uuid=event.uuid, issue=event.issue)
    while not (Path(GATE).exists() or Path(f"{GATE}.{event.uuid}").exists()):
        await asyncio.sleep(0.01)
    bench.note("ended", uuid=event.uuid, issue=event.issue)
    return event.model_copy(update={"effect": "done"})


def failed(event: DispatchEvent, exc: BaseException) -> DispatchEvent:
    """What is reported for an effect that outlived its lease."""
    bench.note("failed", uuid=event.uuid, issue=event.issue, reason=repr(exc))
    return event.model_copy(update={"effect": "failed"})


async def report(leased: Leased[DispatchEvent], result: DispatchEvent) -> None:
    """The result is an event like any other."""
    await app.emit(result)


runner: EffectRunner[DispatchEvent, DispatchEvent] = EffectRunner(
    perform, report, failed, limit=int(os.environ.get("SLOTS", "100"))
)


@agent(app, COMPONENT, topics.DISPATCH_EVENTS)
async def effects(received: Received) -> None:
    """`start` and a tick that is due issue the effect; `done` ends it; the rest just passes."""
    event, now = received.message, time.time()
    row: dict[str, Any] | None = rows.get(event.uuid)
    is_due = (
        event.event == "tick" and row is not None and row["due"] and row["due"] - AHEAD_S <= now
    )
    if event.effect == "start" or is_due:
        issue = (row or {"issue": 0})["issue"] + 1
        lease = now + LEASE_S
        rows[event.uuid] = {"issue": issue, "due": lease + MARGIN_S}
        ticks.arm(event.uuid, [lease + MARGIN_S], now)
        effect = DispatchEvent(uuid=event.uuid, event="effect", issue=issue)
        if "INLINE" in os.environ:
            await app.emit(await perform(effect))
        else:
            runner.submit(Leased(event.uuid, effect, lease))
    elif event.effect == "done" and row is not None:
        rows[event.uuid] = row | {"due": None}
        ticks.arm(event.uuid, [], now)
    bench.note("handled", uuid=event.uuid, word=event.effect, kind=event.event)


@app.on_partitions_revoked.connect(weak=False)
async def revoked(*_: Any, **__: Any) -> None:
    """As the dispatcher does it."""
    runner.drop_queued()
    bench.note("revoked", left=[uuid for uuid, _ in rows.items() if uuid in runner])


@app.on_before_shutdown.connect(weak=False)
async def drain(*_: Any, **__: Any) -> None:
    """As the dispatcher does it."""
    bench.note("draining")
    await runner.drain(DRAIN_S)


if __name__ == "__main__":
    bench.run(app)
