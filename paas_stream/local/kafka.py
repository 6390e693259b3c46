"""The embedded broker: a real single-node Kafka (KRaft broker and controller) on loopback.

The programs come from Maven (`kafka/pom.xml`) or from an installation (`PAAS_KAFKA_HOME`). It is
for one machine: development, tests and the demonstration. All calls block; none belongs in an
event loop.
"""

import asyncio
import base64
import os
import re
import shutil
import tempfile
import uuid
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

import paas_stream
from paas_stream.errors import ConfigurationError
from paas_stream.local.embedded import EmbeddedService
from paas_stream.local.processes import Launch, port_is_free, run
from paas_stream.settings import Settings

JAVA_MINIMUM = 17
POM = Path(paas_stream.__file__).resolve().parent.parent / "kafka" / "pom.xml"
JAVA_TIMEOUT_S = 30.0  # `java -version` and the formatting of the storage
MAVEN_TIMEOUT_S = 900.0  # some 45 files, 45 MB
PROBE_TIMEOUT_S = 2.0  # of one attempt to reach the broker
STOP_TIMEOUT_S = 30.0  # then the broker is killed
TO_AVOID_JAVA = "or set PAAS_KAFKA_URL to an existing cluster"

LOG4J = """\
rootLogger.level = INFO
rootLogger.appenderRef.console.ref = console
logger.config.name = org.apache.kafka.common.config
logger.config.level = WARN
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
"""


class EmbeddedKafka(EmbeddedService):
    """The broker of one state directory."""

    name = "Kafka"
    existing = "The Kafka cluster"
    stop_timeout_s = STOP_TIMEOUT_S

    def __init__(self, settings: Settings) -> None:
        self.settings = settings.kafka
        self.cache = settings.cache.dir.absolute()
        super().__init__(settings.state, settings.kafka.url, settings.kafka.start_timeout_s)

    @property
    def address(self) -> str:
        """Its bootstrap address."""
        return self.settings.bootstrap

    def _installed(self) -> str:
        libs = self._libs()
        if libs is not None:
            return f"Kafka is installed in {libs.parent}"
        return f"Kafka was installed in {fetch(POM, self.cache).parent}"

    def _libs(self) -> Path | None:
        """The folder of jars in force, None when they must be fetched."""
        home = self.settings.home
        if home is None:
            return cached_libs(POM, self.cache)
        if not any((home / "libs").glob("kafka*.jar")):
            raise ConfigurationError(
                f"{home / 'libs'} holds no Kafka: correct or unset PAAS_KAFKA_HOME and KAFKA_HOME"
            )
        return home / "libs"

    def _prepare(self) -> Launch:
        directory = self.process.directory
        properties = directory / "server.properties"
        properties.write_text(server_properties(directory / "data", self.settings.port))
        log4j = directory / "log4j2.properties"
        log4j.write_text(LOG4J)
        java = [find_java(), "-cp", f"{self._libs()}/*", f"-Dlog4j2.configurationFile={log4j}"]
        if not (directory / "data" / "meta.properties").exists():
            format_storage(java, properties)
        heap = f"-Xmx{self.settings.heap_mib}m"
        return Launch(
            command=[*java, heap, "-XX:+ExitOnOutOfMemoryError", "kafka.Kafka", str(properties)],
            directory=directory,
            ports={
                self.settings.port: "PAAS_KAFKA_PORT",
                self.settings.port + 1: "PAAS_KAFKA_PORT (the controller takes the next port)",
            },
        )

    def _is_ready(self) -> bool:
        # A refused connection would be logged as an error by the client: look at the port first.
        if port_is_free(self.settings.port):
            return False
        return asyncio.run(answers(self.settings.bootstrap))


