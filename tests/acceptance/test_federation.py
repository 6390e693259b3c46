"""A federation whose sites are read: real OpenStack services, an emulator of Kubernetes, IM's Dummy.

Each template goes where it can, and whoever asks is told why not elsewhere.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from support.cluster import Cluster
from support.identity import SECRET
from support.openstack import OpenStack
from support.stack import Stack, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.openstack,
    pytest.mark.timeout(400),
]

READ_S = 90.0
WAIT_S = 30.0
FILE = """\
trusted_idps:
  - issuer: https://iam.example.org/
    user_groups:
      - name: physics
        slas:
          - {{doc_uuid: cloud, start_date: 2025-01-01, end_date: 2099-12-31}}
          - {{doc_uuid: cluster, start_date: 2025-01-01, end_date: 2099-12-31}}
          - {{doc_uuid: dummy, start_date: 2025-01-01, end_date: 2099-12-31}}
credentials:
  cloud: {{username_env: CLOUD_USERNAME, password_env: CLOUD_PASSWORD}}
  cluster: {{method: token, token_env: CLUSTER_TOKEN}}
openstack:
  - name: cloud
    auth_url: {keystone}
    identity_providers: [{{endpoint: "https://iam.example.org/", name: iam}}]
    projects: [{{id: {project}, sla: cloud, credentials: cloud}}]
kubernetes:
  - name: cluster
    auth_url: {kubernetes}
    identity_providers: [{{endpoint: "https://iam.example.org/", name: iam}}]
    projects: [{{id: physics, sla: cluster, credentials: cluster}}]
static:
  - name: dummy
    type: dummy
    endpoint: https://dummy.example.org/
    projects: [{{id: physics, sla: dummy}}]
    flavors: [{{name: small, vcpus: 2, ram: 4096, disk: 20}}]
    images: [{{name: ubuntu, os_type: linux, os_distro: ubuntu, os_version: "24.04"}}]
"""
MACHINE = """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    machine:
      type: tosca.nodes.indigo.Compute
      capabilities:
        host: {{properties: {{num_cpus: {cpus}, mem_size: 1 GB}}}}
        endpoint: {{properties: {{network_name: PRIVATE}}}}
"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenStack]:
    """One small flavor, one image and a network; of two cores one is taken."""
    made = OpenStack(tmp_path_factory.mktemp("openstack"))
    try:
        made.start()
        made.keystone.user("alice", "physics")
        project = made.keystone.place("projects", "physics")
        made.flavor("tiny", 1, 2048, 10)
        made.flavor("medium", 2, 4096, 20)
        made.admin.image.create_image(
            "ubuntu-24.04",
            data=b"nothing",
            disk_format="raw",
            container_format="bare",
            visibility="public",
        )
        made.connection("alice", "physics").network.create_network(name="private")
        made.admin.compute.update_quota_set(project, cores=2, ram=8192, instances=5)
        made.use(project, 1, 2048)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def stack(
    cloud: OpenStack,
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """One worker whose Feeder reads all three."""
    folder = tmp_path_factory.mktemp("federation")
    with Cluster() as cluster:
        cluster.add_quota("physics", "all", {"limits.cpu": "1"}, {"limits.cpu": "0"})
        file = folder / "providers.yaml"
        file.write_text(
            FILE.format(
                keystone=cloud.keystone.url,
                project=cloud.keystone.place("projects", "physics"),
                kubernetes=cluster.url,
            )
        )
        made = Stack(kafka, im, folder)
        try:
            made.worker.run(
                PAAS_FEEDER_FILES=json.dumps([str(file)]),
                CLOUD_USERNAME="alice",
                CLOUD_PASSWORD=SECRET,
                CLUSTER_TOKEN="a-token",
            )
            until(lambda: len(list(made.client.providers())) == 3, READ_S, "all are read")
            yield made
        finally:
            made.close()


def test_what_was_read_is_shown(stack: Stack) -> None:
    known = {one["name"]: one for one in stack.client.providers()}
    assert {name: one["type"] for name, one in known.items()} == {
        "cloud": "openstack",
        "cluster": "kubernetes",
        "dummy": "dummy",
    }
    (cores,) = [one for one in known["cloud"]["quotas"] if one["resource"] == "cores"]
    assert (cores["limit"], cores["used"], cores["free"]) == (2, 1, 1)
    assert known["cloud"]["counts"]["flavors"] == 2
    listed = stack.run("--url", stack.worker.url, "providers", "list")
    assert "cluster" in listed.stdout, listed.stderr


def reasons(found: dict) -> dict[str, set[str]]:
    told: dict[str, set[str]] = {}
    for one in found["discarded"]:
        told.setdefault(one["provider"], set()).add(one["code"])
    return told


@pytest.mark.parametrize(
    ("cpus", "first", "refused"),
    [
        (1, {"cloud", "dummy"}, {"cluster": {"no_machines"}}),
        (2, {"dummy"}, {"cluster": {"no_machines"}, "cloud": {"quota_cores"}}),
        (4, set(), {"cluster": {"no_machines"}, "cloud": {"flavor"}, "dummy": {"flavor"}}),
    ],
)
def test_each_template_is_told_who_can_host_it_and_why_the_others_cannot(
    stack: Stack, cpus: int, first: set[str], refused: dict[str, set[str]]
) -> None:
    body = {"template": MACHINE.format(cpus=cpus), "userGroup": "physics"}
    url = f"{stack.worker.url}/deployments?dryRun=true"
    found = requests.post(url, json=body, timeout=WAIT_S).json()
    assert {one["provider"] for one in found["providers"]} == first
    told = reasons(found)
    for provider, codes in refused.items():
        assert codes <= told[provider]


def test_a_machine_for_which_the_cloud_has_no_quota_left_is_deployed_at_the_other_site(
    stack: Stack,
) -> None:
    made = stack.client.submit(MACHINE.format(cpus=2), {}, userGroup="physics")
    ended = stack.settled(made["uuid"])
    assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "dummy")
    ranking = stack.client.ranking(made["uuid"])
    (sentence,) = [
        one["reason"]
        for one in ranking["discarded"]
        if (one["provider"], one["code"]) == ("cloud", "quota_cores")
    ]
    assert "2" in sentence


def test_a_container_for_which_the_namespace_has_no_cpu_left_is_refused_with_the_numbers(
    stack: Stack,
) -> None:
    template = Path(__file__).resolve().parents[2] / "examples" / "containers.yaml"
    body = {"template": template.read_text(), "userGroup": "physics"}
    url = f"{stack.worker.url}/deployments?dryRun=true"
    told = reasons(requests.post(url, json=body, timeout=WAIT_S).json())
    assert "no_containers" in told["cloud"]
    assert "storage_class" in told["cluster"]
