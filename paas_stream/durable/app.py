"""The Faust application class that carries the guards, and its boot order.

Faust starts the producer before the web server, so while the broker is away nothing answers and the
worker dies. Here the web server starts first, then a gate that waits for the broker, creates missing
topics and checks partition counts, and only then producer, consumer, agents and tables.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Iterable
from typing import Any, ClassVar, NamedTuple, TypeVar

import faust
from aiokafka.errors import KafkaError
from faust.app.base import BootStrategy
from faust.exceptions import ConsistencyError, ProducerSendError
from faust.web.drivers.aiohttp import Web
from mode import Service
from mode.utils.objects import cached_property

from paas_stream import errors, records, tls, topics
from paas_stream.clients.kafka import KafkaRefusedError
from paas_stream.durable import declare
from paas_stream.durable.boxes import Boxes
from paas_stream.durable.consumer import DurableConsumer
from paas_stream.durable.credentials import credentials
from paas_stream.durable.exits import Exit, end_process
from paas_stream.durable.flow import FlowControl, hold_flow_until_resumed
from paas_stream.durable.membership import Membership
from paas_stream.durable.positions import Positions
from paas_stream.durable.producer import (
    TOO_LARGE,
    DurableProducer,
    is_too_large,
    partition_of_key,
)
from paas_stream.durable.pulse import Pulse
from paas_stream.durable.readiness import Readiness
from paas_stream.durable.state import LocalTables
from paas_stream.durable.takeover import Takeover
from paas_stream.settings import Settings

log = logging.getLogger(__name__)

T = TypeVar("T")

_RETRY_S = 1.0
_ANSWER_S = 5.0  # a broker that is there has answered by then
LINGER_S = 0.005  # between two requests to one broker: more records share a request


class BrokerGate(Service):
    """Lets the boot go on once the broker answers and its topics fit."""

    def __init__(self, app: "DurableApp", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.app = app

    async def on_start(self) -> None:
        """Wait for the broker, for as long as it takes; /readyz says 503 meanwhile."""
        app = self.app
        wanted = declare.wanted_topics(app.settings, app)
        refused_since: float | None = None
        while not app.should_stop:
            try:
                await declare.ensure(app.settings, wanted)
            except errors.StartRefusedError as exc:
                end_process(Exit.REFUSED, exc.message)
            except errors.TemporaryError as exc:
                app.readiness.broker = exc.message
                refused_since = _since(refused_since, exc)
                if _is_over(refused_since, app.settings.kafka.refused_s):
                    end_process(Exit.REFUSED, exc.message)
                self.log.warning("%s; trying again in %.0f s", exc.message, _RETRY_S)
                await asyncio.sleep(_RETRY_S)
            else:
                app.readiness.broker = None
                return


def _since(before: float | None, exc: errors.TemporaryError) -> float | None:
    """Since when brokers refuse us; None: they do not, or are away."""
    if not isinstance(exc, KafkaRefusedError):
        return None
    return time.monotonic() if before is None else before


def _is_over(since: float | None, limit_s: float) -> bool:
    return since is not None and time.monotonic() >= since + limit_s


class WebFirst(BootStrategy):
    """sensors, web server, gate, and then as Faust does it."""

    def server(self) -> Iterable[Any]:
        """The services of a worker, in their order."""
        return self._chain(
            self.sensors(),
            self.web_server(),
            [self.app.gate],
            self.kafka_producer(),
            self.kafka_consumer(),
            self.agents(),
            self.kafka_conductor(),
            self.tables(),
        )


class PlainWeb(Web):
    """Faust's web server without its own index page, which would take `/`."""

    production_blueprints: ClassVar[list[Any]] = []

    async def on_start(self) -> None:
        """Start the server, and look after its certificates."""
        await super().on_start()
        if self.app.certificates is not None:
            self.add_future(self._refresh(self.app.certificates))

    async def _refresh(self, certificates: tls.Certificates) -> None:
        while not self.should_stop:
            await self.sleep(self.app.settings.tls.look_s)
            await asyncio.to_thread(certificates.refresh)


class Sent(NamedTuple):
    """A message that is on its way."""

    message: records.Message
    confirmation: Awaitable[Any]


