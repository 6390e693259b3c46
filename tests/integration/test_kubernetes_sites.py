"""What is read of a namespace through the API of its cluster: an emulator, and the official client."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest
from support.cluster import Cluster
from support.ports import free_port

from paas_stream.clients.sites import SiteReader
from paas_stream.errors import TemporaryError
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_schema import KubernetesProvider, Sla
from paas_stream.selection.readings import Reading, Site

TOKEN = Credentials("token", token="a-token")
QUOTAS = "/api/v1/namespaces/physics/resourcequotas"
CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


def site(url: str, name: str = "k8s") -> Site:
    idp = {"endpoint": "https://iam/", "name": "iam"}
    project = {"id": "physics", "sla": "s"}
    provider = KubernetesProvider.model_validate(
        {"name": name, "auth_url": url, "identity_providers": [idp], "projects": [project]},
        strict=False,
    )
    sla = Sla(doc_uuid="s", start_date=date(2025, 1, 1), end_date=date(2099, 12, 31))
    agreement = Agreement(sla, "physics", "https://iam/")
    return Site(provider, provider.regions[0], provider.projects[0], agreement)


async def read(url: str, **settings: Any) -> Reading:
    given = {"timeout_s": 10.0, "call_timeout_s": 5.0} | settings
    reader = SiteReader(2, given["timeout_s"], given["call_timeout_s"])
    try:
        return await reader.read(site(url), TOKEN)
    finally:
        reader.close()


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as made:
        yield made


async def test_quotas_and_storage_classes_are_read(cluster: Cluster) -> None:
    cluster.add_quota(
        "physics",
        "all",
        {"limits.cpu": "10", "requests.nvidia.com/gpu": "2", "requests.storage": "100Gi"},
        {"limits.cpu": "2500m", "requests.nvidia.com/gpu": "1", "requests.storage": "1Gi"},
    )
    cluster.add_quota("physics", "some", {"pods": "1"}, {"pods": "0"}, scopes=["BestEffort"])
    cluster.add_quota("biology", "other", {"limits.cpu": "1"}, {})
    cluster.add_storage_class("slow")
    cluster.add_storage_class("fast", is_default=True)
    found = await read(cluster.url)
    limits, usage = found.parts["quotas/compute"]
    assert (limits.limits_cpu, limits.gpus) == (10, {"nvidia.com/gpu": 2})
    assert (usage.limits_cpu, usage.gpus) == (2.5, {"nvidia.com/gpu": 1})
    assert [row.storage for row in found.parts["quotas/block-storage"]] == [100, 1]
    classes = {one.name: one.is_default for one in found.parts["storage_classes"]}
    assert classes == {"slow": False, "fast": True}
    assert found.fault is None


async def test_a_namespace_without_quotas_bounds_nothing_which_is_known(cluster: Cluster) -> None:
    found = await read(cluster.url)
    assert found.parts["quotas/compute"] == ()
    assert found.faults == {}


async def test_what_is_refused_is_not_known_and_the_rest_is(cluster: Cluster) -> None:
    cluster.add_storage_class("fast")
    cluster.refuse(QUOTAS, 403, "resourcequotas is forbidden")
    found = await read(cluster.url)
    assert set(found.faults) == {"quotas/compute", "quotas/block-storage", "quotas/storageclass"}
    assert "403: resourcequotas is forbidden" in (found.fault or "")
    assert [one.name for one in found.parts["storage_classes"]] == ["fast"]


async def test_an_answer_that_is_none_is_not_known(cluster: Cluster) -> None:
    cluster.add_quota("physics", "wrong", {"pods": "many"}, {})
    found = await read(cluster.url)
    assert "cannot be understood" in found.faults["quotas/compute"]


async def test_a_cluster_that_refuses_all_is_not_read_at_all(cluster: Cluster) -> None:
    cluster.refuse(QUOTAS, 401, "Unauthorized")
    cluster.refuse(CLASSES, 401, "Unauthorized")
    with pytest.raises(TemporaryError, match="401: Unauthorized"):
        await read(cluster.url)


async def test_a_cluster_that_is_not_there_is_not_read() -> None:
    with pytest.raises(TemporaryError, match="nothing could be read"):
        await read(f"http://127.0.0.1:{free_port()}")


async def test_a_cluster_that_hangs_is_given_up_after_the_time_out_of_the_calls() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TemporaryError, match="no answer"):
            await read(url, call_timeout_s=0.3)


async def test_a_reading_that_lasts_too_long_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TemporaryError, match=r"not read within 0\.2 s"):
            await read(url, timeout_s=0.2, call_timeout_s=1.0)


@contextmanager
def silent_after_the_quotas() -> Iterator[str]:
    """A cluster that tells its quotas, and nothing else; its address."""
    over = Event()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not self.path.startswith(QUOTAS):
                over.wait()
                return
            body = b'{"items": [{"status": {"hard": {"pods": "5"}}}]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            over.set()
            server.shutdown()


async def test_what_was_read_before_the_time_out_is_kept() -> None:
    with silent_after_the_quotas() as url:
        found = await read(url, timeout_s=3.0, call_timeout_s=60.0)
    assert [row.pods for row in found.parts["quotas/compute"]] == [5]
    assert found.faults == {"storage_classes": "not read within 3 s"}


async def test_sites_that_hang_do_not_hold_up_others(cluster: Cluster) -> None:
    """Each site that hangs keeps a thread for a minute; the others have threads of their own."""
    reader = SiteReader(2, 3.0, 60.0)
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        hanging = [site(url, f"hangs-{number}") for number in range(4)]
        ended = asyncio.gather(
            *(reader.read(one, TOKEN) for one in hanging), return_exceptions=True
        )
        found = await reader.read(site(cluster.url), TOKEN)
        assert found.fault is None
        assert all(isinstance(one, TemporaryError) for one in await ended)
        assert [reader.is_reading(one) for one in hanging] == [True] * 4
        assert not reader.is_reading(site(cluster.url))
        assert (await reader.read(site(cluster.url), TOKEN)).fault is None
    reader.close()
