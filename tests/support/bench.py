"""The application's agents in this process: no broker, tables in memory, all that happens is noted.

A record goes through Faust's own stream and through the decorator of all agents. What follows stands
in `journal` in the order in which it happened: sends, rows stored, effects issued, the acknowledgement.
"""

import asyncio
import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

import faust
import orjson
import pytest
from aiokafka.errors import MessageSizeTooLargeError
from faust.stores.memory import Store
from faust.tables.base import Collection
from faust.types import TP
from faust.types.tuples import ConsumerMessage
from support.lifecycle import T0

from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable import agents as decorator
from paas_stream.durable import app as durable_app
from paas_stream.durable.positions import Positions
from paas_stream.lifecycle.attempt import Effect
from paas_stream.records import ErrorRecord, Message
from tables import readers
from tables.rows import forget_recent

HANDLED_S = 10.0  # a record that is not acknowledged within this is lost
OWN_TIME = {"timestamp", "duration_s"}  # fields that no two runs have in common

M = TypeVar("M", bound=Message)


@dataclass(frozen=True)
class Sent:
    """A message as its readers get it."""

    message: Message
    key: str


@dataclass(frozen=True)
class Stored:
    """A row as the changelog has it; None: it was deleted."""

    table: str
    key: str
    value: Any


@dataclass(frozen=True)
class Acknowledged:
    """An event that will not come again."""

    offset: int


class Over:
    """Nothing that stood in the topics before is left; or, with `left`, something is."""

    def __init__(self) -> None:
        self.left = False

    async def is_over(self, timeout_s: float) -> bool:
        return not self.left


@dataclass
class Ready:
    """What agents and views ask of the worker's readiness."""

    tables_ready: bool = True
    broker: str | None = None
    catalog: str | None = None
    reason: str | None = None


@dataclass
class _Consumer:
    """What Faust asks of the Kafka consumer."""

    assigned: set[TP] = field(default_factory=set)
    _unacked_messages: set[Any] = field(default_factory=set)

    def ack(self, message: Any) -> bool:
        message.acked = True
        return True

    def topic_partitions(self, topic: str) -> None:
        return None

    def assignment(self) -> set[TP]:
        return self.assigned


class _Record(ConsumerMessage):
    """A record that tells when Faust acknowledges it."""

    def __init__(self, on_acknowledged: Callable[[int], None], **fields: Any) -> None:
        self._acked = False
        self._on_acknowledged = on_acknowledged
        super().__init__(**fields)

    @property
    def acked(self) -> bool:
        return self._acked

    @acked.setter
    def acked(self, value: bool) -> None:
        if value and not self._acked:
            self._on_acknowledged(self.offset)
        self._acked = value


class _Producer:
    """All topics have one partition."""

    def __init__(self) -> None:
        self.client = self.buffer = self
        self._followed: list[Any] = []

    def follow(self, message: asyncio.Future[None]) -> None:
        self._followed.append(message)

    async def settled(self) -> None: ...

    async def partitions_for(self, topic: str) -> set[int]:
        return {0}

    def key_partition(self, topic: str, key: bytes) -> TP:
        return TP(topic, 0)


class _Outlet:
    """A topic that takes everything but what the bench is told to refuse."""

    def __init__(self, bench: "Bench", spec: topics.TopicSpec) -> None:
        self._bench = bench
        self._spec = spec

    def get_topic_name(self) -> str:
        return self._spec.broker_name(app.settings)

    async def send(self, *, key: bytes, value: bytes) -> asyncio.Future[None]:
        if self._spec.model in self._bench.refused:
            raise MessageSizeTooLargeError
        self._bench.journal.append(Sent(self._spec.model.decode(value), key.decode()))
        confirmed = asyncio.get_running_loop().create_future()
        confirmed.set_result(None)
        return confirmed


@dataclass
class Clock:
    """Stands for the module `time`; seconds since the epoch."""

    now: float = T0 + 1.0

    def time(self) -> float:
        return self.now

    monotonic = time


@dataclass(frozen=True)
class Issued:
    """An effect that the dispatcher has issued."""

    effect: Effect
    lease_until: float


class Runner:
    """In the place of the effect runner: effects are noted in the journal, none is carried out."""

    def __init__(self, journal: list[Any]) -> None:
        self.journal = journal
        self.dropped = 0
        self.waiting = 0  # effects

    def submit(self, leased: Any) -> bool:
        self.journal.append(Issued(leased.effect, leased.lease_until))
        return True

    def drop_queued(self) -> None:
        self.dropped += 1

    def issued(self) -> list[Effect]:
        """All effects so far."""
        return [one.effect for one in self.journal if isinstance(one, Issued)]


