"""Rules 4 and 5: an event is committed only when all that followed from it stands on the broker."""

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


async def test_a_commit_waits_until_every_row_is_confirmed(
    application: Callable[[str], Any], broker: Broker, tmp_path: Path
) -> None:
    steps, gate = application("steps"), tmp_path / "gate"
    worker = steps.worker(GATE=str(gate)).start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(*[event() for _ in range(EVENTS)])
    await wait_until(lambda: len(steps.journal("handled")) == EVENTS)
    flushes = len(steps.journal("flush"))
    await wait_until(lambda: len(steps.journal("flush")) > flushes)  # a commit waits at the barrier
    worker.kill9()
    assert await steps.committed() == 0

    gate.touch()
    worker.start()
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))
    assert await rows_on_the_broker(broker, steps) == EVENTS
    whats = [entry["what"] for entry in steps.journal()]
    assert whats.index("commit") > max(i for i, what in enumerate(whats) if what == "confirmed")


async def test_without_the_barrier_a_kill_loses_rows_whose_events_are_committed(
    application: Callable[[str], Any], broker: Broker, tmp_path: Path
) -> None:
    steps, gate = application("steps"), tmp_path / "gate"
    worker = steps.worker(WITHOUT="barrier", GATE=str(gate)).start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(*[event() for _ in range(EVENTS)])
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))
    worker.kill9()

    assert await steps.committed() == EVENTS
    assert await rows_on_the_broker(broker, steps) == 0


@pytest.mark.parametrize(
    ("without", "code"), [("", Exit.LOST_SEND), ("end on lost send", Exit.CRASHED)]
)
async def test_a_refused_row_ends_the_process_before_its_event_is_committed(
    application: Callable[[str], Any], broker: Broker, without: str, code: Exit
) -> None:
    steps = application("steps")
    await broker.create(steps.changelog, max_message_bytes="10000")
    worker = steps.worker(WITHOUT=without).start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(event(word="padded"))

    assert worker.wait_exit() == code
    assert await steps.committed() == 0

    await broker.configure(steps.changelog)
    worker.start()
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))
    assert await rows_on_the_broker(broker, steps) == 1


async def test_without_both_guards_a_refused_row_is_lost_with_its_event(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    await broker.create(steps.changelog, max_message_bytes="10000")
    worker = steps.worker(WITHOUT="barrier,end on lost send").start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(event(word="padded"))

    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))
    assert await rows_on_the_broker(broker, steps) == 0
    assert await steps.errors() == []


@pytest.mark.parametrize("without", ["", "crash exit"], ids=["both guards", "the decorator's"])
async def test_a_crash_does_not_commit_the_event_in_flight(
    application: Callable[[str], Any], without: str
) -> None:
    steps = application("steps")
    worker = steps.worker(WITHOUT=without).start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(event(word="crash"))

    assert worker.wait_exit() == Exit.CRASHED
    assert await steps.committed() == 0

    worker.start()  # it comes again
    assert worker.wait_exit() == Exit.CRASHED
    assert len(steps.journal("begin")) == 2


async def test_without_both_guards_a_crash_commits_the_event_in_flight(
    application: Callable[[str], Any],
) -> None:
    steps = application("steps")
    worker = steps.worker(WITHOUT="decorator,crash exit").start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(event(word="crash"))

    worker.wait_exit()
    assert steps.journal("handled") == []
    assert await steps.committed() == 1


async def test_a_worker_that_is_asked_to_stop_finishes_and_commits_its_event(
    application: Callable[[str], Any],
) -> None:
    steps = application("steps")
    worker = steps.worker(HANDLER_S="2").start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(event())
    await wait_until(lambda: steps.journal("begin"))
    worker.sigterm()

    assert worker.wait_exit() == 0
    assert len(steps.journal("handled")) == 1
    assert await steps.committed() == 1
