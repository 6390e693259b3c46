"""What a cluster would say of a Deployment and its pod, for the stub of its API."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from kubernetes.utils import parse_quantity


def amount(text: Any) -> float:
    """A Kubernetes quantity in its base unit."""
    return float(parse_quantity(str(text)))


def takes_of(spec: Mapping[str, Any], resource: str) -> float:
    """What the containers of a pod take of a resource of a quota, as `limits.cpu`."""
    of, _, what = resource.partition(".")
    return sum(
        amount(one.get("resources", {}).get(of, {}).get(what, 0)) for one in spec["containers"]
    )


def pod_takes(pod: Mapping[str, Any], hard: Mapping[str, Any]) -> Counter[str]:
    """What a pod takes of each resource that a quota bounds."""
    return Counter(
        {
            resource: 1.0 if resource.endswith("pods") else takes_of(pod["spec"], resource)
            for resource in hard
            if resource.startswith(("limits.", "requests.", "pods", "count/pods"))
            and resource != "requests.storage"
        }
    )


def is_running(pod: Mapping[str, Any]) -> bool:
    """Whether its container does."""
    return bool(pod["status"]["phase"] == "Running")


def deployment_status(
    deployment: Mapping[str, Any],
    new: Mapping[str, Any],
    pods: Sequence[Mapping[str, Any]],
    beyond: Sequence[str],
) -> dict[str, Any]:
    """What the controllers say of a Deployment with these pods, `new` being what it is to have.

    `beyond` are the resources of a quota that stand against that.
    """
    condition = {"type": "Progressing", "status": "True", "message": "it goes on"}
    if beyond:
        name = new["metadata"]["name"]
        text = f'pods "{name}" is forbidden: exceeded quota: all, limited: {", ".join(beyond)}'
        condition = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}
        condition["message"] = text
    return {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": len(pods),
        "updatedReplicas": sum(pod is new for pod in pods),
        "availableReplicas": sum(map(is_running, pods)),
        "conditions": [condition],
    }


def pod_status(
    container: Mapping[str, Any], fate: str, age_s: float, start_s: float
) -> dict[str, Any]:
    """That of a pod with this container, as the name of its image with `fate` says."""
    image = f"{container['image']}{fate}"
    state: dict[str, Any] = {"running": {}}
    phase = "Running"
    if "stuck" in image:
        why = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
        phase, state = "Pending", {"waiting": why}
    elif age_s < start_s:
        phase, state = "Pending", {"waiting": {"reason": "ContainerCreating"}}
    elif "fails" in image:
        phase, state = "Failed", {"terminated": {"reason": "Error", "exitCode": 1}}
    return {
        "phase": phase,
        "hostIP": "10.1.1.1",
        "podIP": "10.244.0.7",
        "containerStatuses": [{"name": container["name"], "state": state}],
    }