def server_properties(data: Path, port: int) -> str:
    """The broker's configuration."""
    listeners = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{port + 1}"
    values = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{port + 1}",
        "controller.listener.names": "CONTROLLER",
        "listeners": listeners,
        "advertised.listeners": listeners.split(",")[0],
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "message.max.bytes": 2 * 1024 * 1024,
        # One node holds the only replica of everything.
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Groups form at once, and a killed member is noticed as soon as its session says.
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        # After a kill the node waits for its own old registration to expire: 4 s instead of 9.
        "broker.session.timeout.ms": 4000,
        "broker.heartbeat.interval.ms": 500,
        # Small enough for a heap of 512 MiB: by default 128 MiB and 10 MiB for each partition.
        "offsets.topic.num.partitions": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,
        "log.index.size.max.bytes": 1024 * 1024,
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def format_storage(java: list[str], properties: Path) -> None:
    """Give the empty data directory a cluster id; needed once."""
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    quick = "-XX:TieredStopAtLevel=1"  # the tool runs for a second: optimising it is lost time
    tool = ["kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}"]
    run(
        [*java, quick, *tool, "-c", str(properties)],
        JAVA_TIMEOUT_S,
        "Kafka's storage was not formatted",
    )


async def answers(bootstrap: str) -> bool:
    """Whether a broker answers with metadata that names a broker."""
    client = AIOKafkaClient(
        bootstrap_servers=bootstrap, request_timeout_ms=round(PROBE_TIMEOUT_S * 1000)
    )
    try:
        await asyncio.wait_for(client.bootstrap(), 2 * PROBE_TIMEOUT_S)
        return bool(client.cluster.brokers())
    except (KafkaError, OSError, TimeoutError):
        return False
    finally:
        await client.close()


def kafka_version(pom: Path) -> str:
    """The pinned version of Kafka."""
    try:
        text = pom.read_text()
    except FileNotFoundError:
        raise ConfigurationError(
            f"the embedded Kafka is described in {pom}, which is not there: run from a checkout, "
            "or set PAAS_KAFKA_HOME to an installation or PAAS_KAFKA_URL to a cluster"
        ) from None
    found = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", text)
    if found is None:
        raise ConfigurationError(f"{pom} has no property kafka.version")
    return found[1]


def cached_libs(pom: Path, cache: Path) -> Path | None:
    """The folder of fetched jars, None unless they were fetched for this very `pom`."""
    folder = cache / f"kafka-{kafka_version(pom)}"
    copy = folder / "pom.xml"
    return folder / "libs" if copy.exists() and copy.read_bytes() == pom.read_bytes() else None


def fetch(pom: Path, cache: Path) -> Path:
    """Fetch the jars that `pom` names; returns their folder, which is complete or absent."""
    find_java()
    maven = shutil.which("mvn")
    if maven is None:
        raise ConfigurationError(
            "Maven is needed to fetch the embedded Kafka: install the package maven, or set "
            f"PAAS_KAFKA_HOME to an installation, {TO_AVOID_JAVA}"
        )
    target = cache / f"kafka-{kafka_version(pom)}"
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=f"{target.name}.") as made:
        folder = Path(made, "kafka")
        goal = ["dependency:copy-dependencies", f"-DoutputDirectory={folder / 'libs'}"]
        strict = ["-B", "-q", "--strict-checksums"]
        run([maven, *strict, "-f", str(pom), *goal], MAVEN_TIMEOUT_S, "Kafka was not fetched")
        shutil.copyfile(pom, folder / "pom.xml")
        if cached_libs(pom, cache) is None:  # another caller may have been faster
            if target.exists():
                target.rename(Path(made, "old"))
            folder.rename(target)
    return target / "libs"


def find_java() -> str:
    """The Java program. Raises ConfigurationError when it is missing or too old."""
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    need = (
        f"Java {JAVA_MINIMUM} or newer is needed to run the embedded Kafka: install "
        f"openjdk-{JAVA_MINIMUM}-jre-headless, {TO_AVOID_JAVA}"
    )
    if java is None:
        raise ConfigurationError(need)
    version = java_version(run([java, "-version"], JAVA_TIMEOUT_S, need))
    if version < JAVA_MINIMUM:
        raise ConfigurationError(f"{need} (found Java {version} at {java})")
    return java


def java_version(output: str) -> int:
    """The major version in the output of `java -version`; 0 when there is none."""
    found = re.search(r'version "(?:1\.)?(\d+)', output)
    return int(found[1]) if found else 0
