"""Readings side by side: each site when it is due, and never twice at a time."""

import asyncio

import pytest
from support.provider_files import cluster

from agents.site_readings import Readings
from paas_stream.errors import TemporaryError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.readings import Reading, Site

INTERVAL_S = 60.0


class Reader:
    """In the place of the clients: a reading ends when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.waiting: dict[str, asyncio.Future[Reading]] = {}
        self.threads: set[str] = set()  # sites that were given up, and still have a thread

    async def read(self, site: Site, credentials: Credentials | None) -> Reading:
        name = site.provider.name
        assert name not in self.waiting, "it is being read"
        self.begun.append(name)
        self.waiting[name] = asyncio.get_running_loop().create_future()
        try:
            return await self.waiting[name]
        finally:
            del self.waiting[name]

    def is_reading(self, site: Site) -> bool:
        return site.provider.name in self.threads


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
def readings(reader: Reader) -> Readings:
    async def tell(fault: Exception) -> None: ...

    return Readings(reader, INTERVAL_S, tell)  # type: ignore[arg-type]


def start(readings: Readings, now: float, *sites: Site) -> None:
    def nobody(name: str) -> Credentials:
        raise AssertionError(name)

    readings.start(sites, nobody, now)


async def test_a_site_is_never_read_twice_at_a_time(readings: Readings, reader: Reader) -> None:
    slow, quick = cluster("slow"), cluster("quick")
    start(readings, 0.0, slow, quick)
    await settle()
    reader.waiting["quick"].set_result(Reading({"storage_classes": ()}))
    await settle()
    start(readings, INTERVAL_S, slow, quick)
    await settle()
    assert reader.begun == ["slow", "quick", "quick"]
    reader.waiting["slow"].set_result(Reading({"storage_classes": ()}))
    await settle()
    start(readings, INTERVAL_S + 1, slow, quick)
    await settle()
    assert reader.begun == ["slow", "quick", "quick", "slow"]


async def test_a_site_that_was_given_up_is_read_again_once_its_thread_has_ended(
    readings: Readings, reader: Reader
) -> None:
    site = cluster("hangs")
    start(readings, 0.0, site)
    await settle()
    reader.threads.add("hangs")
    reader.waiting["hangs"].set_exception(TemporaryError("not read within 30 s"))
    await settle()
    start(readings, INTERVAL_S, site)
    await settle()
    assert reader.begun == ["hangs"]
    reader.threads.clear()
    start(readings, INTERVAL_S + 1, site)
    await settle()
    assert reader.begun == ["hangs", "hangs"]
