"""The federation of the example, whose sites are read: real OpenStack services, Kubernetes clusters.

Each template goes where it can, and whoever asks is told why not elsewhere. Rally tests the clouds.
"""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from support import sites
from support.cluster import Cluster
from support.identity import ROOT, installed
from support.kubernetes_stub import KubernetesStub
from support.machines import machine
from support.openstack import OpenStack
from support.stack import Stack, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.openstack,
    pytest.mark.timeout(600),
]

READ_S = 90.0
RALLY_S = 240.0
WAIT_S = 30.0


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStack]:
    """The services of both clouds."""
    made = OpenStack(tmp_path_factory.mktemp("openstack"))
    try:
        made.start()
        sites.furnish(made)
        yield made
    finally:
        made.close()


CONTAINER = """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    web:
      type: tosca.nodes.Container.Application.Docker
      artifacts:
        image: {file: "nginx:1.29", type: tosca.artifacts.Deployment.Image.Container.Docker}
      requirements: [{host: runtime}]
    runtime:
      type: tosca.nodes.Container.Runtime.Docker
      capabilities: {host: {properties: {num_cpus: 0.25, mem_size: 256 MiB}}}
"""
CLOUDS = {"cloud-north", "cloud-south", "dummy"}


@pytest.fixture(scope="module")
def west() -> Iterator[KubernetesStub]:
    """The second cluster, of which less stays free; two of these containers fit in."""
    with KubernetesStub() as made:
        made.add_storage_class()
        made.add_quota("physics", limits_memory="640Mi")
        yield made


