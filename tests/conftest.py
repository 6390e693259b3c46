"""Fixtures for all suites: the real Kafka, the real IM, and processes that talk to them.

A service that cannot be started fails the tests that need it; nothing is skipped.
"""

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from support.broker import Broker
from support.identity import Keystone
from support.ports import free_port
from support.processes import Process, WorkerProcess

from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.settings import Settings

# the suite is the same each time; `--hypothesis-profile=search` looks for what it has not found
hypothesis_settings.register_profile("suite", derandomize=True, deadline=None)
hypothesis_settings.register_profile("search", max_examples=2000, deadline=None, print_blob=True)
hypothesis_settings.load_profile("suite")

LOG_TAIL = 6000  # characters of a process's log that a failed test shows


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse two tests of one id: pytest-xdist knows them by it, and would run one of them."""
    twice = [name for name, number in Counter(one.nodeid for one in items).items() if number > 1]
    if twice:
        raise pytest.UsageError(f"more than one test has the id {', '.join(twice)}")


@pytest.fixture(scope="session", autouse=True)
def _byte_code(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Compiled modules of the many short processes are kept for the session."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PYTHONPYCACHEPREFIX"] = str(tmp_path_factory.mktemp("pycache"))


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The bootstrap address of a real Kafka of this session.

    With PAAS_TEST_KAFKA_URL it is that one, which saves its start while tests are written.
    """
    given = os.environ.get("PAAS_TEST_KAFKA_URL")
    if given:
        yield given
        return
    state = {"dir": tmp_path_factory.mktemp("kafka")}
    settings = Settings(state=state, kafka={"url": None, "port": free_port(2)})
    embedded = EmbeddedKafka(settings)
    embedded.start()
    yield settings.kafka.bootstrap
    embedded.stop()


@pytest.fixture(scope="session")
def embedded_im(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedIm]:
    """A real IM of this session."""
    state = {"dir": tmp_path_factory.mktemp("im")}
    settings = Settings(state=state, im={"url": None, "port": free_port()})
    embedded = EmbeddedIm(settings)
    embedded.start()
    yield embedded
    embedded.stop()


@pytest.fixture(scope="session")
def im(request: pytest.FixtureRequest) -> str:
    """The URL of a real IM of this session, or PAAS_TEST_IM_URL."""
    given = os.environ.get("PAAS_TEST_IM_URL")
    return given or request.getfixturevalue("embedded_im").settings.endpoint


@pytest.fixture(scope="session")
def keystone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keystone]:
    """A real Keystone of this session."""
    service = Keystone(tmp_path_factory.mktemp("keystone"))
    try:
        service.serve()
        yield service
    finally:
        service.kill9()


@pytest.fixture(scope="module")
def clean_topics(kafka: str) -> Iterator[None]:
    """Deletes the topics that came into being during a module, and waits until they are gone."""

    async def topics() -> set[str]:
        async with Broker(kafka) as broker:
            return await broker.topics()

    async def delete(names: set[str]) -> None:
        async with Broker(kafka) as broker:
            await broker.delete(*names)

    before = asyncio.run(topics())
    yield
    asyncio.run(delete(asyncio.run(topics()) - before))


@pytest.fixture
async def broker(kafka: str) -> AsyncIterator[Broker]:
    """A client of `kafka`."""
    async with Broker(kafka) as client:
        yield client


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    """Processes of a test, killed when it ends; the logs are shown when it fails."""
    started: list[Process] = []
    yield started
    for process in started:
        if process.is_running:
            process.kill9()
        print(f"--- the end of {process.log_file}:\n{process.log[-LOG_TAIL:]}")


@pytest.fixture
def worker(kafka: str, tmp_path: Path, processes: list[Process]) -> Callable[..., WorkerProcess]:
    """`worker(name, settings=..., program=...)`: a worker that is not started yet."""

    def make(
        name: str = "w0",
        settings: dict[str, str] | None = None,
        program: list[str] | None = None,
        kafka_url: str | None = None,
        directory: Path = tmp_path,
    ) -> WorkerProcess:
        made = WorkerProcess(name, directory, kafka_url or kafka, settings, program)
        processes.append(made)
        return made

    return make
