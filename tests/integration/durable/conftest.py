"""One test application: an id, topics and a journal of its own, and workers that run it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from support.broker import Broker
from support.processes import WorkerProcess

from paas_stream.records import DispatchEvent, Message, TrackerEvent
from paas_stream.topics import DISPATCH_EVENTS, ERRORS, TRACKER_EVENTS

APPS = Path(__file__).parent / "apps"
OWN = (DISPATCH_EVENTS, TRACKER_EVENTS, ERRORS)  # topics that each application has for itself
MODELS = {DispatchEvent: DISPATCH_EVENTS, TrackerEvent: TRACKER_EVENTS}


class Application:
    """A program of `apps/` under an id that no other test uses."""

    def __init__(
        self, program: str, directory: Path, broker: Broker, worker: Callable[..., WorkerProcess]
    ) -> None:
        self.id = f"{program}-{uuid4().hex[:8]}"
        self.directory = directory / self.id
        self.directory.mkdir()
        self.journal_file = self.directory / "journal"
        self._program = program
        self._broker = broker
        self._worker = worker
        self._names = {name: f"{self.id}-{name}" for name in OWN}

    def topic(self, name: str) -> str:
        """What one of its own topics is called on the broker."""
        return self._names[name]

    @property
    def changelog(self) -> str:
        """The changelog of its table `rows`."""
        return f"{self.id}-rows-changelog"

    def worker(self, name: str = "w0", *, kafka: str | None = None, **env: str) -> WorkerProcess:
        """A worker that is not started yet; `env` are switches of the program."""
        settings = {
            "PAAS_STREAM_ID": self.id,
            "PAAS_TOPICS": json.dumps(self._names),
            "JOURNAL": str(self.journal_file),
            **env,
        }
        program = [str(APPS / f"{self._program}.py")]
        return self._worker(name, settings, program, kafka, self.directory)

    def journal(self, what: str | None = None) -> list[dict[str, Any]]:
        """What the workers have written down, in that order."""
        if not self.journal_file.exists():
            return []
        *lines, _ = self.journal_file.read_text().split("\n")
        entries = [json.loads(line) for line in lines]
        return [entry for entry in entries if what in (None, entry["what"])]

    async def create_topics(self, **config_of_errors: str) -> None:
        """Make its own topics, so that they can be written to before a worker runs."""
        for name, topic in self._names.items():
            await self._broker.create(topic, **(config_of_errors if name == ERRORS else {}))

    async def send(self, *messages: Message) -> list[tuple[str, int, int]]:
        """Write messages as other workers would. Returns where each of them stands."""
        return [
            await self._broker.send(self.topic(MODELS[type(one)]), one.encode(), one.uuid)
            for one in messages
        ]

    async def committed(self) -> int:
        """The sum of the committed offsets of its two input topics."""
        inputs = self.topic(DISPATCH_EVENTS), self.topic(TRACKER_EVENTS)
        return sum((await self._broker.committed(self.id, *inputs)).values())

    async def errors(self) -> list[dict[str, Any]]:
        """The records in its `errors`."""
        found = await self._broker.records(self.topic(ERRORS))
        return [json.loads(record.value) for record in found]


@pytest.fixture
def application(
    tmp_path: Path, broker: Broker, worker: Callable[..., WorkerProcess]
) -> Callable[[str], Application]:
    """`application(program)`: one that no other test uses."""
    return lambda program: Application(program, tmp_path, broker, worker)


@pytest.fixture(autouse=True, scope="module")
def _topics_are_deleted(clean_topics: None) -> None:
    """No module leaves partitions behind."""
