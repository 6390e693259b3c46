"""Containers, through the real IM's Kubernetes connector, at clusters that are stubs of the API.

What the stub does of a real cluster is told in `support.kubernetes_stub`.
"""

from typing import Any

import pytest
import requests
from support.clusters import API, IMAGE, TAKEN_PORT, Clusters, deleted, images, is_api, template
from support.identity import ROOT
from support.kubernetes_stub import amount
from support.stack import Stack, until

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.kubernetes,
    pytest.mark.timeout(300),
]

WAIT_S = 60.0
CHANGED = {"port": 30200, "cpus": 1, "memory": "1 GB", "image": f"{IMAGE}.1"}
SHARED = ROOT.parent / "shared" / "data" / "tosca" / "grycap" / "k8s_app.yaml"


@pytest.fixture(scope="module")
def tried(stack: Stack, clusters: Clusters) -> dict[str, str]:
    """Of each case a deployment; all at once, since some take as long as a start may."""

    def port(case: str) -> int:
        return TAKEN_PORT if case == "port-taken" else 30100 + clusters.cases.index(case)

    return {
        case: stack.client.submit(template(port=port(case)), {}, userGroup=case)["uuid"]
        for case in clusters.cases
    }


class TestAClusterThatFails:
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
    def test_falls_over_to_the_next_one_with_its_reason(
        self, stack: Stack, clusters: Clusters, tried: dict[str, str], case: str, says: str
    ) -> None:
        ended = stack.settled(tried[case])
        found = ended["status"], ended.get("cloudProviderName")
        assert found == ("CREATE_COMPLETE", f"good-for-{case}"), ended["statusReason"]
        events = stack.client.events(tried[case])
        (failed,) = [e for e in events if (e["step"], e["status"]) == ("attempt", "failed")]
        assert (failed["attempt"], failed["provider"]) == (1, case)
        assert says in failed["message"]
        stack.keeps_one(tried[case])
        if case in clusters.bad:
            assert clusters.bad[case].left() <= {"services/another"}

    def test_costs_the_next_one_nothing_that_cannot_be_deleted(
        self, stack: Stack, clusters: Clusters, tried: dict[str, str]
    ) -> None:
        for uuid in tried.values():
            deleted(stack, uuid)
        assert clusters.good.left() == set()


def test_a_cluster_that_is_down_for_a_while_is_used_and_cleaned_again(
    stack: Stack, clusters: Clusters
) -> None:
    """While it is down a delete waits for it, and nothing is given up."""
    with clusters.down:
        uuid = stack.client.submit(template(port=30400), {}, userGroup="unreachable")["uuid"]
        assert stack.settled(uuid)["cloudProviderName"] == "unreachable"
        assert images(clusters) == set()
    stack.client.delete(uuid)
    until(lambda: waits_for_its_clean_up(stack, uuid), WAIT_S, "the delete is tried again")
    assert stack.client.deployment(uuid)["status"] == "DELETE_IN_PROGRESS"
    with clusters.down:
        assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
        assert clusters.down.left() == set()
    stack.keeps(uuid)


def test_what_somebody_has_taken_from_the_cluster_can_be_deleted(
    stack: Stack, clusters: Clusters
) -> None:
    """The IM refuses it for ever; what it could not find any more waits for whoever has taken it."""
    uuid = stack.client.submit(template(port=30410), {}, userGroup="physics")["uuid"]
    assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
    (claim,) = clusters.good.of("persistentvolumeclaims")
    clusters.good.remove("deployments")
    stack.client.delete(uuid)

    def tells() -> bool:
        events = stack.client.events(uuid)
        return any(f"still has the {claim}" in one["message"] for one in events)

    claim = f"PersistentVolumeClaim {claim['metadata']['name']}"
    until(tells, WAIT_S, "it is told what is left")
    assert stack.client.deployment(uuid)["status"] == "DELETE_IN_PROGRESS"
    clusters.good.remove("persistentvolumeclaims")
    assert stack.settled(uuid)["status"] == "DELETE_COMPLETE"
    stack.keeps(uuid)
    assert clusters.good.left() == set()


