"""A consumer that leaves paused partitions alone, and answers questions about offsets soon.

Faust hands the set of active partitions to the thread that fetches, and goes on changing it. When the
last one is paused at the end of a recovery, the set is empty, and empty means all: the thread takes
records of partitions that are paused, and Faust drops them. What was dropped is fetched again only
from partitions with a committed offset, and not always there. So events were lost, and records of
standby tables, for ever. It also looks, when a fetch returns, which partitions are active by then, and
drops the records of all others, though the fetch was asked for them and the position has moved on.
"""

import asyncio
import time
import types
from collections.abc import Coroutine, Generator, Iterable
from functools import partial
from typing import Any

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from mode.services import WaitResults

from paas_stream.durable.fetch_plan import FetchPlan
from paas_stream.durable.fetch_sessions import SessionClient

# How long the broker keeps a fetch that finds nothing. Faust says 1500, and everything else that is
# asked of that broker waits behind the fetch: twice at each recovery, and at each wait for an agent.
FETCH_WAIT_MS = 200

# How long the client waits for a partition's records to be taken before it fetches from the others of
# that broker. It says 0.1, which is the latency of a hop whenever two topics are busy at once.
FETCH_AGAIN_S = 0.01

# The shortest time between two takings of records: without a pace there is a fetch for each record, and
# even an incremental one costs most of a millisecond at either end.
PACE_S = 0.01
BUSY_PACE_S = 0.015  # while more comes than the agents are likely to handle meanwhile
BUSY = 16  # records


class DurableConsumerThread(AIOKafkaConsumerThread):
    """The thread in which the consumer lives."""

    _assigned: Any = None  # the client's own set, made anew with each assignment
    _as_faust: set[Any]
    _fetching: tuple[Any, frozenset[Any] | None] = (None, None)  # assigned and active partitions
    _taken_at = 0.0  # monotonic seconds
    _pace_s = PACE_S
    _plan: FetchPlan

    async def getmany(self, active_partitions: Iterable[Any] | None, *options: Any) -> Any:
        """Fetch from the partitions that are active now, whatever is paused meanwhile."""
        asked = None if active_partitions is None else frozenset(active_partitions)
        return await super().getmany(asked, *options)

    async def _fetch_records(
        self, consumer: Any, active_partitions: Any, *args: Any, **kwargs: Any
    ) -> Any:
        self._pause_others(consumer, active_partitions)
        await asyncio.sleep(max(0.0, self._taken_at + self._pace_s - time.monotonic()))
        records = await super()._fetch_records(consumer, active_partitions, *args, **kwargs)
        self._taken_at = time.monotonic()
        busy = sum(map(len, records.values())) >= BUSY if records else False
        self._pace_s = BUSY_PACE_S if busy else PACE_S
        return records

    def _pause_others(self, consumer: Any, active: frozenset[Any] | None) -> None:
        """Let the client fetch from active partitions only: Faust merely leaves the others' records."""
        assigned = consumer.assignment()
        if assigned is self._fetching[0] and active == self._fetching[1]:
            return
        wanted = assigned if active is None else {one for one in assigned if one in active}
        paused = consumer.paused()
        consumer.resume(*(paused & wanted))
        consumer.pause(*(assigned - wanted - paused))
        self._plan.wake()
        self._fetching = assigned, None if active is None else frozenset(active)

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = FETCH_WAIT_MS
        return consumer

    async def on_start(self) -> None:
        """Start; the client has no option for what is set here."""
        await super().on_start()
        fetcher = self._ensure_consumer()._fetcher
        fetcher._prefetch_backoff = FETCH_AGAIN_S
        fetcher._client = SessionClient(fetcher._client)
        self.add_future(self.app.pulse.run())
        self.app.membership.watch(self._ensure_consumer()._coordinator)
        self._plan = fetcher._get_actions_per_node = FetchPlan(fetcher)

    def assignment(self) -> set[Any]:
        """The assigned partitions; Faust asks for them once per partition in each commit."""
        assigned = self._ensure_consumer().assignment()
        if assigned is not self._assigned:
            self._assigned, self._as_faust = assigned, super().assignment()
        return self._as_faust


class DurableConsumer(Consumer):
    """Faust's consumer with that thread, which does not wait for what will never come."""

    async def wait_empty(self) -> None:
        """At a stop and in each rebalance: wait for the records that agents are working on.

        Faust waits until each record that was taken is acknowledged by all its readers. But it clears
        their queues before: what one agent has taken and another has not is never acknowledged. It
        comes again, to all of them, from the committed offset.
        """
        while not self.should_stop and self._unacked_messages and self._is_at_work():
            await self._wait_for_ack(timeout=1)
        await self.commit_and_end_transactions()
        # A commit that was under way may have been asked before the last rows were stored. They must
        # not come after those of the partition's next owner.
        await self.app.producer.flush()

    async def wait_first(self, *waits: Any, **options: Any) -> Any:
        """Called for every record: with its hand-over to the agents, and with what would end the wait.

        Faust makes four tasks of it. A hand-over waits for an agent's full queue only.
        """
        first, *others = waits
        if not options and asyncio.iscoroutine(first):
            try:
                waited = first.send(None)
            except StopIteration as done:
                for one in filter(asyncio.iscoroutine, others):
                    one.close()
                return WaitResults([first], [done.value], False)
            first = _resumed(first, waited)
        return await super().wait_first(first, *others, **options)

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109 - as Faust calls it
        """Whatever a fetch was asked for is handed on, also of a partition that was paused meanwhile."""
        records, active = await super()._wait_next_records(timeout)
        return records, active if active is None else frozenset(records or ())

    def _is_at_work(self) -> bool:
        return any(box.is_agent and box.working for box in self.app.boxes)

    def _new_consumer_thread(self) -> DurableConsumerThread:
        return DurableConsumerThread(self, loop=self.loop, beacon=self.beacon)


async def _resumed(begun: Coroutine[Any, Any, Any], waited: Any) -> Any:
    """The rest of a coroutine that has begun, and waits for `waited`."""
    return await _rest(begun, waited)


@types.coroutine
def _rest(begun: Coroutine[Any, Any, Any], waited: Any) -> Generator[Any, Any, Any]:
    while True:
        try:
            value = yield waited
        except BaseException as exc:  # noqa: BLE001 - it is the coroutine's, whatever it is
            step = partial(begun.throw, exc)
        else:
            step = partial(begun.send, value)
        try:
            waited = step()
        except StopIteration as done:
            return done.value
