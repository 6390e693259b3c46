"""What a benchmark of the pipeline needs: Kafka, the IM, a worker and the raw program, on loopback."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp

from paas_stream.local.im import EmbeddedIm
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.local.processes import port_is_free
from paas_stream.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
START_S = 600.0  # with 100,000 deployments and no data of its own


def free_port(count: int = 1) -> int:
    """The first of `count` consecutive free ports."""
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        if all(port_is_free(port + more) for more in range(count)):
            return port


class Stand:
    """The processes, and what they are started with. `async with`; all of them end with it."""

    def __init__(self, folder: Path, im_url: str) -> None:
        """`im_url`: what stands in the IM's place."""
        self.folder = folder
        state = {"dir": folder / "services"}
        self.settings = Settings(
            state=state,
            kafka={"url": None, "port": free_port(2)},
            im={"url": None, "port": free_port()},
        )
        self.kafka = EmbeddedKafka(self.settings)
        self.im = EmbeddedIm(self.settings)
        self.port = free_port()
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("PAAS_")} | {
            "PYTHONPATH": str(ROOT),
            "PAAS_KAFKA_URL": self.bootstrap,
            "PAAS_STATE_DIR": str(folder / "worker"),
            "PAAS_WEB_PORT": str(self.port),
            "PAAS_IM_URL": im_url,
            "PAAS_RANKER_MIN_ATTEMPTS": "1000000000",  # by rule, as the raw program
            "PAAS_TRAINER_INTERVAL_S": "0",
            "PAAS_FEEDER_FILES": json.dumps([str(ROOT / "examples" / "federation.yaml")]),
            "DEMO_UNREACHABLE_USERNAME": "nobody",
            "DEMO_UNREACHABLE_PASSWORD": "nothing",
        }
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.settings.kafka.bootstrap

    @property
    def url(self) -> str:
        """The worker's REST API."""
        return f"http://127.0.0.1:{self.port}"

    async def start_services(self) -> None:
        """Start Kafka and the real IM."""
        await asyncio.gather(asyncio.to_thread(self.kafka.start), asyncio.to_thread(self.im.start))

    async def start_worker(self, *launcher: str) -> None:
        """Start one worker and wait until it is ready; `launcher` goes before the command."""
        program = [*launcher, sys.executable, "-m", "paas_stream.cli.main", "worker"]
        self._spawn("worker", program)
        async with aiohttp.ClientSession() as session:
            await self._until("worker", lambda: _is_ready(session, self.url))

    async def start_raw(self, at_once: int) -> None:
        """Start the raw program and wait until it has its partitions."""
        program = [sys.executable, str(ROOT / "benchmarks" / "raw_line.py")]
        own = {"PAAS_STATE_DIR": str(self.folder / "raw"), "RAW_AT_ONCE": str(at_once)}
        self._spawn("raw", program, **own)

        async def says_ready() -> bool:
            return "ready" in (self.folder / "raw.log").read_text()

        await self._until("raw", says_ready)

    def stop(self, name: str) -> None:
        """Ask a process to stop, and wait for it."""
        child = self._children.pop(name)
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(60)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()

    def kill(self, name: str) -> None:
        """kill -9."""
        child = self._children.pop(name)
        child.kill()
        child.wait()

    def close(self) -> None:
        """End everything."""
        for name in list(self._children):
            self.stop(name)
        self.im.stop()
        self.kafka.stop()

    def _spawn(self, name: str, program: list[str], **environment: str) -> None:
        with (self.folder / f"{name}.log").open("wb") as log:
            self._children[name] = subprocess.Popen(  # noqa: S603 - our own programs
                program,
                cwd=ROOT,
                env=self._environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def _until(self, name: str, ready: Callable[[], Awaitable[bool]]) -> None:
        deadline = time.monotonic() + START_S
        while not await ready():
            if self._children[name].poll() is not None or time.monotonic() > deadline:
                log = (self.folder / f"{name}.log").read_text()[-4000:]
                raise SystemExit(f"{name} did not start:\n{log}")
            await asyncio.sleep(0.2)

    def cpu_s(self, name: str) -> float:
        """Processor seconds that the process itself has used (without its children)."""
        stat = Path(f"/proc/{self._children[name].pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def rss_mib(self, name: str) -> float:
        """Resident memory of the process itself (without its children), in MiB."""
        pages = int(Path(f"/proc/{self._children[name].pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz", timeout=aiohttp.ClientTimeout(total=5)) as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
