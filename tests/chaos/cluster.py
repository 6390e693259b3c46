"""Three workers, a real Kafka and a real IM behind the proxy, and what can be done to them."""

import asyncio
import json
import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from chaos.im_proxy import ImProxy
from chaos.schedule import CLOCK_MOST_S, Fault, Kind
from support.ports import free_port
from support.processes import WorkerProcess

from paas_stream import topics
from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
SKEWED = ROOT / "tests" / "support" / "skewed_worker.py"
SESSION_S = 10.0
FREEZE_S = SESSION_S + 5
MODE_S = 6.0  # a fault of the IM lasts this long
READY_S = 120.0
PARTITIONS = 6
_PROBE = aiohttp.ClientTimeout(total=2)
_MIXED = 20  # records that are sent again at once
_INPUTS = (
    topics.TEMPLATE,
    topics.VALIDATED_TEMPLATES,
    topics.INFERENCE,
    topics.RANKED_PROVIDERS,
    topics.DISPATCH_EVENTS,
    topics.DEPLOYMENT_RESULTS,
    topics.DEPLOYMENT_COMMANDS,
)


class Cluster:
    """`async with`: all of it starts, and ends with it. Workers that end by themselves come back."""

    def __init__(self, folder: Path, workers: int) -> None:
        self.folder = folder
        self.settings = Settings(
            state={"dir": folder / "services"},
            kafka={"url": None, "port": free_port(2)},
            im={"url": None, "port": free_port()},
        )
        self.kafka = EmbeddedKafka(self.settings)
        self.im = EmbeddedIm(self.settings)
        self.proxy = ImProxy(free_port(), self.settings.im.endpoint)
        self.workers = [self._worker(f"worker-{number}") for number in range(workers)]
        self.recoveries: list[float] = []  # seconds from the start of a process to ready
        self.ended: Counter[str] = Counter()  # workers that ended by themselves, by exit code
        self.injected: Counter[Kind] = Counter()
        self.im_killed: list[float] = []  # seconds since the epoch
        self._held: set[str] = set()  # workers that are down or frozen on purpose
        self._starting: dict[str, float] = {}
        self._broker = asyncio.Lock()  # it is not asked while it is restarted
        self._im = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def _worker(self, name: str) -> WorkerProcess:
        settings = {
            "PAAS_STATE_DIR": str(self.folder / "state"),
            "PAAS_STREAM_ID": "chaos",
            "PAAS_STREAM_PARTITIONS": str(PARTITIONS),
            "PAAS_KAFKA_SESSION_TIMEOUT_S": str(SESSION_S),
            "PAAS_KAFKA_HEARTBEAT_S": "2",
            "PAAS_IM_URL": self.proxy.url,
            "PAAS_IM_CALL_TIMEOUT_S": "5",
            "PAAS_DISPATCH_CALL_MARGIN_S": "1",
            # three workers that ask as often as they may leave the IM no time to create anything
            "PAAS_DISPATCH_POLL_MIN_S": "0.5",
            "PAAS_DISPATCH_POLL_MAX_S": "10",
            "PAAS_DISPATCH_POLLS_PER_S": "6",
            "PAAS_DISPATCH_RETRY_MAX_S": "4",
            # the IM is slow, down and overloaded on purpose: a machine that appears late is no failure
            "PAAS_DISPATCH_PENDING_S": "600",
            "PAAS_DISPATCH_UNKNOWN_S": "600",
            "PAAS_DISPATCH_RECHECK_S": "1",
            # an IM that was killed forgets what it was at; more than all clocks differ by
            "PAAS_DISPATCH_RECONFIGURE_TIMEOUT_S": "300",
            "PAAS_DISPATCH_BREAKER_OPEN_S": "5",
            "PAAS_DISPATCH_INSPECT_PER_S": "2",
            "PAAS_DISPATCH_INSPECT_PAUSE_S": "10",
            "PAAS_TRACKER_RETENTION_S": "86400",
            "PAAS_RANKER_MIN_ATTEMPTS": "1000000",  # attempts of one run must not change its order
            "PAAS_TRAINER_INTERVAL_S": "0",
            "PAAS_FEEDER_FILES": json.dumps([str(ROOT / "examples" / "federation.yaml")]),
            "DEMO_UNREACHABLE_USERNAME": "nobody",
            "DEMO_UNREACHABLE_PASSWORD": "nothing",
        }
        program = [str(SKEWED), str(self.folder / f"{name}.clock")]
        kafka = self.settings.kafka.bootstrap
        return WorkerProcess(name, self.folder, kafka, settings, program)

    async def __aenter__(self) -> Self:
        try:
            await self._begin()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _begin(self) -> None:
        self._session = aiohttp.ClientSession()
        await self.proxy.__aenter__()
        await asyncio.gather(asyncio.to_thread(self.kafka.start), asyncio.to_thread(self.im.start))
        for worker in self.workers:
            self._start(worker)
        await self.until_ready()
        self._spawn(self._supervise())

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for worker in self.workers:
            if worker.is_running:
                worker.child.send_signal(signal.SIGCONT)
                worker.kill9()
        await self._session.close()
        await self.proxy.__aexit__()
        await asyncio.to_thread(self.im.stop)
        await asyncio.to_thread(self.kafka.stop)

    def _spawn(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)

    def _start(self, worker: WorkerProcess) -> None:
        worker.start()
        self._held.discard(worker.name)
        self._starting[worker.name] = time.monotonic()

    async def is_ready(self, worker: WorkerProcess) -> bool:
        """Whether /readyz says so."""
        return worker.is_running and await self._status(worker) == 200

    async def _status(self, worker: WorkerProcess) -> int:
        url = f"http://127.0.0.1:{worker.port}/readyz"
        try:
            async with self._session.get(url, timeout=_PROBE) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return 0

    async def until_ready(self) -> None:
        """Wait until every worker is ready. Raises TimeoutError."""
        async with asyncio.timeout(READY_S):
            for worker in self.workers:
                while not await self.is_ready(worker):
                    await asyncio.sleep(0.2)

    async def _supervise(self) -> None:
        """As Kubernetes: start what has ended by itself, and note how long recoveries take."""
        while True:
            for worker in self.workers:
                if worker.name in self._held:
                    continue
                if not worker.is_running:
                    self.ended[str(worker.child.returncode)] += 1
                    self._start(worker)
                begun = self._starting.get(worker.name)
                if begun is not None and await self.is_ready(worker):
                    self.recoveries.append(time.monotonic() - begun)
                    self._starting.pop(worker.name, None)
            await asyncio.sleep(0.2)

    async def inject(self, fault: Fault) -> None:
        """Let one fault happen, to its end."""
        worker = self.workers[fault.worker]
        while worker.name in self._held:
            worker = self.workers[(self.workers.index(worker) + 1) % len(self.workers)]
        self.injected[fault.kind] += 1
        match fault.kind:
            case Kind.KILL:
                await self._kill(worker)
            case Kind.TERMINATE:
                await self._terminate(worker)
            case Kind.KILL_IN_RECOVERY:
                await self._kill(worker)
                await self._until_recovering(worker)
                await self._kill(worker)
            case Kind.KILL_IN_REBALANCE:
                await self._kill(worker)
                await self._until_recovering(worker)
                other = self.workers[(self.workers.index(worker) + 1) % len(self.workers)]
                await self._kill(other)
            case Kind.FREEZE:
                await self._freeze(worker)
            case Kind.LOSE_DATA:
                await self._kill(worker, lose_data=True)
            case Kind.BROKER:
                async with self._broker:
                    await self._restart(self.kafka)
            case Kind.IM_KILL:
                self.im_killed.append(time.time())
                async with self._im:
                    await self._restart(self.im)
            case Kind.DUPLICATE | Kind.REORDER:
                async with self._broker:
                    await self._send_again(fault.dice, in_order=fault.kind is Kind.DUPLICATE)
            case Kind.CLOCK:
                offset = random.Random(fault.dice).uniform(-CLOCK_MOST_S, CLOCK_MOST_S)
                (self.folder / f"{worker.name}.clock").write_text(f"{offset:.3f}")
            case _:
                self.proxy.mode = fault.kind
                await asyncio.sleep(MODE_S)
                self.proxy.mode = None

    async def heal(self) -> None:
        """End all faults and wait until every worker is ready."""
        self.proxy.mode = None
        for worker in self.workers:
            (self.folder / f"{worker.name}.clock").write_text("0")
        await self.until_ready()

    async def _kill(self, worker: WorkerProcess, *, lose_data: bool = False) -> None:
        if worker.name in self._held:
            return
        self._held.add(worker.name)
        await asyncio.to_thread(worker.kill9)
        if lose_data:
            data = self.folder / "state" / "workers" / worker.name
            await asyncio.to_thread(shutil.rmtree, data)
        self._start(worker)

    async def _terminate(self, worker: WorkerProcess) -> None:
        if worker.name in self._held or not worker.is_running:
            return
        self._held.add(worker.name)
        worker.sigterm()
        try:
            await asyncio.to_thread(worker.wait_exit, 60)
        except AssertionError:
            self.ended["60 s after SIGTERM"] += 1
            await asyncio.to_thread(worker.kill9)  # as Kubernetes does
        self._start(worker)

    async def _freeze(self, worker: WorkerProcess) -> None:
        if worker.name in self._held or not worker.is_running:
            return
        self._held.add(worker.name)
        worker.child.send_signal(signal.SIGSTOP)
        await asyncio.sleep(FREEZE_S)
        worker.child.send_signal(signal.SIGCONT)
        self._held.discard(worker.name)

    async def _until_recovering(self, worker: WorkerProcess) -> None:
        """Wait until the web server answers, which it does before tables are there."""
        async with asyncio.timeout(READY_S):
            while worker.is_running and await self._status(worker) == 0:
                await asyncio.sleep(0.1)

    async def _restart(self, service: EmbeddedKafka | EmbeddedIm) -> None:
        pid = service.process.pid()
        if pid is not None:
            os.kill(pid, signal.SIGKILL)
        while service.process.pid() is not None:
            await asyncio.sleep(0.05)
        await asyncio.to_thread(service.start)

    async def _send_again(self, dice: int, *, in_order: bool) -> None:
        """Append records of the past once more, as a producer does whose confirmation was lost."""
        rng = random.Random(dice)
        names = list(_INPUTS) if not in_order else rng.sample(_INPUTS, 3)
        bootstrap = self.settings.kafka.bootstrap
        consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        await consumer.start()
        await producer.start()
        try:
            found = [one for name in names for one in await _last(consumer, name)]
            again = rng.sample(found, min(_MIXED, len(found)))
            if in_order:
                again.sort(key=lambda one: (one.topic, one.partition, one.offset))
            for one in again:
                await producer.send_and_wait(
                    one.topic, one.value, key=one.key, partition=one.partition
                )
        finally:
            await producer.stop()
            await consumer.stop()


async def _last(consumer: AIOKafkaConsumer, topic: str) -> list[Any]:
    """Some of the newest records of each partition."""
    places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    for place, end in ends.items():
        consumer.seek(place, max(0, end - 10))
    found: list[Any] = []
    async with asyncio.timeout(20):
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                found += batch
    return found
