"""A federation of clusters that are stubs of the Kubernetes API, and a template for them."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Self

import yaml
from support.kubernetes_stub import TOKEN, KubernetesStub
from support.ports import free_port
from support.stack import Stack, until

ISSUER = "https://iam.example.org/"
TAKEN_PORT = 30080
IMAGE = "registry.example.org/web:1"
STARTING_S = 15.0
KNOWN_S = 60.0
LOGINS = {"GOOD_TOKEN": TOKEN, "WRONG_TOKEN": "another"}


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


class Clusters:
    """A good cluster; and for each case of failure one that comes before it, for a group of its own."""

    def __init__(self) -> None:
        self.good = KubernetesStub(namespaces=("physics", "biology"))
        self.good.add_storage_class()
        self.good.add_quota(
            "biology", limits_cpu="8", limits_memory="16Gi", requests_storage="10Gi", pods="10"
        )
        self.bad = {
            "bad-token": KubernetesStub(),
            "no-quota": KubernetesStub(),
            "no-pods": KubernetesStub(),
            "no-claims": KubernetesStub(),
            "port-taken": KubernetesStub(),
            # not at once: the IM deletes a container that has failed before it looks for the first time
            "pod-fails": KubernetesStub(fate="fails", start_s=2.0),
            "pod-stuck": KubernetesStub(fate="stuck"),
        }
        self.bad["no-quota"].add_quota("physics", **{"count/deployments_apps": "0"})
        self.bad["no-pods"].add_quota("physics", limits_cpu="100m")
        self.bad["no-claims"].add_quota("physics", persistentvolumeclaims="0")
        another = {"spec": {"type": "NodePort", "ports": [{"nodePort": TAKEN_PORT}]}}
        self.bad["port-taken"].objects["physics", "services", "another"] = another
        self.down = KubernetesStub(port=free_port())  # it does not run
        self.cases = (*self.bad, "unreachable")

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for one in (self.good, *self.bad.values()):
                running.enter_context(one)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @contextmanager
    def stack(self, kafka: str, im: str, folder: Path) -> Iterator[Stack]:
        """A stack of this federation, whose first worker runs and knows all of it."""
        file = folder / "providers.yaml"
        file.write_text(yaml.safe_dump(self.file()))
        made = Stack(kafka, im, folder)
        try:
            made.worker.environment |= {
                "PAAS_FEEDER_FILES": json.dumps([str(file)]),
                "PAAS_DISPATCH_STARTING_S": str(STARTING_S),
                **LOGINS,
            }
            made.worker.run()
            wanted = 2 * len(self.cases) + 2
            until(lambda: len(list(made.client.providers())) == wanted, KNOWN_S, "all are known")
            yield made
        finally:
            made.close()

    def file(self) -> dict[str, Any]:
        """The provider file, once the clusters have addresses."""
        urls = {name: one.url for name, one in self.bad.items()}
        urls["unreachable"] = self.down.url
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


def images(clusters: Clusters, namespace: str = "biology") -> set[str]:
    """Of the containers in a namespace of the good cluster."""
    return {
        container["image"]
        for one in clusters.good.of("deployments", namespace)
        for container in one["spec"]["template"]["spec"]["containers"]
    }


def is_api(deployment: dict[str, Any]) -> bool:
    """Whether it is the Deployment of `API`."""
    return str(deployment["metadata"]["name"]).startswith("api-")


def deleted(stack: Stack, uuid: str) -> None:
    """A delete, until nothing is left in the IM."""
    stack.client.delete(uuid)
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
    stack.keeps(uuid)
