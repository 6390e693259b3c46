"""What a cluster says of the containers that the IM has made there: a stub of the API, and the official
client.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.kubernetes_stub import TOKEN, KubernetesStub
from support.ports import free_port

from paas_stream.clients import clusters
from paas_stream.clients.cluster_access import Access, Workload
from paas_stream.errors import TemporaryError

pytestmark = pytest.mark.kubernetes

WEB = Workload("physics", "web-1a2b3c4d")
SHORT_S = 0.3
ASKS: list[Callable[[Access, Workload], Any]] = [
    clusters.why_not_running,
    clusters.is_rolling_out,
    clusters.missing,
    lambda access, one: clusters.left(access, one, 1),
]


@pytest.fixture
def cluster() -> Iterator[KubernetesStub]:
    with KubernetesStub(start_s=0.0) as made:
        yield made


def access(cluster: KubernetesStub, token: str = TOKEN) -> Access:
    return Access(cluster.url, token, None, 5.0)


def put(
    cluster: KubernetesStub,
    plural: str,
    body: dict[str, Any],
    group: str = "api/v1",
    name: str = WEB.name,
) -> None:
    """Make an object, as the IM does."""
    body["metadata"] = {"name": name, "labels": {"name": name}}
    path = f"/{group}/namespaces/physics/{plural}"
    status, answer = cluster.answer("POST", path, f"Bearer {TOKEN}", json.dumps(body).encode())
    assert status == 201, answer


def deploy(cluster: KubernetesStub, image: str = "web:1", **spec: Any) -> None:
    """Its Deployment."""
    container = {"name": WEB.name, "image": image, "resources": {"limits": {"cpu": "1"}}}
    pod = {
        "metadata": {"labels": {"name": WEB.name}},
        "spec": {"containers": [container]} | spec,
    }
    put(cluster, "deployments", {"spec": {"template": pod}}, "apis/apps/v1")


def mounted(*kinds: str) -> list[dict[str, Any]]:
    return [{"name": str(number), kind: {}} for number, kind in enumerate(kinds)]


class TestWhyAContainerDoesNotRun:
    @pytest.mark.parametrize(
        ("image", "says"),
        [
            ("stuck", 'pod web-1a2b3c4d-x: ImagePullBackOff: Back-off pulling image "stuck"'),
            ("fails", "pod web-1a2b3c4d-x: its container has ended with 1 (Error)"),
        ],
    )
    async def test_is_what_its_pod_says(
        self, cluster: KubernetesStub, image: str, says: str
    ) -> None:
        deploy(cluster, image)
        assert await clusters.why_not_running(access(cluster), WEB) == says

    async def test_is_what_the_quota_says_of_a_pod_that_was_never_made(
        self, cluster: KubernetesStub
    ) -> None:
        cluster.add_quota("physics", limits_cpu="500m")
        deploy(cluster)
        found = await clusters.why_not_running(access(cluster), WEB)
        assert found == (
            'pods "web-1a2b3c4d-x" is forbidden: exceeded quota: all, limited: limits.cpu'
        )

    async def test_is_not_known_while_it_starts_and_when_it_runs(
        self, cluster: KubernetesStub
    ) -> None:
        cluster.start_s = 3600.0
        deploy(cluster)
        assert await clusters.why_not_running(access(cluster), WEB) is None
        cluster.start_s = 0.0
        assert await clusters.why_not_running(access(cluster), WEB) is None

    async def test_is_that_its_deployment_is_gone(self, cluster: KubernetesStub) -> None:
        found = await clusters.why_not_running(access(cluster), WEB)
        assert found == "the Deployment web-1a2b3c4d is not there"

    @pytest.mark.parametrize(
        ("status", "says"),
        [
            (
                {
                    "conditions": [
                        {"type": "Ready", "status": "False", "message": "not ready"},
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "reason": "Unschedulable",
                            "message": "0/3 nodes are available:\n3 Insufficient cpu.",
                        },
                    ]
                },
                "pod p: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
            ),
            (
                {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"},
                "pod p: Evicted: The node was low on memory",
            ),
            (
                {
                    "containerStatuses": [
                        {"state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
                    ]
                },
                "pod p: its container has ended with 137 (OOMKilled)",
            ),
            ({"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}, None),
            ({"containerStatuses": None, "conditions": None}, None),
            ({}, None),
        ],
    )
    async def test_is_read_from_the_status_of_a_pod(
        self, status: dict[str, Any], says: str | None
    ) -> None:
        pods = {"items": [{"metadata": {"name": "p"}, "status": status}]}
        with answering(lambda path: pods if "/pods" in path else {}) as url:
            found = await clusters.why_not_running(Access(url, TOKEN, None, 5.0), WEB)
        assert found == says

    async def test_is_told_once_and_bounded(self) -> None:
        waiting = {"waiting": {"reason": "ErrImagePull", "message": "x" * 5000}}
        pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [{"state": waiting}] * 2}}
        with answering(lambda path: {"items": [pod]} if "/pods" in path else {}) as url:
            found = await clusters.why_not_running(Access(url, TOKEN, None, 5.0), WEB)
        assert found is not None
        assert (found.count("ErrImagePull"), len(found)) == (1, 300)


def change(cluster: KubernetesStub, image: str) -> None:
    """Give it another image, as the IM does."""
    path = "/spec/template/spec/containers/0/image"
    status, answer = cluster.answer(
        "PATCH",
        f"/apis/apps/v1/namespaces/physics/deployments/{WEB.name}",
        f"Bearer {TOKEN}",
        json.dumps([{"op": "replace", "path": path, "value": image}]).encode(),
    )
    assert status == 200, answer


class TestARollout:
    async def test_is_over_when_the_new_pod_runs(self, cluster: KubernetesStub) -> None:
        deploy(cluster)
        assert not await clusters.is_rolling_out(access(cluster), WEB)
        cluster.start_s = 3600.0
        change(cluster, "web:2")
        assert await clusters.is_rolling_out(access(cluster), WEB)
        cluster.start_s = 0.0
        assert not await clusters.is_rolling_out(access(cluster), WEB)

    async def test_goes_on_while_the_new_pod_is_kept_from_running(
        self, cluster: KubernetesStub
    ) -> None:
        deploy(cluster)
        change(cluster, "web:stuck")
        assert await clusters.is_rolling_out(access(cluster), WEB)
        found = await clusters.why_not_running(access(cluster), WEB)
        assert found is not None
        assert found.startswith("pod web-1a2b3c4d-xx: ImagePullBackOff")

    async def test_goes_on_while_a_quota_has_no_room_for_both_pods(
        self, cluster: KubernetesStub
    ) -> None:
        cluster.add_quota("physics", limits_cpu="1")
        deploy(cluster)
        change(cluster, "web:2")
        assert await clusters.is_rolling_out(access(cluster), WEB)
        found = await clusters.why_not_running(access(cluster), WEB)
        assert found is not None
        assert "exceeded quota" in found

    async def test_of_what_is_gone_is_none(self, cluster: KubernetesStub) -> None:
        assert not await clusters.is_rolling_out(access(cluster), WEB)

    @pytest.mark.parametrize(
        ("generation", "status", "goes_on"),
        [
            (2, {}, False),  # no controller has looked at it
            (2, {"observedGeneration": 1, "updatedReplicas": 1, "availableReplicas": 1}, True),
            (2, {"observedGeneration": 2, "updatedReplicas": 1, "availableReplicas": 1}, False),
            (2, {"observedGeneration": 2, "replicas": 1, "availableReplicas": 1}, True),
            (2, {"observedGeneration": 2, "updatedReplicas": 1}, True),
            (
                2,
                {
                    "observedGeneration": 2,
                    "replicas": 2,
                    "updatedReplicas": 1,
                    "availableReplicas": 2,
                },
                True,
            ),
        ],
    )
    async def test_is_read_from_the_status_of_the_deployment(
        self, generation: int, status: dict[str, Any], goes_on: bool
    ) -> None:
        told = {"metadata": {"generation": generation}, "spec": {"replicas": 1}, "status": status}
        with answering(lambda path: told) as url:
            found = await clusters.is_rolling_out(Access(url, TOKEN, None, 5.0), WEB)
        assert found is goes_on


class TestWhatIsMissing:
    async def test_is_nothing_where_all_is_there(self, cluster: KubernetesStub) -> None:
        deploy(cluster, volumes=mounted("persistentVolumeClaim", "configMap", "secret"))
        put(cluster, "services", {"spec": {"ports": []}})
        put(cluster, "ingresses", {"spec": {}}, "apis/networking.k8s.io/v1")
        whole = replace(WEB, claims=1, files=2, has_service=True, has_ingress=True)
        assert await clusters.missing(access(cluster), whole) == ()

    async def test_is_all_that_was_to_be_there_in_one_go(self, cluster: KubernetesStub) -> None:
        deploy(cluster, volumes=mounted("persistentVolumeClaim", "configMap"))
        whole = replace(WEB, claims=2, files=2, has_service=True, has_ingress=True)
        found = await clusters.missing(access(cluster), whole)
        assert [one.partition(":")[0] for one in found] == [
            "web-1a2b3c4d has 1 of its 2 volumes",
            "web-1a2b3c4d has 1 of its 2 files",
            "web-1a2b3c4d has no Service",
            "web-1a2b3c4d has no Ingress",
        ]

    async def test_is_nothing_that_nobody_asked_for(self, cluster: KubernetesStub) -> None:
        deploy(cluster)
        assert await clusters.missing(access(cluster), WEB) == ()
        assert [one.path for one in cluster.calls if one.method == "GET"] == [
            "/apis/apps/v1/namespaces/physics/deployments/web-1a2b3c4d"
        ]

    async def test_is_the_deployment_itself(self, cluster: KubernetesStub) -> None:
        found = await clusters.missing(access(cluster), replace(WEB, has_service=True))
        assert found == ("the cluster has no Deployment web-1a2b3c4d",)


class TestWhatIsLeft:
    async def test_is_not_asked_for_while_the_deployment_is_there(
        self, cluster: KubernetesStub
    ) -> None:
        deploy(cluster)
        assert await clusters.left(access(cluster), WEB, 3) is None

    async def test_is_nothing_where_all_is_gone(self, cluster: KubernetesStub) -> None:
        assert await clusters.left(access(cluster), WEB, 3) == ()

    async def test_is_all_that_bears_the_name_or_a_number_of_it(
        self, cluster: KubernetesStub
    ) -> None:
        put(cluster, "services", {"spec": {"ports": []}})
        put(cluster, "ingresses", {"spec": {}}, "apis/networking.k8s.io/v1")
        claim = {"spec": {"resources": {"requests": {"storage": "1Gi"}}}}
        put(cluster, "persistentvolumeclaims", claim, name=f"{WEB.name}-2")
        put(cluster, "configmaps", {"data": {}}, name=f"{WEB.name}-cm-1")
        put(cluster, "secrets", {"data": {}}, name=f"{WEB.name}-cm-3")
        put(cluster, "configmaps", {"data": {}}, name="another")
        assert await clusters.left(access(cluster), WEB, 3) == (
            "the Service web-1a2b3c4d",
            "the Ingress web-1a2b3c4d",
            "the PersistentVolumeClaim web-1a2b3c4d-2",
            "the ConfigMap web-1a2b3c4d-cm-1",
            "the Secret web-1a2b3c4d-cm-3",
        )


@pytest.mark.parametrize("ask", ASKS)
class TestAClusterThatCannotBeAsked:
    async def test_refuses_the_token(
        self, cluster: KubernetesStub, ask: Callable[[Access, Workload], Any]
    ) -> None:
        deploy(cluster)
        with pytest.raises(TemporaryError, match="the cluster answers 401") as refused:
            await ask(access(cluster, "another"), WEB)
        assert "another" not in str(refused.value)

    async def test_refuses_the_connection(self, ask: Callable[[Access, Workload], Any]) -> None:
        there = Access(f"http://127.0.0.1:{free_port()}", TOKEN, None, 5.0)
        with pytest.raises(TemporaryError, match="the cluster cannot be asked"):
            await ask(there, WEB)

    async def test_hangs(self, ask: Callable[[Access, Workload], Any]) -> None:
        let_go = threading.Event()

        def hang(path: str) -> dict[str, Any]:
            let_go.wait(30.0)
            return {}

        with answering(hang) as url:
            begun = time.monotonic()
            with pytest.raises(TemporaryError, match="the cluster cannot be asked"):
                await ask(Access(url, TOKEN, None, SHORT_S), WEB)
            assert time.monotonic() - begun < 20 * SHORT_S
            let_go.set()

    @pytest.mark.parametrize("answer", [b"<html>", b"", b"[]", b'"text"', b"\xff", b"[" * 100_000])
    async def test_answers_what_nobody_can_understand(
        self, ask: Callable[[Access, Workload], Any], answer: bytes
    ) -> None:
        with (
            answering(lambda path: answer) as url,
            pytest.raises(TemporaryError, match="the cluster's answer cannot be understood"),
        ):
            await ask(Access(url, TOKEN, None, 5.0), replace(WEB, claims=1))

    async def test_has_an_authority_that_is_not_there(
        self, ask: Callable[[Access, Workload], Any], tmp_path: Path
    ) -> None:
        there = Access("https://127.0.0.1:1", TOKEN, tmp_path / "none.pem", 5.0)
        with pytest.raises(TemporaryError, match="the cluster cannot be asked"):
            await ask(there, WEB)


async def test_a_token_is_not_shown() -> None:
    assert "geheim" not in repr(Access("http://cluster", "geheim", None, 5.0))


@contextmanager
def answering(answer: Callable[[str], dict[str, Any] | bytes]) -> Iterator[str]:
    """A server that answers 200 with what `answer` makes of the path; where it is."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

        def do_GET(self) -> None:
            made = answer(self.path)
            body = made if isinstance(made, bytes) else json.dumps(made).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
