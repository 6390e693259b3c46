"""kill -9 of the worker while containers are created or updated at a cluster, and a restart."""

import pytest
from support.clusters import API, IMAGE, Clusters, deleted, images, is_api, template
from support.fault_proxy import Fault
from support.kubernetes_stub import amount
from support.stack import Stack, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.kubernetes,
    pytest.mark.timeout(300),
]

WAIT_S = 60.0


class TestAWorkerThatIsKilled:
    """By SIGKILL; another one goes on from what is in the topics, the IM and the cluster."""

    def killed(self, stack: Stack, held: Fault) -> None:
        """At a held call, whose reply nobody gets."""
        assert held.reached.wait(WAIT_S)
        stack.worker.kill9()
        held.drop()
        stack.worker.run()

    @pytest.fixture(scope="class")
    def uuid(self, stack: Stack) -> str:
        """A deployment whose worker was killed when the IM had begun to create it."""
        held = stack.proxy.fault("POST", r"^/infrastructures\?", "after")
        uuid = stack.client.submit(template(port=30500), {}, userGroup="physics")["uuid"]
        self.killed(stack, held)
        return str(uuid)

    def test_while_a_container_is_created_leaves_one_of_it(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
        stack.keeps_one(uuid)
        assert whole(clusters) == (1, 1, 1)

    @pytest.mark.parametrize(
        ("call", "cpus"),
        [
            pytest.param(("PUT", r"/vms/[^/]+$"), 2, id="changed in place"),
            pytest.param(("POST", r"^/infrastructures/[^/?]+$"), 3, id="added"),
        ],
    )
    def test_while_containers_are_updated_leaves_what_the_template_wants(
        self, stack: Stack, clusters: Clusters, uuid: str, call: tuple[str, str], cpus: int
    ) -> None:
        held = stack.proxy.fault(*call, "after")
        stack.client.update(uuid, template(port=30500, cpus=cpus, more=API), {})
        self.killed(stack, held)
        until(lambda: stack.settled(uuid)["status"] == "UPDATE_COMPLETE", WAIT_S, "it is complete")
        stack.keeps_one(uuid)
        assert images(clusters, "physics") == {IMAGE, "registry.example.org/api:1"}
        assert whole(clusters) == (2, 2, 1)
        limits = [
            one["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]
            for one in clusters.good.of("deployments")
            if not is_api(one)
        ]
        assert [amount(one["cpu"]) for one in limits] == [cpus]

    def test_leaves_what_can_be_deleted(self, stack: Stack, clusters: Clusters, uuid: str) -> None:
        deleted(stack, uuid)
        assert clusters.good.left() == set()


def whole(clusters: Clusters) -> tuple[int, int, int]:
    """How many Deployments, Services and claims there are in the namespace physics."""
    deployments, services, claims = (
        len(clusters.good.of(plural))
        for plural in ("deployments", "services", "persistentvolumeclaims")
    )
    return deployments, services, claims