@pytest.fixture(scope="module")
def stack(
    cloud: OpenStack,
    west: KubernetesStub,
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """One worker whose Feeder reads all sites, and which runs Rally."""
    folder = tmp_path_factory.mktemp("federation")
    rally = installed("rally", ROOT / "requirements" / "rally.txt") / "bin" / "rally"
    with Cluster() as cluster:
        cluster.add_quota("physics", "all", {"limits.cpu": "1"}, {"limits.cpu": "0"})
        sites.write(folder / "providers.yaml", cloud, cluster, west)
        made = Stack(kafka, im, folder)
        try:
            made.worker.run(
                PAAS_FEEDER_FILES=json.dumps([str(folder / "providers.yaml")]),
                PAAS_RALLY_COMMAND=str(rally),
                PAAS_RALLY_RUN_INTERVAL_S="5",
                **sites.LOGINS,
            )
            until(lambda: len(list(made.client.providers())) == 7, READ_S, "all are read")
            yield made
        finally:
            made.close()


def entries(stack: Stack, name: str) -> dict[str, dict[str, Any]]:
    """What is shown of a provider's projects, by user group."""
    return {one["userGroup"]: one for one in stack.client.providers() if one["name"] == name}


def test_what_was_read_is_shown(stack: Stack) -> None:
    north = entries(stack, "cloud-north")
    assert set(north) == {"physics", "biology"}
    (cores,) = [one for one in north["physics"]["quotas"] if one["resource"] == "cores"]
    assert (cores["limit"], cores["used"], cores["free"]) == (2, 1, 1)
    assert north["physics"]["counts"]["flavors"] == 2
    assert [one["limit"] for one in north["biology"]["quotas"] if one["perUser"]] == [8]
    assert entries(stack, "cluster")["physics"]["type"] == "kubernetes"
    listed = stack.run("--url", stack.worker.url, "providers", "list")
    assert "cluster" in listed.stdout, listed.stderr


def dry_run(stack: Stack, template: str, group: str) -> dict[str, Any]:
    """Who could host it, and who could not."""
    body = {"template": template, "userGroup": group}
    url = f"{stack.worker.url}/deployments?dryRun=true"
    return dict(requests.post(url, json=body, timeout=WAIT_S).json())


def told(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    """The sentence of each provider and reason."""
    return {(one["provider"], one["code"]): one["reason"] for one in found["discarded"]}


@pytest.mark.parametrize(
    ("group", "cpus", "hosts", "refused"),
    [
        ("physics", 1, {"cloud-north", "cloud-south", "dummy"}, {("cluster", "no_machines")}),
        ("physics", 2, {"cloud-south", "dummy"}, {("cloud-north", "quota_cores")}),
        ("physics", 4, {"dummy"}, {("cloud-north", "flavor"), ("cloud-south", "flavor")}),
        ("biology", 1, {"cloud-north"}, {("cloud-south", "sla_expired")}),
    ],
)
def test_each_template_is_told_who_can_host_it_and_why_the_others_cannot(
    stack: Stack, group: str, cpus: int, hosts: set[str], refused: set[tuple[str, str]]
) -> None:
    found = dry_run(stack, machine(cpus, network="PRIVATE"), group)
    assert {one["provider"] for one in found["providers"]} == hosts
    assert refused <= set(told(found))


def test_the_reasons_have_the_numbers(stack: Stack) -> None:
    found = told(dry_run(stack, machine(2, network="PRIVATE"), "physics"))
    assert found["cloud-north", "quota_cores"] == "2 vCPUs are needed, 1 of 2 are free"
    found = told(dry_run(stack, machine(1, network="PRIVATE"), "biology"))
    assert "2024-12-31" in found["cloud-south", "sla_expired"]


def test_a_machine_that_fits_at_one_site_only_is_deployed_there(stack: Stack) -> None:
    made = stack.client.submit(machine(4, network="PRIVATE"), {}, userGroup="physics")
    ended = stack.settled(made["uuid"])
    assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "dummy")
    ranking = stack.client.ranking(made["uuid"])
    assert {one["provider"] for one in ranking["discarded"]} >= {"cloud-north", "cloud-south"}


def test_a_container_for_which_the_cluster_has_no_volumes_is_refused(stack: Stack) -> None:
    template = (ROOT / "examples" / "containers.yaml").read_text()
    found = told(dry_run(stack, template, "physics"))
    assert ("cloud-south", "no_containers") in found
    assert ("cluster", "storage_class") in found


class TestContainers:
    """Clusters host them and no machines; clouds host machines and no containers."""

    def test_go_to_the_cluster_that_can_host_them(self, stack: Stack, west: KubernetesStub) -> None:
        template = (ROOT / "examples" / "containers.yaml").read_text()
        uuid = stack.client.submit(template, {}, userGroup="physics")["uuid"]
        ended = stack.settled(uuid)
        found = ended["status"], ended["cloudProviderName"]
        assert found == ("CREATE_COMPLETE", "cluster-west"), ended["statusReason"]
        assert {one["spec"]["type"] for one in west.of("services")} == {"NodePort"}
        discarded = stack.client.ranking(uuid)["discarded"]
        refused = {one["provider"]: one["code"] for one in discarded}
        assert refused == dict.fromkeys(CLOUDS, "no_containers") | {"cluster": "storage_class"}
        told = {one["reason"] for one in discarded if one["provider"] == "cloud-north"}
        assert told == {"openstack hosts machines only, no containers"}
        delete(stack, uuid)
        assert west.left() == set()

    def test_go_to_the_other_cluster_when_the_first_fails_and_to_no_cloud(
        self, stack: Stack, west: KubernetesStub
    ) -> None:
        uuid = stack.client.submit(CONTAINER, {}, userGroup="physics")["uuid"]
        ended = stack.settled(uuid)
        found = ended["status"], ended["cloudProviderName"]
        assert found == ("CREATE_COMPLETE", "cluster-west"), ended["statusReason"]
        tried = [one["provider"] for one in stack.client.events(uuid) if begins(one)]
        assert tried == ["cluster", "cluster-west"]
        refused = {one["provider"]: one["code"] for one in stack.client.ranking(uuid)["discarded"]}
        assert refused == dict.fromkeys(CLOUDS, "no_containers")
        delete(stack, uuid)
        assert west.left() == set()


def begins(event: dict[str, Any]) -> bool:
    """Whether an attempt begins with it."""
    return (event["step"], event["status"]) == ("attempt", "begin")


def delete(stack: Stack, uuid: str) -> None:
    stack.client.delete(uuid)
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"


class TestRally:
    def test_tests_each_cloud_and_what_it_finds_is_shown(self, stack: Stack) -> None:
        for name in ("cloud-north", "cloud-south"):
            until(lambda name=name: last_report(stack, name), RALLY_S, f"{name} is tested")
            assert last_report(stack, name)["passed"] is True, last_report(stack, name)
            health = entries(stack, name)["physics"]["health"]
            assert [health[f"failureShare{days}"] for days in ("1d", "7d", "30d")] == [0, 0, 0]

    def test_finds_a_service_that_is_down(self, stack: Stack, cloud: OpenStack) -> None:
        glance = cloud.services["glance"]
        glance.kill9()
        try:
            until(
                lambda: last_report(stack, "cloud-north").get("passed") is False,
                RALLY_S,
                "the failure is known",
            )
        finally:
            glance.run(f"http://127.0.0.1:{glance.port}/")
        found = entries(stack, "cloud-north")["physics"]["health"]
        assert found["lastReport"]["failingScenario"] == "GlanceImages.list_images"
        assert 0 < found["failureShare1d"] < 1

    def test_sends_no_report_twice(self, stack: Stack) -> None:
        done = stack.run("topics", "tail", "rally", "--no-follow", "--from-beginning")
        tasks = [json.loads(line)["value"]["task_uuid"] for line in done.stdout.splitlines()]
        assert len(tasks) >= 3
        assert len(tasks) == len(set(tasks))


def last_report(stack: Stack, name: str) -> dict[str, Any]:
    """Of a cloud; empty: it was not tested yet."""
    return dict(entries(stack, name)["physics"]["health"].get("lastReport", {}))