def waits_for_its_clean_up(stack: Stack, uuid: str) -> bool:
    events = stack.client.events(uuid)
    return ("clean", "failed") in [(one["step"], one["status"]) for one in events]


class TestOneDeployment:
    """From the create over updates to the delete, at the cluster whose quotas are read."""

    @pytest.fixture(scope="class")
    def uuid(self, stack: Stack, clusters: Clusters) -> str:
        made = stack.client.submit(template(port=30200), {}, userGroup="biology")
        ended = stack.settled(made["uuid"])
        assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "cluster")
        return str(ended["uuid"])

    def test_is_made_as_the_template_says(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        (deployment,) = clusters.good.of("deployments", "biology")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == IMAGE
        assert container["env"] == [{"name": "MODE", "value": "production"}]
        assert amount(container["resources"]["limits"]["cpu"]) == 0.5
        assert amount(container["resources"]["limits"]["memory"]) == 256 * 1024**2
        (claim,) = clusters.good.of("persistentvolumeclaims", "biology")
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
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        before = clusters.good.left("biology")
        update(stack, uuid, template(**CHANGED))
        (deployment,) = clusters.good.of("deployments", "biology")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert container["image"] == f"{IMAGE}.1"
        assert amount(container["resources"]["limits"]["cpu"]) == 1
        assert amount(container["resources"]["requests"]["memory"]) == 1e9
        assert clusters.good.left("biology") == before
        (patch,) = [one for one in clusters.good.calls if one.method == "PATCH"]
        assert patch.status == 200

    def test_gets_another_container_and_loses_it_again(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        update(stack, uuid, template(**CHANGED, more=API))
        assert images(clusters) == {f"{IMAGE}.1", "registry.example.org/api:1"}
        assert {one["toscaNodeName"] for one in seen(stack, uuid)} == {"web", "api"}
        update(stack, uuid, template(**CHANGED))
        assert images(clusters) == {f"{IMAGE}.1"}

    def test_is_scaled_to_nothing_and_back(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        update(stack, uuid, template(**CHANGED, more=API, count=0))
        assert images(clusters) == {"registry.example.org/api:1"}
        assert not clusters.good.of("persistentvolumeclaims", "biology")
        update(stack, uuid, template(**CHANGED, more=API, count=1))
        assert images(clusters) == {f"{IMAGE}.1", "registry.example.org/api:1"}
        assert stack.client.deployment(uuid)["outputs"] == {"url": "127.0.0.1:30200"}

    def test_is_made_anew_when_it_has_no_volume_and_cannot_be_changed_in_place(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        before = {one["toscaNodeName"]: one["uuid"] for one in seen(stack, uuid)}
        more = API.replace(
            "      artifacts:", "      properties: {environment: {A: b}}\n      artifacts:"
        )
        update(stack, uuid, template(**CHANGED, more=more))
        api = next(one for one in clusters.good.of("deployments", "biology") if is_api(one))
        env = api["spec"]["template"]["spec"]["containers"][0]["env"]
        assert env == [{"name": "A", "value": "b"}]
        after = {one["toscaNodeName"]: one["uuid"] for one in seen(stack, uuid)}
        assert (after["web"] == before["web"], after["api"] == before["api"]) == (True, False)
        update(stack, uuid, template(**CHANGED))

    def test_keeps_its_volume_and_so_refuses_what_cannot_be_changed_in_place(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        before = clusters.good.left("biology")
        text = template(**CHANGED).replace("production", "testing")
        assert "a container with a volume" in update_fails(stack, uuid, text)
        assert clusters.good.left("biology") == before

    def test_is_told_what_of_an_update_the_cluster_has_refused(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        ports = "mem_size: 1 GB, publish_ports: [{target: 80, source: 30200}]"
        text = template(**CHANGED, more=API.replace("mem_size: 1 GB", ports))
        assert "has no Service" in update_fails(stack, uuid, text)

    def test_is_updating_while_the_new_containers_do_not_run_and_says_why(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        stack.client.update(uuid, template(**CHANGED | {"image": f"{IMAGE}-stuck"}), {})

        def why() -> list[str]:
            events = stack.client.events(uuid)
            return [one["message"] for one in events if "ImagePullBackOff" in one["message"]]

        until(why, WAIT_S, "it is told why")
        assert stack.client.deployment(uuid)["status"] == "UPDATE_IN_PROGRESS"
        (web,) = clusters.good.of("deployments", "biology")
        assert web["status"]["replicas"] == 2, "the container of before runs on"

    def test_is_deleted_and_nothing_is_left(
        self, stack: Stack, clusters: Clusters, uuid: str
    ) -> None:
        deleted(stack, uuid)
        assert clusters.good.left("biology") == set()


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


def seen(stack: Stack, uuid: str) -> list[dict[str, Any]]:
    """The resources that the IM has made."""
    page = requests.get(f"{stack.worker.url}/deployments/{uuid}/resources", timeout=30).json()
    return [one for one in page["content"] if one.get("metadata", {}).get("VirtualMachineInfo")]


@pytest.mark.skipif(not SHARED.exists(), reason="the field's templates are not here")
def test_a_template_of_the_field_is_deployed(stack: Stack, clusters: Clusters) -> None:
    made = stack.client.submit(SHARED.read_text(), {}, userGroup="physics")
    ended = stack.settled(made["uuid"])
    assert ended["status"] == "CREATE_COMPLETE", ended
    assert ended["outputs"] == {"mysql_service_url": "127.0.0.1:32306"}
    deleted(stack, made["uuid"])


def test_an_example_of_ours_is_deployed_twice_in_one_namespace(
    stack: Stack, clusters: Clusters
) -> None:
    text = (ROOT / "examples" / "containers.yaml").read_text()
    uuids = [
        stack.client.submit(text, {"port": port}, userGroup="physics")["uuid"]
        for port in (30301, 30302)
    ]
    urls = [stack.settled(uuid).get("outputs", {}).get("url") for uuid in uuids]
    assert urls == ["127.0.0.1:30301", "127.0.0.1:30302"]
    for uuid in uuids:
        deleted(stack, uuid)
    assert clusters.good.left() == set()


def test_an_application_gets_its_files_and_a_name_in_the_domain_of_its_cluster(
    stack: Stack, clusters: Clusters
) -> None:
    page = '{file: "", type: tosca.artifacts.File, deploy_path: /index, properties: {content: a b}}'
    text = template(port=30210).replace("tcp}", "tcp, endpoint: web}")
    text = text.replace("      artifacts:\n", f"      artifacts:\n        page: {page}\n", 1)
    uuid = stack.client.submit(text, {}, userGroup="biology")["uuid"]
    ended = stack.settled(uuid)
    assert ended["status"] == "CREATE_COMPLETE", ended["statusReason"]
    (ingress,) = clusters.good.of("ingresses", "biology")
    assert ingress["spec"]["rules"][0]["host"].endswith(".apps.example.org")
    (made,) = clusters.good.of("configmaps", "biology")
    assert made["data"] == {"index": "a b"}
    deleted(stack, uuid)
    assert clusters.good.left("biology") == set()


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"cpus": 16}, "quota_cores"),
        ({"memory": "32 GiB"}, "quota_ram"),
    ],
)
def test_what_the_quotas_of_the_namespace_do_not_allow_is_not_tried(
    stack: Stack, given: dict[str, Any], code: str
) -> None:
    body = {"template": template(**given), "userGroup": "biology"}
    url = f"{stack.worker.url}/deployments?dryRun=true"
    found = requests.post(url, json=body, timeout=30).json()
    assert [one["code"] for one in found["discarded"] if one["provider"] == "cluster"] == [code]
