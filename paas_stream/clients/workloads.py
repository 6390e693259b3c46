"""What belongs to a Deployment in a Kubernetes cluster, and what stands against it.

With the official client. Nothing is changed here. The functions block.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from kubernetes import client
from urllib3.exceptions import HTTPError

from paas_stream.clients.cluster_access import Access, Workload
from paas_stream.errors import TemporaryError

T = TypeVar("T")

_LONGEST = 300  # of what a cluster says
_GOES_WELL = frozenset({"ContainerCreating", "PodInitializing"})
_MOST_PODS = 20
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_FILES = frozenset({"configMap", "secret"})


def asked(access: Access, ask: Callable[[client.ApiClient], T]) -> T:
    """What `ask` finds out with a client of the cluster.

    Raises TemporaryError when the cluster does not answer, or not as it should.
    """
    configuration = client.Configuration(host=access.url.rstrip("/"))
    configuration.ssl_ca_cert = None if access.ca is None else str(access.ca)
    configuration.retries = False
    configuration.api_key = {"authorization": f"Bearer {access.token}"}
    try:
        with client.ApiClient(configuration) as api:
            return ask(api)
    except client.ApiException as exc:
        raise TemporaryError(f"the cluster answers {exc.status}", code="cluster_answer") from exc
    except (HTTPError, OSError) as exc:
        text = f"the cluster cannot be asked ({type(exc).__name__})"
        raise TemporaryError(text, code="cluster_unreachable") from exc
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as exc:
        text = "the cluster's answer cannot be understood"
        raise TemporaryError(text, code="cluster_answer") from exc


def _options(access: Access) -> dict[str, Any]:
    return {"_request_timeout": access.timeout_s, "_preload_content": False}


def _deployment(api: client.ApiClient, access: Access, one: Workload) -> Mapping[str, Any] | None:
    read = client.AppsV1Api(api).read_namespaced_deployment
    return _found(lambda: read(one.name, one.namespace, **_options(access)))


def _found(ask: Callable[[], Any]) -> Mapping[str, Any] | None:
    """An object; None: there is none of this name."""
    try:
        answer = json.loads(ask().data)
    except client.ApiException as exc:
        if exc.status == 404:
            return None
        raise
    if not isinstance(answer, dict):
        raise TypeError("an object of Kubernetes is a JSON object")
    return answer


def why_not_running(api: client.ApiClient, access: Access, one: Workload) -> str | None:
    """As in `clusters`."""
    deployment = _deployment(api, access, one)
    if deployment is None:
        return f"the Deployment {one.name} is not there"
    listed: Any = client.CoreV1Api(api).list_namespaced_pod(
        one.namespace, label_selector=f"name={one.name}", limit=_MOST_PODS, **_options(access)
    )
    pods = json.loads(listed.data)["items"]
    told = [*_of_deployment(deployment), *(text for pod in pods for text in _of_pod(pod))]
    return _UNSEEN.sub(" ", "; ".join(dict.fromkeys(told)))[:_LONGEST] or None


def _of_deployment(deployment: Mapping[str, Any]) -> Iterator[str]:
    for condition in (deployment.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            yield str(condition.get("message") or condition.get("reason"))


def _of_pod(pod: Mapping[str, Any]) -> Iterator[str]:
    status = pod.get("status") or {}
    name = pod["metadata"]["name"]
    if status.get("phase") == "Failed" and (status.get("message") or status.get("reason")):
        yield f"pod {name}: {_words(status)}"
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield f"pod {name}: {_words(condition)}"
    for container in status.get("containerStatuses") or ():
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") not in {None, *_GOES_WELL}:
            yield f"pod {name}: {_words(waiting)}"
        if ended.get("exitCode"):
            yield f"pod {name}: its container has ended with {ended['exitCode']} ({_words(ended)})"


def _words(status: Mapping[str, Any]) -> str:
    return ": ".join(str(status[name]) for name in ("reason", "message") if status.get(name))


def is_rolling_out(api: client.ApiClient, access: Access, one: Workload) -> bool:
    """As in `clusters`. The rule is that of `kubectl rollout status`.

    A Deployment that is gone, or that no controller has ever looked at, is not waited for.
    """
    deployment = _deployment(api, access, one)
    if deployment is None:
        return False
    status = deployment.get("status") or {}
    seen = status.get("observedGeneration")
    if seen is None:
        return False
    wanted = deployment["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    return bool(
        seen < deployment["metadata"].get("generation", seen)
        or updated < wanted
        or status.get("replicas", 0) > updated
        or status.get("availableReplicas", 0) < updated
    )


def missing(api: client.ApiClient, access: Access, one: Workload) -> Iterator[str]:
    """As in `clusters`."""
    deployment = _deployment(api, access, one)
    if deployment is None:
        yield f"the cluster has no Deployment {one.name}"
        return
    volumes = deployment["spec"]["template"]["spec"].get("volumes") or ()
    claims = sum("persistentVolumeClaim" in volume for volume in volumes)
    if claims < one.claims:
        yield (
            f"{one.name} has {claims} of its {one.claims} volumes: the cluster has refused "
            "the others (a quota of storage or claims, perhaps)"
        )
    files = sum(not _FILES.isdisjoint(volume) for volume in volumes)
    if files < one.files:
        yield f"{one.name} has {files} of its {one.files} files: the cluster has refused the others"
    if one.has_service and not _is_there(
        access, one.namespace, one.name, client.CoreV1Api(api).read_namespaced_service
    ):
        yield (
            f"{one.name} has no Service: the cluster has refused it "
            "(a port that is taken or out of range, perhaps)"
        )
    ingress = client.NetworkingV1Api(api).read_namespaced_ingress
    if one.has_ingress and not _is_there(access, one.namespace, one.name, ingress):
        yield f"{one.name} has no Ingress: the cluster has refused it (its host is taken, perhaps)"


def left(
    api: client.ApiClient, access: Access, one: Workload, mounts: int
) -> tuple[str, ...] | None:
    """As in `clusters`. The IM numbers the names of what it makes to be mounted (IM 2.0.0)."""
    if _deployment(api, access, one) is not None:
        return None
    core, ingresses = client.CoreV1Api(api), client.NetworkingV1Api(api)
    volumes = [f"{one.name}-{number}" for number in range(1, mounts + 1)]
    files = [f"{one.name}-cm-{number}" for number in range(1, mounts + 1)]
    objects: dict[str, tuple[Callable[..., Any], list[str]]] = {
        "Service": (core.read_namespaced_service, [one.name]),
        "Ingress": (ingresses.read_namespaced_ingress, [one.name]),
        "PersistentVolumeClaim": (core.read_namespaced_persistent_volume_claim, volumes),
        "ConfigMap": (core.read_namespaced_config_map, files),
        "Secret": (core.read_namespaced_secret, files),
    }
    return tuple(
        f"the {kind} {name}"
        for kind, (read, names) in objects.items()
        for name in names
        if _is_there(access, one.namespace, name, read)
    )


def _is_there(access: Access, namespace: str, name: str, read: Callable[..., Any]) -> bool:
    """Whether the cluster has an object of a name."""
    return _found(lambda: read(name, namespace, **_options(access))) is not None
