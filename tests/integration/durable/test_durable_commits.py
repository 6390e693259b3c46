"""Rules 4 and 5: an event is committed only when all that followed from it stands on the broker.

What happens without a guard is tested beside it, at the same time.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.broker import Broker
from support.events import event
from support.waiting import wait_until

from paas_stream.durable.exits import Exit
from paas_stream.topics import DISPATCH_EVENTS

pytestmark = pytest.mark.kafka

EVENTS = 5


async def rows_on_the_broker(broker: Broker, application: Any) -> int:
    return len(await broker.records(application.changelog))


async def is_settled(broker: Broker, application: Any) -> bool:
    return await broker.is_handled(application.id, application.topic(DISPATCH_EVENTS))


async def test_a_commit_waits_until_every_row_is_confirmed(
    application: Callable[[str], Any], broker: Broker, tmp_path: Path
) -> None:
    async def guarded() -> None:
        steps, gate = application("steps"), tmp_path / "guarded gate"
        worker = steps.worker(GATE=str(gate)).start()
        await wait_until(lambda: worker.is_ready)
        await steps.send(*[event() for _ in range(EVENTS)])

        def waits_at_the_barrier() -> bool:
            whats = [entry["what"] for entry in steps.journal()]
            return whats.count("handled") == EVENTS and "flush" in whats[whats.index("handled") :]

        await wait_until(waits_at_the_barrier)
        worker.kill9()
        assert await steps.committed() == 0

        gate.touch()
        worker.start()
        await wait_until(lambda: is_settled(broker, steps))
        assert await rows_on_the_broker(broker, steps) == EVENTS

    async def without() -> None:
        steps, gate = application("steps"), tmp_path / "gate that stays closed"
        worker = steps.worker(WITHOUT="barrier", GATE=str(gate)).start()
        await wait_until(lambda: worker.is_ready)
        await steps.send(*[event() for _ in range(EVENTS)])
        await wait_until(lambda: is_settled(broker, steps))
        worker.kill9()

        assert await steps.committed() == EVENTS
        assert await rows_on_the_broker(broker, steps) == 0  # gone, and nothing comes again

    await asyncio.gather(guarded(), without())


async def test_a_refused_row_ends_the_process_before_its_event_is_committed(
    application: Callable[[str], Any], broker: Broker
) -> None:
    async def refused(without: str) -> tuple[Any, Any]:
        steps = application("steps")
        await broker.create(steps.changelog, max_message_bytes="10000")
        worker = steps.worker(WITHOUT=without).start()
        await wait_until(lambda: worker.is_ready)
        await steps.send(event(word="padded"))
        return steps, worker

    async def guarded(without: str, code: Exit) -> None:
        steps, worker = await refused(without)
        assert await worker.exited() == code
        assert await steps.committed() == 0

        await broker.configure(steps.changelog)
        worker.start()
        await wait_until(lambda: is_settled(broker, steps))
        assert await rows_on_the_broker(broker, steps) == 1

    async def without_both() -> None:
        steps, _ = await refused("barrier,end on lost send")
        await wait_until(lambda: is_settled(broker, steps))
        assert await rows_on_the_broker(broker, steps) == 0
        assert await steps.errors() == []

    await asyncio.gather(
        guarded("", Exit.LOST_SEND),
        guarded("end on lost send", Exit.CRASHED),  # the barrier alone
        without_both(),
    )


async def test_a_crash_does_not_commit_the_event_in_flight(
    application: Callable[[str], Any],
) -> None:
    async def crashed(without: str) -> tuple[Any, Any]:
        steps = application("steps")
        worker = steps.worker(WITHOUT=without).start()
        await wait_until(lambda: worker.is_ready)
        await steps.send(event(word="crash"))
        return steps, worker

    async def guarded(without: str) -> None:
        steps, worker = await crashed(without)
        assert await worker.exited() == Exit.CRASHED
        assert await steps.committed() == 0

        worker.start()  # it comes again
        assert await worker.exited() == Exit.CRASHED
        assert len(steps.journal("begin")) == 2

    async def without_both() -> None:
        steps, worker = await crashed("decorator,crash exit")
        await wait_until(lambda: steps.journal("commit"))  # then it may take long to end
        worker.kill9()
        assert steps.journal("handled") == []
        # Faust commits it, and succeeds unless its consumer was quicker to stop
        assert [offset for entry in steps.journal("commit") for *_, offset in entry["offsets"]] == [
            1
        ]

    await asyncio.gather(guarded(""), guarded("crash exit"), without_both())


async def test_a_worker_that_is_asked_to_stop_finishes_and_commits_its_event(
    application: Callable[[str], Any],
) -> None:
    steps = application("steps")
    worker = steps.worker(HANDLER_S="1").start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(event())
    await wait_until(lambda: steps.journal("begin"))
    worker.sigterm()

    assert worker.wait_exit() == 0
    assert len(steps.journal("handled")) == 1
    assert await steps.committed() == 1
