"""What is read of a namespace through the API of its cluster: an emulator, and the official client."""

import socket
from collections.abc import Iterator
from datetime import date
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


def site(url: str) -> Site:
    idp = {"endpoint": "https://iam/", "name": "iam"}
    project = {"id": "physics", "sla": "s"}
    provider = KubernetesProvider.model_validate(
        {"name": "k8s", "auth_url": url, "identity_providers": [idp], "projects": [project]},
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
