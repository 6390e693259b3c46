"""Rules 3, 14, 15 and 15a: tables after a kill -9, after a stop, and on changelogs that changed."""

import asyncio
import itertools
import re
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.broker import Broker
from support.events import event, tick, uuid_number
from support.processes import WorkerProcess
from support.waiting import wait_until

from paas_stream.durable.exits import Exit
from paas_stream.durable.tables import MIB
from paas_stream.topics import DISPATCH_EVENTS, TRACKER_EVENTS

pytestmark = pytest.mark.kafka

INPUTS = (DISPATCH_EVENTS, TRACKER_EVENTS)
UUIDS = [uuid_number(number) for number in range(6)]


async def settled(steps: Any, broker: Broker) -> None:
    """Wait until all that was sent is handled and committed."""
    await wait_until(lambda: broker.is_handled(steps.id, *[steps.topic(name) for name in INPUTS]))


def recovered(steps: Any) -> dict[str, int]:
    """The rows that the last start found in its tables."""
    found: dict[str, int] = steps.journal("recovered")[-1]["rows"]
    return found


async def start_again(worker: WorkerProcess, steps: Any, **env: str) -> None:
    """Start and wait until the tables are there."""
    starts = len(steps.journal("recovered"))
    worker.start(**env)
    await wait_until(lambda: len(steps.journal("recovered")) > starts and worker.is_ready)


def tables_of(worker: WorkerProcess) -> Path:
    """Where a worker keeps its local tables."""
    [found] = Path(worker.environment["PAAS_STATE_DIR"]).glob("workers/*/v*/tables")
    return found


async def test_an_event_that_comes_again_after_a_kill_changes_its_row_once(
    application: Callable[[str], Any], broker: Broker
) -> None:
    async def counts(**env: str) -> list[int]:
        steps = application("steps")
        worker = steps.worker(COMMIT_GATE=str(steps.directory / "gate"), **env).start()
        await wait_until(lambda: worker.is_ready)
        await steps.send(event(UUIDS[0]))
        await wait_until(lambda: steps.journal("confirmed"))  # the row stands on the broker
        worker.kill9()
        assert await steps.committed() == 0

        await start_again(worker, steps, COMMIT_GATE="")
        await settled(steps, broker)
        return [one["count"] for one in steps.journal("handled")]

    assert await asyncio.gather(counts(), counts(BLIND="1")) == [[1, 1], [1, 2]]


async def test_a_row_that_the_broker_does_not_have_is_not_taken_from_the_local_table(
    application: Callable[[str], Any], broker: Broker
) -> None:
    async def rows_after_a_kill(without: str) -> tuple[int, int]:
        steps = application("steps")
        worker = steps.worker(WITHOUT=without, GATE=str(steps.directory / "gate")).start()
        await wait_until(lambda: worker.is_ready)
        await steps.send(event(UUIDS[0]))
        await wait_until(lambda: steps.journal("handled"))  # stored here, and nowhere else
        worker.kill9()

        await start_again(worker, steps, GATE="")
        await settled(steps, broker)
        return len(recovered(steps)), len(await broker.records(steps.changelog))

    # without the guard the event finds its row as it is to be: it never gets to the broker
    found = await asyncio.gather(rows_after_a_kill(""), rows_after_a_kill("wipe"))
    assert found == [(0, 1), (1, 0)]


