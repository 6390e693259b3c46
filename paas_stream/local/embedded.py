"""A service that runs here for want of an existing one, as a process of its own."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from paas_stream.local.processes import BackgroundProcess, Launch
from paas_stream.settings import StateSettings


class EmbeddedService(ABC):
    """The service of one state directory. Each method that acts returns what was done, in a sentence."""

    name: str  # what its own process is called
    existing: str  # what one that the settings name is called
    stop_timeout_s: float  # then it is killed

    def __init__(self, state: StateSettings, url: str | None, start_timeout_s: float) -> None:
        """`url` is that of an existing one, beside which nothing is installed or started."""
        self.process = BackgroundProcess(self.name, state.dir / self.name.lower())
        self._url = url
        self._start_timeout_s = start_timeout_s

    def install(self) -> str:
        """Fetch the programs unless they are there."""
        if self._url:
            return f"{self._used}: nothing to install"
        return self._installed()

    def start(self) -> str:
        """Start it and wait until it answers."""
        if self._url:
            return f"{self._used}: nothing to start"
        if self.process.pid() is None:
            self.install()
        is_new = self.process.start(self._prepare, self._is_ready, self._start_timeout_s)
        return self.status() if is_new else f"{self.status()} already"

    def stop(self) -> str:
        """Stop it; its data stays."""
        was_running = self.process.stop(self.stop_timeout_s)
        return f"{self.name} was stopped" if was_running else f"{self.name} is not running"

    def is_running(self) -> bool:
        """Whether there is one to use: an existing one, or the embedded one runs."""
        return bool(self._url) or self.process.pid() is not None

    def status(self) -> str:
        """Its state, in a sentence."""
        if self._url:
            return self._used
        pid = self.process.pid()
        if pid is None:
            return f"{self.name} is not running"
        return f"{self.name} runs at {self.address} (pid {pid})"

    def logs(self, lines: int, *, follow: bool) -> Iterator[str]:
        """The last lines of the log, and then the new ones while it runs."""
        return self.process.follow(lines) if follow else iter(self.process.tail(lines))

    @property
    def _used(self) -> str:
        return f"{self.existing} at {self._url} is used"

    @property
    @abstractmethod
    def address(self) -> str:
        """Where the embedded one answers."""

    @abstractmethod
    def _installed(self) -> str:
        """Fetch the programs unless they are there."""

    @abstractmethod
    def _prepare(self) -> Launch:
        """Write its configuration; what is to be started."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether it answers."""
