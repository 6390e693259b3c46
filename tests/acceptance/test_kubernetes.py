"""Containers, through the real IM's Kubernetes connector, at clusters that are stubs of the API.

What the stub does of a real cluster is told in `support.kubernetes_stub`.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from typing import Any

import pytest
import requests
import yaml
from support.identity import ROOT
from support.kubernetes_stub import TOKEN, KubernetesStub, amount
from support.ports import free_port
from support.stack import Stack, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.kubernetes,
    pytest.mark.timeout(300),
]

WAIT_S = 60.0
STARTING_S = 8.0
ISSUER = "https://iam.example.org/"
IMAGE = "registry.example.org/web:1"
TAKEN_PORT = 30080
CHANGED = {"port": 30200, "cpus": 1, "memory": "1 GB", "image": f"{IMAGE}.1"}
SHARED = ROOT.parent / "shared" / "data" / "tosca" / "grycap" / "k8s_app.yaml"


def template(**given: Any) -> str:
    """A web server with a volume; `more` is YAML of other nodes."""
    said = {"cpus": 0.5, "memory": "256 MiB", "image": IMAGE, "port": 30080, "count": 1, "more": ""}
    said |= given
    return """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    web:
      type: tosca.nodes.Container.Application.Docker
      properties:
        environment: {{MODE: production}}
      artifacts:
        image: {{file: "{image}", type: tosca.artifacts.Deployment.Image.Container.Docker}}
      requirements: [{{host: runtime}}]
    runtime:
      type: tosca.nodes.Container.Runtime.Docker
      capabilities:
        scalable:
          properties: {{min_instances: 0, max_instances: 1, default_instances: {count}}}
        host:
          properties:
            num_cpus: {cpus}
            mem_size: {memory}
            publish_ports: [{{target: 80, source: {port}, protocol: tcp}}]
            volumes: ["pages:/pages"]
    pages: {{type: tosca.nodes.BlockStorage, properties: {{size: 1 GiB}}}}{more}
  outputs:
    url: {{value: {{get_attribute: [web, endpoints, 0]}}}}