async def test_tables_are_kept_over_a_stop_and_replayed_when_they_are_lost_or_ahead(
    application: Callable[[str], Any], broker: Broker
) -> None:
    rows = dict.fromkeys(UUIDS, 2)

    async def stopped() -> tuple[Any, WorkerProcess]:
        steps = application("steps")
        worker = steps.worker().start()
        await wait_until(lambda: worker.is_ready)
        for events in (map(event, UUIDS), map(tick, UUIDS)):
            await steps.send(*events)
            await settled(steps, broker)  # so that each row is on its changelog twice
        worker.sigterm()
        assert await worker.exited() == 0
        return steps, worker

    async def kept_then_lost() -> None:
        steps, worker = await stopped()
        await start_again(worker, steps)
        assert recovered(steps) == rows
        assert "Restoring state" not in worker.log
        worker.sigterm()
        assert await worker.exited() == 0

        shutil.rmtree(tables_of(worker))
        await start_again(worker, steps)
        assert recovered(steps) == rows
        assert "Restoring state" in worker.log

    async def ahead() -> None:
        steps, worker = await stopped()
        last = {record.key: record for record in await broker.records(steps.changelog)}
        await broker.delete(steps.changelog)
        await broker.create(steps.changelog, cleanup_policy="compact")
        for record in last.values():
            await broker.send(steps.changelog, record.value, record.key, record.partition)

        assert await worker.start().exited() == Exit.INCONSISTENT
        assert "tables will be replayed from Kafka" in worker.log
        await start_again(worker, steps)
        assert recovered(steps) == rows

    await asyncio.gather(kept_then_lost(), ahead())


@pytest.fixture
async def eager_cleaner(broker: Broker) -> AsyncIterator[None]:
    """The broker's log cleaner, which otherwise looks for work every 15 s."""
    await broker.configure_brokers(log_cleaner_backoff_ms="200")
    yield
    await broker.configure_brokers()


@pytest.mark.usefixtures("eager_cleaner")
async def test_a_changelog_whose_first_records_were_compacted_away_is_replayed(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    eager = {"cleanup_policy": "compact", "segment_ms": "100", "min_cleanable_dirty_ratio": "0.01"}
    await broker.create(steps.changelog, max_compaction_lag_ms="100", **eager)
    worker = steps.worker().start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(*map(event, UUIDS))

    async def is_compacted() -> bool:
        await steps.send(*map(tick, UUIDS))  # a segment is closed only when something follows
        records = await broker.records(steps.changelog)
        heads = {record.partition: record.offset for record in reversed(records)}
        return len(heads) == 2 and all(heads.values())

    await wait_until(is_compacted, 60)
    await settled(steps, broker)
    rows = {one["uuid"]: one["count"] for one in steps.journal("handled")}
    worker.kill9()

    await start_again(worker, steps)
    assert recovered(steps) == rows


async def test_a_worker_refuses_topics_with_another_number_of_partitions(
    application: Callable[[str], Any], broker: Broker
) -> None:
    steps = application("steps")
    topic = steps.topic(DISPATCH_EVENTS)
    await broker.create(topic, partitions=3)
    await broker.create(steps.changelog, partitions=1)
    worker = steps.worker().start()

    assert worker.wait_exit() == Exit.REFUSED
    assert f"topic {topic} has 3 partitions, 2 are needed" in worker.log
    assert f"topic {steps.changelog} has 1 partitions, 2 are needed" in worker.log


async def test_tables_are_small_and_belong_to_one_worker(
    application: Callable[[str], Any],
) -> None:
    steps = application("steps")
    worker = steps.worker().start()
    await wait_until(lambda: worker.is_ready)
    await steps.send(*map(event, UUIDS))
    await wait_until(lambda: len(steps.journal("handled")) == len(UUIDS))
    stores = sorted(tables_of(worker).glob("rows-*.db/LOG"))
    assert len(stores) == 2
    options = {"write_buffer_size": 4 * MIB, "max_open_files": 64, "capacity": 16 * MIB}
    for log, (option, value) in itertools.product(stores, options.items()):
        assert re.search(rf"{option} ?: {value}\b", log.read_text()), (log, option)

    again = steps.worker("again", PAAS_STATE_DIR=worker.environment["PAAS_STATE_DIR"])
    again.environment["PAAS_WEB_WORKER"] = worker.name

    assert again.start().wait_exit() == Exit.REFUSED
    assert "another worker uses" in again.log
    assert worker.is_ready