class Bench:
    """Hands records to agents; one for each test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.journal: list[Any] = []
        self.refused: set[type[Message]] = set()  # messages that are too large for the broker
        self.ready = Ready()
        self.consumer = _Consumer()
        self._acknowledged = asyncio.Event()
        self._offset = 0
        outlets = {
            spec.model: _Outlet(self, spec)
            for spec in topics.TOPICS.values()
            if spec.model is not Message
        }
        patch.setattr(app, "outlets", outlets)
        patch.setattr(app, "_consumer", self.consumer)
        patch.setattr(app, "_producer", _Producer())
        patch.setattr(app, "readiness", self.ready)
        patch.setattr(app, "positions", Positions())
        patch.setattr(app, "takeover", Over())
        patch.setattr(Collection, "send_changelog", self._changelog())
        for module in (decorator, durable_app):
            patch.setattr(module, "end_process", self._ended)
        for table in app.tables.values():
            patch.setattr(table, "_data", Store("memory://", app, table, table_name=table.name))
        forget_recent()
        for reader in readers._readers:
            reader.forget_all()
            reader._logged.clear()

    async def give(
        self,
        agent: Any,
        message: Message | bytes | None,
        *,
        topic: str | None = None,
        key: str | None = None,
        at: float = 0.0,
        offset: int | None = None,
    ) -> list[Message]:
        """One record, until it is acknowledged; what was sent meanwhile.

        A message goes to its own topic under its own key. `at` is the broker's time; a replay is a
        record with an `offset` that has been given before.
        """
        if isinstance(message, Message):
            topic = topic or next(
                s.name for s in topics.TOPICS.values() if s.model is type(message)
            )
            key = key if key is not None else getattr(message, "uuid", None)
            message = message.encode()
        assert topic is not None
        self._offset = self._offset + 1 if offset is None else offset
        before = len(self.journal)
        await self._through(agent, self._event(topics.TOPICS[topic], key, message, at))
        return [one.message for one in self.journal[before:] if isinstance(one, Sent)]

    async def run(self, timer: Any) -> list[Message]:
        """One turn of a timer; what was sent meanwhile."""
        before = len(self.journal)
        await inspect.unwrap(timer)()
        return [one.message for one in self.journal[before:] if isinstance(one, Sent)]

    @property
    def last_offset(self) -> int:
        """That of the record that was given last."""
        return self._offset

    def sent(self, kind: type[M]) -> list[M]:
        """All messages of a type so far."""
        found = (one.message for one in self.journal if isinstance(one, Sent))
        return [one for one in found if isinstance(one, kind)]

    def error(self) -> ErrorRecord:
        """The only record in `errors`."""
        (found,) = self.sent(ErrorRecord)
        return found

    def order(self) -> list[str]:
        """The journal in words: what was sent, stored and issued."""
        return [
            one.table if isinstance(one, Stored) else type(getattr(one, "message", one)).__name__
            for one in self.journal
        ]

    def rows(self, table: str) -> dict[str, Any]:
        """All rows of a table."""
        return {key: _decoded(value) for key, value in app.tables[table].data.items()}

    def spoil(self, table: str, key: str) -> None:
        """A row becomes one that cannot be read, or there is such a one."""
        found = app.tables[table]
        found.data[key] = b"[]" if found.value_type is bytes else []
        forget_recent()

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """All tables as they are now."""
        return {name: copy.deepcopy(dict(table.data)) for name, table in app.tables.items()}

    def restore(self, tables: dict[str, dict[str, Any]]) -> None:
        """As after a kill: nothing that was stored since counts."""
        for name, rows in tables.items():
            store = app.tables[name].data
            store.data.clear()
            store.data.update(copy.deepcopy(rows))
        forget_recent()

    async def _through(self, agent: Any, event: Any) -> None:
        self._acknowledged.clear()
        async with agent.test_context() as running:
            await running.channel.put(event)
            async with asyncio.timeout(HANDLED_S):
                await self._acknowledged.wait()

    def _event(
        self, spec: topics.TopicSpec, key: str | None, value: bytes | None, at: float
    ) -> faust.EventT:
        raw = None if key is None else key.encode()
        message = _Record(
            self._on_acknowledged,
            topic=spec.broker_name(app.settings),
            partition=0,
            offset=self._offset,
            timestamp=at,
            timestamp_type=0,
            headers={},
            key=raw,
            value=value,
            checksum=b"",
            generation_id=app.consumer_generation_id,
        )
        return app.create_event(raw, value, {}, message)

    def _on_acknowledged(self, offset: int) -> None:
        self.journal.append(Acknowledged(offset))
        self._acknowledged.set()

    def _changelog(self) -> Any:
        journal = self.journal

        def send(table: Any, partition: int, key: str, value: Any, *_: Any, **__: Any) -> Any:
            journal.append(Stored(table.name, key, orjson.loads(orjson.dumps(_decoded(value)))))
            return SimpleNamespace(message=SimpleNamespace(partition=partition))

        return send

    @staticmethod
    def _ended(code: int, reason: str) -> None:
        raise AssertionError(f"the process would have ended with {code}: {reason}")


def _decoded(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, bytes) else value


def content(messages: list[Message]) -> list[dict[str, Any]]:
    """What a replay says again: all fields but those that tell the time of day."""
    return [one.model_dump(exclude=OWN_TIME) for one in messages]
