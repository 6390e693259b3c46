"""A worker is a static member of its group: while it is restarted, the others go on undisturbed."""

import asyncio
import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.broker import Broker
from support.events import event, uuid_number
from support.waiting import wait_until

from paas_stream.durable.exits import Exit
from paas_stream.topics import DISPATCH_EVENTS

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PATIENCE_S = 150.0  # four workers and the broker on a busy machine

LONG = {"PAAS_KAFKA_SESSION_TIMEOUT_S": "30"}  # longer than a restart


async def test_a_worker_that_comes_back_gets_its_partitions_and_disturbs_nobody(
    application: Callable[[str], Any],
) -> None:
    async def recoveries_of_the_other(without: str) -> int:
        steps = application("steps")
        await steps.create_topics()
        settings = LONG if not without else {"PAAS_KAFKA_SESSION_TIMEOUT_S": "6"}
        other, restarted = [
            steps.worker(name, WITHOUT=without, **settings).start() for name in ("w0", "w1")
        ]

        def of_the_other() -> int:
            return sum(1 for one in steps.journal("recovered") if one["worker"] == other.name)

        await wait_until(lambda: _share_the_partitions(steps), 60)
        before = of_the_other()
        for stop in (restarted.kill9, lambda: restarted.sigterm() or restarted.wait_exit()):
            await asyncio.to_thread(stop)
            restarted.start()
            await wait_until(lambda: restarted.is_ready, 60)
        uuids = list(map(uuid_number, range(10)))
        await steps.send(*map(event, uuids))
        await wait_until(
            lambda: {one["uuid"] for one in steps.journal("handled")} == set(uuids), PATIENCE_S
        )
        assert {one["worker"] for one in steps.journal("handled")} == {"w0", "w1"}
        return of_the_other() - before

    static, dynamic = await asyncio.gather(
        recoveries_of_the_other(""), recoveries_of_the_other("static member")
    )
    assert static == 0
    assert dynamic > 0


async def test_a_worker_that_stood_still_ends_before_it_overwrites_what_others_have_stored(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps, uuid = application("steps"), uuid_number(1)
    await steps.create_topics()
    frozen, other = [steps.worker(name) for name in ("w0", "w1")]
    frozen.start(ROWS_WAIT_S="3")
    await wait_until(lambda: frozen.is_ready)
    await steps.send(event(uuid))
    await wait_until(lambda: steps.journal("handled"))
    frozen.child.send_signal(signal.SIGSTOP)  # its row still waits for a newer one
    other.start()
    await wait_until(lambda: [one["worker"] for one in steps.journal("handled")][1:] == ["w1"])
    await steps.send(event(uuid))
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)))
    frozen.child.send_signal(signal.SIGCONT)
    assert await frozen.exited() == Exit.STOOD_STILL
    [*_, last] = await broker.records(steps.changelog)
    assert json.loads(last.value)["count"] == 2


@pytest.mark.parametrize("guarded", [True, False])
async def test_a_worker_whose_heartbeats_get_no_answer_sends_nothing_more(
    application: Callable[[str], Any], broker: Broker, tmp_path: Path, *, guarded: bool
) -> None:
    steps, uuid, deaf_file = application("steps"), uuid_number(1), tmp_path / "deaf"
    await steps.create_topics()
    session = {"PAAS_KAFKA_SESSION_TIMEOUT_S": "6", "DEAF": str(deaf_file)}
    deaf, other = [steps.worker(name) for name in ("w0", "w1")]
    deaf.start(BLIND="", **session, WITHOUT="" if guarded else "membership")
    await wait_until(lambda: deaf.is_ready)
    await steps.send(event(uuid))
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)), PATIENCE_S)
    deaf_file.touch()
    other.start(BLIND="", PAAS_KAFKA_SESSION_TIMEOUT_S="6")
    await wait_until(lambda: other.is_ready, PATIENCE_S)
    await steps.send(event(uuid))  # both read it
    await wait_until(
        lambda: {one["worker"] for one in steps.journal("handled")} == {"w0", "w1"}, PATIENCE_S
    )
    if guarded:
        assert await deaf.exited() == Exit.LOST_MEMBERSHIP
    await wait_until(lambda: broker.is_handled(steps.id, steps.topic(DISPATCH_EVENTS)), PATIENCE_S)
    counts = [json.loads(one.value)["count"] for one in await broker.records(steps.changelog)]
    assert counts == ([1, 2] if guarded else [1, 2, 2])


def _share_the_partitions(steps: Any) -> bool:
    """Whether each worker has recovered with the other in the group."""
    last = {one["worker"]: one["assigned"] for one in steps.journal("recovered")}
    return list(last.values()) == [1, 1]
