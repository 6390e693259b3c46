"""What the applications under test share: a journal, switches, and a page that tells when to begin.

WITHOUT names guards that are left out, by stock parts of Faust put back here: the product has no
such switch. SEEK_S widens the time between Faust's seek at the end of a recovery and its clearing of
the queues: until a queue holds some events, but not for longer than this many seconds. COMMIT_GATE is
a file without which no offset is committed. ROWS_WAIT_S: rows wait that long for newer ones, and no
commit asks for them.
"""

import asyncio
import json
import os
from typing import Any

import faust
from aiohttp import web
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer, Producer
from faust.web import View

from paas_stream.durable import app as durable_app
from paas_stream.durable import changelog
from paas_stream.durable.app import DurableApp
from paas_stream.durable.changelog import ChangelogBuffer
from paas_stream.settings import get_settings

WITHOUT = frozenset(filter(None, os.environ.get("WITHOUT", "").split(",")))
SEEK_S = float(os.environ.get("SEEK_S", "0"))
SOME = 20  # events
COMMIT_GATE = os.environ.get("COMMIT_GATE")
ROWS_WAIT_S = float(os.environ.get("ROWS_WAIT_S", "0"))

settings = get_settings()
_journal = os.open(os.environ["JOURNAL"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def note(what: str, **fields: Any) -> None:
    """Write down what has happened; it outlives a kill -9 of the process and of the machine."""
    entry = {"what": what, "worker": settings.web.worker, **fields}
    os.write(_journal, json.dumps(entry).encode() + b"\n")
    os.fsync(_journal)


class Stock(Producer):
    """Faust's own producer, with what the application asks of its producer."""

    @property
    def client(self) -> Any:
        return self._ensure_producer()


async def _at_once() -> None:
    """Whatever the group says."""


class Bench(DurableApp):
    """The product's application, less the guards in WITHOUT; notes every flush and commit."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if "membership" in WITHOUT:
            self.membership.proven = _at_once

    def _new_producer(self) -> Producer:
        producer = super()._new_producer()
        if "barrier" in WITHOUT:
            producer = Stock(self.transport, loop=self.loop, beacon=self.beacon)
        flush = producer.flush

        async def noted() -> None:
            note("flush")
            await flush()

        producer.flush = noted
        return producer

    def _new_consumer(self) -> Consumer:
        consumer = super()._new_consumer()
        if "paused" in WITHOUT:
            thread = consumer._thread
            thread.getmany = AIOKafkaConsumerThread.getmany.__get__(thread)
            thread._fetch_records = AIOKafkaConsumerThread._fetch_records.__get__(thread)
            consumer._wait_next_records = Consumer._wait_next_records.__get__(consumer)
        seek, commit = consumer.perform_seek, consumer._commit

        async def widened() -> None:
            await seek()
            for _ in range(int(SEEK_S * 100)):
                if max(queue.qsize() for queue in self.flow_control._queues) >= SOME:
                    break
                await asyncio.sleep(0.01)

        async def noted(offsets: Any) -> bool:
            while COMMIT_GATE and not os.path.exists(COMMIT_GATE):
                await asyncio.sleep(0.01)
            note("commit", offsets=[[tp.topic, tp.partition, at] for tp, at in offsets.items()])
            return bool(await commit(offsets))

        consumer._commit, consumer.perform_seek = noted, widened
        return consumer

    def _crash(self, reason: BaseException) -> None:
        if "crash exit" in WITHOUT:
            faust.App._crash(self, reason)
        else:
            super()._crash(reason)


def bench() -> Bench:
    """The application of this process."""
    if "hold" in WITHOUT:
        durable_app.hold_flow_until_resumed = lambda app: None
    if "wipe" in WITHOUT:
        settings.state.dir.joinpath("workers", settings.web.worker).mkdir(
            parents=True, exist_ok=True
        )
        durable_app.LocalTables.open = lambda self: False
    if "end on lost send" in WITHOUT:
        ChangelogBuffer._lost = lambda self, name, exc: None
    app = Bench(
        settings,
        datadir=settings.state.dir / "workers" / settings.web.worker,
        web_host=settings.web.host,
        web_bind=settings.web.host,
        web_port=settings.web.port,
        canonical_url=f"http://{settings.web.host}:{settings.web.port}",
    )

    if ROWS_WAIT_S:
        changelog.PAUSE_S = ROWS_WAIT_S
        app.conf.broker_commit_interval = 3600.0

    if "static member" in WITHOUT:
        app.conf.consumer_group_instance_id = None

    @app.page("/readyz")
    class Readyz(View):
        async def get(self, request: web.Request) -> web.Response:
            reason = app.readiness.reason
            offsets = app.tables.recovery.standby_offsets
            standbys = [[tp.topic, tp.partition, offset] for tp, offset in offsets.items()]
            body = {"message": reason, "standbys": standbys}
            return web.json_response(body, status=503 if reason else 200)

    return app


def run(app: faust.App) -> None:
    """Run a worker, as `paas-stream worker` does."""
    app.finalize()
    faust.Worker(app, loglevel=settings.stream.log_level).execute_from_commandline()