""".format(**said)


API = """
    api:
      type: tosca.nodes.Container.Application.Docker
      artifacts:
        image:
          file: registry.example.org/api:1
          type: tosca.artifacts.Deployment.Image.Container.Docker
      requirements: [{host: api_runtime}]
    api_runtime:
      type: tosca.nodes.Container.Runtime.Docker
      capabilities: {host: {properties: {num_cpus: 1, mem_size: 1 GB}}}"""


class Federation:
    """A good cluster; and for each case of failure one that comes before it, for a group of its own."""

    def __init__(self) -> None:
        self.good = KubernetesStub(namespaces=("physics", "biology"))
        self.good.add_storage_class()
        self.good.add_quota(
            "biology", limits_cpu="2", limits_memory="4Gi", requests_storage="10Gi", pods="10"
        )
        self.bad = {
            "bad-token": KubernetesStub(),
            "no-quota": KubernetesStub(),
            "no-pods": KubernetesStub(),
            "no-claims": KubernetesStub(),
            "port-taken": KubernetesStub(),
            "pod-fails": KubernetesStub(fate="fails"),
            "pod-stuck": KubernetesStub(fate="stuck"),
        }
        self.bad["no-quota"].add_quota("physics", **{"count/deployments_apps": "0"})
        self.bad["no-pods"].add_quota("physics", limits_cpu="100m")
        self.bad["no-claims"].add_quota("physics", persistentvolumeclaims="0")
        another = {"spec": {"type": "NodePort", "ports": [{"nodePort": TAKEN_PORT}]}}
        self.bad["port-taken"].objects["physics", "services", "another"] = another
        self.cases = (*self.bad, "unreachable")

    def file(self) -> dict[str, Any]:
        """The provider file, once the clusters have addresses."""
        urls = {name: one.url for name, one in self.bad.items()}
        urls["unreachable"] = f"http://127.0.0.1:{free_port()}"
        statics = [_static(case, urls[case], f"{case}-first") for case in self.cases]
        statics[0]["projects"][0]["credentials"] = "wrong"
        groups = {case: {f"{case}-first": "2020-01-01"} for case in self.cases}
        for group in (*self.cases, "physics"):
            statics.append(_static(f"good-for-{group}", self.good.url, f"{group}-good"))
            groups.setdefault(group, {})[f"{group}-good"] = "2025-01-01"
        groups["biology"] = {"biology-read": "2025-01-01"}
        read = {
            "name": "cluster",
            "auth_url": self.good.url,
            "apps_dns": "apps.example.org",
            "identity_providers": [{"endpoint": ISSUER, "name": "iam"}],
            "projects": [{"id": "biology", "sla": "biology-read", "credentials": "good"}],
        }
        return {
            "trusted_idps": [
                {
                    "issuer": ISSUER,
                    "group_claim": "groups",
                    "user_groups": [_group(name, slas) for name, slas in groups.items()],
                }
            ],
            "credentials": {
                "good": {"method": "token", "token_env": "GOOD_TOKEN"},
                "wrong": {"method": "token", "token_env": "WRONG_TOKEN"},
            },
            "kubernetes": [read],
            "static": statics,
        }


def _group(name: str, slas: dict[str, str]) -> dict[str, Any]:
    """A user group; where nothing else is known, the oldest agreement comes first."""
    return {
        "name": name,
        "slas": [
            {
                "doc_uuid": uuid,
                "start_date": date.fromisoformat(begins),
                "end_date": date(2099, 12, 31),
            }
            for uuid, begins in slas.items()
        ],
    }


def _static(name: str, url: str, sla: str) -> dict[str, Any]:
    """A cluster of which no quota is known, so that nothing is refused before it is tried."""
    return {
        "name": name,
        "type": "kubernetes",
        "endpoint": url,
        "storage_classes": [{"name": "standard", "is_default": True}],
        "projects": [{"id": "physics", "sla": sla, "credentials": "good"}],
    }


@pytest.fixture(scope="module")
def federation() -> Iterator[Federation]:
    made = Federation()
    with ExitStack() as clusters:
        for one in (made.good, *made.bad.values()):
            clusters.enter_context(one)
        yield made


@pytest.fixture(scope="module")
def stack(
    federation: Federation,
    kafka: str,
    im: str,
    clean_topics: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("kubernetes")
    file = folder / "providers.yaml"
    file.write_text(yaml.safe_dump(federation.file()))
    made = Stack(kafka, im, folder)
    try:
        made.worker.run(
            PAAS_FEEDER_FILES=json.dumps([str(file)]),
            PAAS_DISPATCH_STARTING_S=str(STARTING_S),
            GOOD_TOKEN=TOKEN,
            WRONG_TOKEN="another",
        )
        wanted = 2 * len(federation.cases) + 2
        until(lambda: len(list(made.client.providers())) == wanted, WAIT_S, "all are known")
        yield made
    finally:
        made.close()


def failed_attempts(stack: Stack, uuid: str) -> list[dict[str, Any]]:
    """What the timeline says of attempts that failed."""
    events = stack.client.events(uuid)
    return [one for one in events if (one["step"], one["status"]) == ("attempt", "failed")]


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("bad-token", "Unauthorized"),
        ("no-quota", "exceeded quota"),
        ("no-pods", "exceeded quota"),
        ("no-claims", "has 0 of its 1 volumes"),
        ("port-taken", "has no Service"),
        ("pod-fails", "its container has ended with 1"),
        ("pod-stuck", "ImagePullBackOff"),
        ("unreachable", "Connection refused"),
    ],
)
def test_a_cluster_that_fails_falls_over_to_the_next_one_with_its_reason(
    stack: Stack, federation: Federation, case: str, says: str
) -> None:
    port = TAKEN_PORT if case == "port-taken" else 30100 + federation.cases.index(case)
    uuid = stack.client.submit(template(port=port), {}, userGroup=case)["uuid"]
    ended = stack.settled(uuid)
    found = ended["status"], ended.get("cloudProviderName")
    assert found == ("CREATE_COMPLETE", f"good-for-{case}"), ended
    (failed,) = failed_attempts(stack, uuid)
    assert (failed["attempt"], failed["provider"]) == (1, case)
    assert says in failed["message"]
    assert len(stack.infrastructures(uuid)) == 1
    if case in federation.bad:
        assert federation.bad[case].left() <= {"services/another"}


class TestOneDeployment:
    """From the create over updates to the delete, at the cluster whose quotas are read."""

    @pytest.fixture(scope="class")
    def uuid(self, stack: Stack, federation: Federation) -> str:
        made = stack.client.submit(template(port=30200), {}, userGroup="biology")
        ended = stack.settled(made["uuid"])
        assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "cluster")
        return str(ended["uuid"])

    def test_is_made_as_the_template_says(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        (deployment,) = federation.good.of("deployments", "biology")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == IMAGE
        assert container["env"] == [{"name": "MODE", "value": "production"}]
        assert amount(container["resources"]["limits"]["cpu"]) == 0.5
        assert amount(container["resources"]["limits"]["memory"]) == 256 * 1024**2
        (claim,) = federation.good.of("persistentvolumeclaims", "biology")
        assert amount(claim["spec"]["resources"]["requests"]["storage"]) == 1024**3
        assert stack.client.deployment(uuid)["outputs"] == {"url": "127.0.0.1:30200"}

    def test_has_a_resource_that_is_started_and_cannot_be_stopped(
        self, stack: Stack, uuid: str
    ) -> None:
        (web,) = until(lambda: seen(stack, uuid), WAIT_S, "its container is seen")
        assert (web["toscaNodeName"], web["state"]) == ("web", "STARTED")
        url = f"{stack.worker.url}/deployments/{uuid}/resources/{web['uuid']}/actions"
        assert requests.post(url, json={"type": "stop"}, timeout=30).status_code in (400, 409)

    def test_gets_the_cpus_the_memory_and_the_image_of_an_update_in_place(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        before = federation.good.left("biology")
        update(stack, uuid, template(**CHANGED))
        (deployment,) = federation.good.of("deployments", "biology")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == f"{IMAGE}.1"
        assert amount(container["resources"]["limits"]["cpu"]) == 1
        assert amount(container["resources"]["requests"]["memory"]) == 1e9
        assert federation.good.left("biology") == before
        (patch,) = [one for one in federation.good.calls if one.method == "PATCH"]
        assert patch.status == 200

    def test_gets_another_container_and_loses_it_again(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        update(stack, uuid, template(**CHANGED, more=API))
        assert images(federation) == {f"{IMAGE}.1", "registry.example.org/api:1"}
        assert {one["toscaNodeName"] for one in seen(stack, uuid)} == {"web", "api"}
        update(stack, uuid, template(**CHANGED))
        assert images(federation) == {f"{IMAGE}.1"}

    def test_is_scaled_to_nothing_and_back(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        update(stack, uuid, template(**CHANGED, more=API, count=0))
        assert images(federation) == {"registry.example.org/api:1"}
        assert not federation.good.of("persistentvolumeclaims", "biology")
        update(stack, uuid, template(**CHANGED, more=API, count=1))
        assert images(federation) == {f"{IMAGE}.1", "registry.example.org/api:1"}
        assert stack.client.deployment(uuid)["outputs"] == {"url": "127.0.0.1:30200"}

    def test_is_made_anew_when_it_has_no_volume_and_cannot_be_changed_in_place(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        before = {one["toscaNodeName"]: one["uuid"] for one in seen(stack, uuid)}
        more = API.replace(
            "      artifacts:", "      properties: {environment: {A: b}}\n      artifacts:"
        )
        update(stack, uuid, template(**CHANGED, more=more))
        api = next(one for one in federation.good.of("deployments", "biology") if is_api(one))
        env = api["spec"]["template"]["spec"]["containers"][0]["env"]
        assert env == [{"name": "A", "value": "b"}]
        after = {one["toscaNodeName"]: one["uuid"] for one in seen(stack, uuid)}
        assert (after["web"] == before["web"], after["api"] == before["api"]) == (True, False)
        update(stack, uuid, template(**CHANGED))

    def test_keeps_its_volume_and_so_refuses_what_cannot_be_changed_in_place(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        before = federation.good.left("biology")
        text = template(**CHANGED).replace("production", "testing")
        assert "a container with a volume" in update_fails(stack, uuid, text)
        assert federation.good.left("biology") == before

    def test_is_told_what_of_an_update_the_cluster_has_refused(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        ports = "mem_size: 1 GB, publish_ports: [{target: 80, source: 30200}]"
        text = template(**CHANGED, more=API.replace("mem_size: 1 GB", ports))
        assert "has no Service" in update_fails(stack, uuid, text)

    def test_is_deleted_and_nothing_is_left(
        self, stack: Stack, federation: Federation, uuid: str
    ) -> None:
        stack.client.delete(uuid)
        assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
        assert federation.good.left("biology") == set()
        assert stack.infrastructures(uuid) == []


def update(stack: Stack, uuid: str, text: str) -> None:
    """An update, until it is complete."""
    stack.client.update(uuid, text, {})
    ended = stack.settled(uuid)
    assert ended["status"] == "UPDATE_COMPLETE", ended["statusReason"]


def update_fails(stack: Stack, uuid: str, text: str) -> str:
    """Why an update has failed."""
    stack.client.update(uuid, text, {})
    ended = stack.settled(uuid)
    assert ended["status"] == "UPDATE_FAILED", ended
    return str(ended["statusReason"])


def is_api(deployment: dict[str, Any]) -> bool:
    return str(deployment["metadata"]["name"]).startswith("api-")


def seen(stack: Stack, uuid: str) -> list[dict[str, Any]]:
    """The resources that the IM has made."""
    page = requests.get(f"{stack.worker.url}/deployments/{uuid}/resources", timeout=30).json()
    return [one for one in page["content"] if one.get("metadata", {}).get("VirtualMachineInfo")]


def images(federation: Federation) -> set[str]:
    """Of the containers in the namespace biology."""
    return {
        container["image"]
        for one in federation.good.of("deployments", "biology")
        for container in one["spec"]["template"]["spec"]["containers"]
    }


@pytest.mark.skipif(not SHARED.exists(), reason="the field's templates are not here")
def test_a_template_of_the_field_is_deployed(stack: Stack, federation: Federation) -> None:
    made = stack.client.submit(SHARED.read_text(), {}, userGroup="physics")
    ended = stack.settled(made["uuid"])
    assert ended["status"] == "CREATE_COMPLETE", ended
    assert ended["outputs"] == {"mysql_service_url": "127.0.0.1:32306"}
    stack.client.delete(made["uuid"])
    assert stack.settled(made["uuid"])["status"] == "DELETE_COMPLETE"


def test_an_example_of_ours_is_deployed_twice_in_one_namespace(
    stack: Stack, federation: Federation
) -> None:
    text = (ROOT / "examples" / "containers.yaml").read_text()
    uuids = [
        stack.client.submit(text, {"port": port}, userGroup="physics")["uuid"]
        for port in (30301, 30302)
    ]
    urls = [stack.settled(uuid).get("outputs", {}).get("url") for uuid in uuids]
    assert urls == ["127.0.0.1:30301", "127.0.0.1:30302"]
    for uuid in uuids:
        stack.client.delete(uuid)
        assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
    assert federation.good.left() == set()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"cpus": 4}, "quota_cores"),
        ({"memory": "8 GiB"}, "quota_ram"),
    ],
)
def test_what_the_quotas_of_the_namespace_do_not_allow_is_not_tried(
    stack: Stack, given: dict[str, Any], code: str
) -> None:
    body = {"template": template(**given), "userGroup": "biology"}
    url = f"{stack.worker.url}/deployments?dryRun=true"
    found = requests.post(url, json=body, timeout=30).json()
    assert [one["code"] for one in found["discarded"] if one["provider"] == "cluster"] == [code]
