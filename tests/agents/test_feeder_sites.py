"""Feeder: what is read of a cluster's API -> `feeder`; an emulator, and the official client."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from faust.types import TP
from support.bench import Bench, Clock, Sent
from support.cluster import Cluster
from support.waiting import wait_until

from agents import feeder as module
from agents.feeder import feeder
from agents.provider_catalog import provider_catalog
from agents.site_readings import Readings
from paas_stream.app import app
from paas_stream.clients.sites import SiteReader
from paas_stream.records import ErrorRecord, Feeder, Message
from paas_stream.selection import provider_files
from paas_stream.selection.provider_files import Federation
from tables import providers

SETTINGS = app.settings.feeder
KEY = "k8s/default/physics"
QUOTAS = "/api/v1/namespaces/physics/resourcequotas"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"
FILE = """\
trusted_idps:
  - issuer: https://iam/
    user_groups:
      - name: physics
        slas: [{{doc_uuid: s, start_date: 2025-01-01, end_date: 2099-12-31}}]
credentials:
  k8s: {{method: token, token_env: TEST_K8S_TOKEN}}
kubernetes:
  - name: k8s
    status: {status}
    auth_url: {url}
    apps_dns: apps.example.org
    identity_providers: [{{endpoint: "https://iam/", name: iam}}]
    projects:
      - id: physics
        sla: s
        credentials: k8s
        per_user_limits: {{compute: {{cores: 4}}}}
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as made:
        made.add_quota("physics", "all", {"limits.cpu": "10"}, {"limits.cpu": "2"})
        made.add_storage_class("fast", is_default=True)
        yield made


def configured(folder: Path, url: str, status: str = "active") -> Federation:
    file = folder / "federation.yaml"
    file.write_text(FILE.format(url=url, status=status))
    return provider_files.read([file])


class Site:
    """The Feeder of one worker, and what it says about the cluster."""

    def __init__(self, bench: Bench, clock: Clock) -> None:
        self.bench, self.clock = bench, clock
        self.federation = Federation()

    async def turn(self, later_s: float = 0.0) -> list[Message]:
        """What the timer sends after so many seconds, once the reading that it began has ended."""
        self.clock.now += later_s
        before = len(self.bench.journal)
        await self.bench.run(feeder)
        await wait_until(lambda: not module.readings._running)
        await self.bench.run(feeder)
        return [one.message for one in self.bench.journal[before:] if isinstance(one, Sent)]

    async def catalogued(self, later_s: float = 0.0) -> list[Message]:
        """The same, and the catalog has it."""
        sent = await self.turn(later_s)
        for message in sent:
            if isinstance(message, Feeder):
                await self.bench.give(provider_catalog, message, at=self.clock.now)
        return sent


@pytest.fixture
async def site(
    bench: Bench,
    clock: Clock,
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:
    monkeypatch.setenv("TEST_K8S_TOKEN", "a-token")
    made = Site(bench, clock)
    made.federation = configured(tmp_path, cluster.url)
    monkeypatch.setattr(module, "federation", lambda: made.federation)
    readings = Readings(SiteReader(2, 10.0, 5.0), SETTINGS.interval_s, module._tell)
    monkeypatch.setattr(module, "readings", readings)
    bench.consumer.assigned = {TP("feeder", 0)}
    yield made
    readings.close()


def about(sent: list[Message]) -> list[Feeder]:
    return [one for one in sent if isinstance(one, Feeder)]


def faults(sent: list[Message]) -> list[str]:
    return [one.message for one in sent if isinstance(one, ErrorRecord)]


async def test_what_is_read_is_sent_with_what_the_file_says(site: Site) -> None:
    (message,) = await site.turn()
    assert isinstance(message, Feeder)
    assert (message.key, message.provider_type) == (KEY, "kubernetes")
    assert (message.user_group, message.sla_id) == ("physics", "s")
    assert (message.credentials, message.apps_dns) == ("k8s", "apps.example.org")
    limits = [row for row in message.quotas if not row.usage]
    assert [(row.limits_cpu, row.cores, row.per_user) for row in limits] == [
        (10, None, False),
        (None, 4, True),
    ]
    assert [one.name for one in message.storage_classes] == ["fast"]
    assert message.unknown == ()


async def test_a_worker_that_does_not_hold_the_partition_reads_nothing(site: Site) -> None:
    site.bench.consumer.assigned = set()
    assert await site.turn() == []


async def test_the_worker_is_not_ready_before_the_first_reading_has_ended(site: Site) -> None:
    await site.bench.run(feeder)
    assert site.bench.ready.catalog == "no provider has been read yet"
    await wait_until(lambda: not module.readings._running)
    await site.catalogued()
    await site.turn()
    assert site.bench.ready.catalog is None


async def test_it_is_read_again_after_an_interval_and_sent_when_it_has_changed(
    site: Site, cluster: Cluster
) -> None:
    await site.turn()
    cluster.add_quota("physics", "more", {"pods": "5"}, {"pods": "1"})
    assert await site.turn(SETTINGS.interval_s - 1) == []
    (message,) = about(await site.turn(1))
    assert 5 in [row.pods for row in message.quotas]


async def test_what_has_not_changed_is_a_heartbeat(site: Site) -> None:
    first = about(await site.turn())
    later = [one for _ in range(4) for one in await site.turn(SETTINGS.interval_s)]
    assert later == []
    (heartbeat,) = about(await site.turn(SETTINGS.heartbeat_s))
    assert heartbeat.timestamp > first[0].timestamp


async def test_what_cannot_be_read_is_unknown_and_what_was_known_of_it_is_kept(
    site: Site, cluster: Cluster
) -> None:
    await site.catalogued()
    cluster.refuse(QUOTAS, 403, "resourcequotas is forbidden")
    sent = await site.catalogued(SETTINGS.interval_s)
    (message,) = about(sent)
    assert "quotas/compute" in message.unknown
    (fault,) = faults(sent)
    assert "k8s (default, physics)" in fault
    assert "403: resourcequotas is forbidden" in fault
    (row,) = providers.catalog()
    assert row.budget.project["cores"].free == 8
    assert "quotas/compute" in row.kept


async def test_a_cluster_of_which_nothing_can_be_read_is_silent_and_the_reason_is_told_once(
    site: Site, cluster: Cluster
) -> None:
    await site.turn()
    for path in (QUOTAS, CLASSES):
        cluster.refuse(path, 401, "Unauthorized")
    (fault,) = await site.turn(SETTINGS.interval_s)
    assert isinstance(fault, ErrorRecord)
    assert "nothing could be read" in fault.message
    assert "a-token" not in fault.message
    for _ in range(3):
        assert await site.turn(SETTINGS.heartbeat_s) == []


async def test_a_worker_is_ready_though_a_cluster_cannot_be_read(
    site: Site, cluster: Cluster
) -> None:
    for path in (QUOTAS, CLASSES):
        cluster.refuse(path, 401, "Unauthorized")
    await site.turn()
    assert site.bench.ready.catalog is None


async def test_credentials_that_are_missing_are_told(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TEST_K8S_TOKEN")
    (fault,) = faults(await site.turn())
    assert "TEST_K8S_TOKEN is not set" in fault


async def test_one_that_goes_out_of_service_is_told_once_and_not_read(
    site: Site, cluster: Cluster, tmp_path: Path
) -> None:
    await site.catalogued()
    site.federation = configured(tmp_path, cluster.url, "maintenance")
    (message,) = about(await site.catalogued(SETTINGS.interval_s))
    assert message.status == "maintenance"
    assert about(await site.catalogued(SETTINGS.heartbeat_s)) == []