class Outlet:
    """A topic to which messages go.

    Not a channel of Faust's: that makes three objects of each record, for its sensors.
    """

    def __init__(self, app: "DurableApp", name: str) -> None:
        self._app = app
        self._name = name  # the broker's

    def get_topic_name(self) -> str:
        """The broker's name of the topic."""
        return self._name

    async def send(self, *, key: bytes, value: bytes) -> Awaitable[Any]:
        """Hand the record to the client; the result is Kafka's confirmation. Raises KafkaError."""
        await self._app.membership.proven()
        self._app.pulse.look()
        return await self._app.producer.client.send(self._name, value, key=key)


TRACKER = "deployment-tracker"  # the agent whose rows views read and requests are checked against


class DurableApp(faust.App):
    """A Faust app with all guards of this package installed."""

    BootStrategy = WebFirst

    def __init__(self, settings: Settings, **options: Any) -> None:
        self.settings = settings
        self.certificates = tls.certificates(settings.tls)
        super().__init__(
            settings.stream.id,
            broker=f"kafka://{settings.kafka.bootstrap.replace(',', ';kafka://')}",
            broker_credentials=credentials(settings.kafka),
            web_ssl_context=self.certificates.server if self.certificates else None,
            store="rocksdb://",
            topic_partitions=settings.stream.partitions,
            topic_replication_factor=settings.kafka.replication,
            topic_disable_leader=True,
            table_standby_replicas=settings.stream.standbys,
            # by time only: a commit asks for all rows that wait for newer ones, and holds up the fetching
            broker_commit_every=10_000,
            broker_commit_interval=1.0,
            broker_session_timeout=settings.kafka.session_timeout_s,
            broker_heartbeat_interval=settings.kafka.heartbeat_s,
            consumer_group_instance_id=settings.web.worker,
            producer_acks=-1,
            producer_linger=LINGER_S,
            producer_partitioner=partition_of_key,
            producer_request_timeout=settings.kafka.request_timeout_s,
            stream_wait_empty=True,
            stream_buffer_maxsize=256,
            consumer_auto_offset_reset="earliest",
            key_serializer="raw",
            value_serializer="raw",
            Agent="paas_stream.durable.agents:PlainAgent",
            web_tables_enabled=False,
            web_router_enabled=False,
            worker_redirect_stdouts=False,
            **options,
        )
        self._partitions: dict[str, list[int]] = {}  # of topics that were asked for
        self.pulse = Pulse(settings.kafka.session_timeout_s - settings.kafka.heartbeat_s)
        self.membership = Membership(settings.kafka.session_timeout_s, self._answers)
        self.positions = Positions()
        self.takeover = Takeover(self, self.positions, TRACKER, self._topics_of(TRACKER))
        self.boxes = Boxes()
        self.readiness = Readiness(self)
        self.gate = BrokerGate(self)
        self.local_tables: LocalTables | None = None
        self.monitor  # noqa: B018 - the first access installs Faust's own sensor
        hold_flow_until_resumed(self)
        self.on_partitions_revoked.connect(self.positions.forget, weak=False)
        for signal in (self.on_partitions_revoked, self.on_partitions_assigned):
            signal.connect(self.takeover.forget, weak=False)
        self.outlets = {
            spec.model: Outlet(self, spec.broker_name(settings))
            for spec in topics.TOPICS.values()
            if spec.model is not records.Message
        }

    @cached_property
    def flow_control(self) -> FlowControl:
        """See `durable.flow`."""
        return FlowControl(self)

    def _topics_of(self, agent: str) -> frozenset[str]:
        specs = (spec for spec in topics.TOPICS.values() if agent in spec.read_by)
        return frozenset(spec.broker_name(self.settings) for spec in specs)

    def channel_of(self, *names: str) -> Any:
        """A channel of raw bytes on one or more topics; decoding is the agent decorator's work."""
        specs = [topics.TOPICS[name] for name in names]
        return self.topic(
            *(spec.broker_name(self.settings) for spec in specs),
            key_type=bytes,
            value_type=bytes,
            key_serializer="raw",
            value_serializer="raw",
            partitions=specs[0].partitions(self.settings),
        )

    async def emit(self, *messages: records.Message) -> list[Any]:
        """Send messages in this order, each to the topic of its type, and wait until the broker has
        confirmed all. Returns Kafka's record metadata. The key is `key` of a message, or else its uuid.

        Raises PermanentError for a message that is too large. Any other failure ends the process: the
        event that led to the message comes again.
        """
        return await self.confirmed(await self.send(*messages))

    async def send(self, *messages: records.Message) -> "list[Sent]":
        """Send messages as `emit` does. Whoever calls it waits with `confirmed`, and in any case.

        When one cannot be sent, those before it are confirmed.
        """
        sent: list[Sent] = []
        for one in messages:
            try:
                sent.append(Sent(one, await self._delivered(one, self._send(one))))
            except errors.PermanentError:
                await self.confirmed(sent)
                raise
        return sent

    async def confirmed(self, sent: "list[Sent]") -> list[Any]:
        """Wait until the broker has answered for all; raises as `emit` does."""
        refused: errors.PermanentError | None = None
        found = []
        for one in sent:
            try:
                found.append(await self._delivered(one.message, one.confirmation))
            except errors.PermanentError as exc:
                refused = exc
        if refused is not None:
            raise refused
        return found

    async def partition_of(self, topic: str, key: str) -> int:
        """The partition of a topic (the broker's name) in which this application puts `key`."""
        every = self._partitions.get(topic)
        if every is None:  # they change by a migration only
            every = self._partitions[topic] = sorted(
                await self.producer.client.partitions_for(topic)
            )
        return partition_of_key(key.encode(), every, every)

    async def _send(self, message: records.Message) -> Awaitable[Any]:
        key = getattr(message, "key", None) or getattr(message, "uuid", None) or ""
        outlet = self.outlets[type(message)]
        sent: Awaitable[Any] = await outlet.send(key=key.encode(), value=message.encode())
        return sent

    async def _delivered(self, message: records.Message, step: Awaitable[T]) -> T:
        try:
            return await step
        except (ProducerSendError, KafkaError) as exc:
            name = self.outlets[type(message)].get_topic_name()
            if is_too_large(exc):
                text = f"a message is too large for {name}"
                raise errors.PermanentError(text, code=TOO_LARGE) from exc
            if self.should_stop:
                raise
            end_process(Exit.LOST_SEND, f"a record for {name} was not delivered: {exc!r}")

    async def _answers(self) -> bool:
        """Whether the broker answers at all."""
        try:
            async with asyncio.timeout(_ANSWER_S):
                await self.producer.client.client.fetch_all_metadata()
        except (KafkaError, TimeoutError):
            return False
        return True

    async def _on_partitions_revoked(self, revoked: set[Any]) -> None:
        self.membership.look()
        await super()._on_partitions_revoked(revoked)
        self.membership.left()

    async def _on_partitions_assigned(self, assigned: set[Any], generation_id: int = 0) -> None:
        self.membership.joined()
        self.flow_control.begin()
        await super()._on_partitions_assigned(assigned, generation_id)

    async def on_stop(self) -> None:
        """Faust's stop: events in flight are handled, effects drained, records confirmed."""
        await super().on_stop()
        if self.local_tables is not None:
            self.local_tables.close()

    def _crash(self, reason: BaseException) -> None:
        """Every crash of a part of Faust comes here: what follows there would commit events."""
        if isinstance(reason, ConsistencyError):
            end_process(Exit.INCONSISTENT, f"tables will be replayed from Kafka: {reason}")
        end_process(Exit.CRASHED, f"Faust crashed: {reason!r}")

    def _create_directories(self) -> None:
        self.local_tables = LocalTables(self.conf.datadir, self.conf.tabledir)
        try:
            if self.local_tables.open():
                log.warning("this worker was killed: its tables are replayed from Kafka")
        except errors.StartRefusedError as exc:
            end_process(Exit.REFUSED, exc.message)
        super()._create_directories()

    def _new_web(self) -> Web:
        return PlainWeb(self)

    def _new_producer(self) -> DurableProducer:
        return DurableProducer(self.transport, loop=self.loop, beacon=self.beacon)

    def _new_consumer(self) -> DurableConsumer:
        return DurableConsumer(
            self.transport,
            callback=self.topics.on_message,
            on_partitions_revoked=self._on_partitions_revoked,
            on_partitions_assigned=self._on_partitions_assigned,
            loop=self.transport.loop,
            beacon=self.beacon,
        )
