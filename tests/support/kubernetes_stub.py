"""A stub of the Kubernetes API: enough of it for the Feeder and for the IM's Kubernetes connector.

Objects are kept as they were sent. What the real server and its controllers would do is done where it
decides how a deployment ends: tokens and namespaces are checked, names and node ports are, quotas are
enforced, and a Deployment gets a pod, whose image tells what becomes of it:

| the image's name has | the pod |
|---|---|
| `stuck` | stays Pending: the image cannot be pulled |
| `fails` | is Failed: its container has ended with 1 |
| anything else | is Pending for `start_s` seconds, then Running |

A pod beyond a quota is never made, as its ReplicaSet could not, and the Deployment says so. When the pod
of a Deployment is changed, the one of before runs on until the new one does. There are no nodes, no
containers, no watches and no roles.
"""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from support.kubernetes_status import (
    amount,
    deployment_status,
    is_running,
    pod_status,
    pod_takes,
    takes_of,
)

TOKEN = "a-token"
_KINDS = {
    "configmaps": "ConfigMap",
    "deployments": "Deployment",
    "ingresses": "Ingress",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "pods": "Pod",
    "resourcequotas": "ResourceQuota",
    "secrets": "Secret",
    "services": "Service",
    "storageclasses": "StorageClass",
    "namespaces": "Namespace",
}
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_NAMESPACED = re.compile(r"/(?:api/v1|apis/[^/]+/v1)/namespaces/([^/]+)/([a-z]+)(?:/([^/]+))?")
_OF_CLUSTER = re.compile(r"/(?:api/v1|apis/[^/]+/v1)/(namespaces|storageclasses)(?:/([^/]+))?")
_NODE_PORTS = range(30000, 32768)


class RefusedError(Exception):
    """The server refuses a request: its Status."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": message,
        }
        self.code = code


@dataclass
class Call:
    """One request, and how it was answered."""

    method: str
    path: str
    body: Any
    status: int


@dataclass
class KubernetesStub:
    """`with KubernetesStub() as cluster:`; `cluster.url` is where it answers."""

    namespaces: tuple[str, ...] = ("physics",)
    start_s: float = 0.3  # how long a pod is Pending
    fate: str = ""  # added to the name of every image: `stuck` or `fails`
    port: int = 0
    tokens: set[str] = field(default_factory=lambda: {TOKEN})
    calls: list[Call] = field(default_factory=list)
    objects: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    """By namespace (empty: the cluster's), plural and name."""
    _since: dict[tuple[str, str, str], float] = field(default_factory=dict)
    _before: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """Pods of before a change, by namespace and Deployment, until the new ones run."""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __enter__(self) -> Self:
        for name in self.namespaces:
            self.objects["", "namespaces", name] = {"metadata": {"name": name}}
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing is printed."""

            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(size)
                status, body = stub.answer(
                    self.command, self.path, self.headers.get("Authorization"), text
                )
                told = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            do_GET = do_POST = do_PATCH = do_DELETE = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def add_quota(self, namespace: str, **hard: str) -> None:
        """Bound a namespace; `_` stands for the dots of a resource's name."""
        named = {name.replace("_", "."): amount for name, amount in hard.items()}
        quota = {"metadata": {"name": "all", "namespace": namespace}, "spec": {"hard": named}}
        self.objects[namespace, "resourcequotas", "all"] = quota

    def add_storage_class(self, name: str = "standard") -> None:
        """The default storage class."""
        notes = {"storageclass.kubernetes.io/is-default-class": "true"}
        self.objects["", "storageclasses", name] = {
            "metadata": {"name": name, "annotations": notes},
            "provisioner": "csi.example.org",
        }

    def of(self, plural: str, namespace: str = "physics") -> list[dict[str, Any]]:
        """The objects of a kind in a namespace."""
        with self._lock:
            return [
                one
                for (place, kind, _), one in self.objects.items()
                if (place, kind) == (namespace, plural)
            ]

    def left(self, namespace: str = "physics") -> set[str]:
        """What deployments have left there, as "plural/name"."""
        with self._lock:
            return {
                f"{plural}/{name}"
                for place, plural, name in self.objects
                if place == namespace and plural != "resourcequotas"
            }

    def remove(self, plural: str, namespace: str = "physics") -> None:
        """All of a kind in a namespace, as somebody does it with kubectl."""
        for one in self.of(plural, namespace):
            with self._lock:
                self._delete(namespace, plural, one["metadata"]["name"])

    def answer(
        self, method: str, path: str, login: str | None, text: bytes
    ) -> tuple[int, dict[str, Any]]:
        """The status and body of one request."""
        body = json.loads(text) if text else None
        with self._lock:
            try:
                if login not in {f"Bearer {token}" for token in self.tokens}:
                    raise RefusedError(401, "Unauthorized", "Unauthorized")
                status, answer = self._done(method, path, body)
            except RefusedError as exc:
                status, answer = exc.code, exc.status
            self.calls.append(Call(method, path, body, status))
        return status, answer

    def _done(self, method: str, path: str, body: Any) -> tuple[int, dict[str, Any]]:
        parts = urlsplit(path)
        place = parts.path.rstrip("/")
        if found := _NAMESPACED.fullmatch(place):
            namespace, plural, name = found[1], found[2], found[3] or ""
            if ("", "namespaces", namespace) not in self.objects:
                raise RefusedError(404, "NotFound", f'namespaces "{namespace}" not found')
        elif found := _OF_CLUSTER.fullmatch(place):
            namespace, plural, name = "", found[1], found[2] or ""
        else:
            raise RefusedError(404, "NotFound", f"there is nothing at {place}")
        list(self._pods(namespace))  # as if the controllers had just looked
        match method:
            case "GET" if name:
                return 200, self._known(namespace, plural, name)
            case "GET":
                return 200, self._list(namespace, plural, parse_qs(parts.query))
            case "POST":
                return 201, self._create(namespace, plural, body)
            case "PATCH":
                return 200, self._patch(namespace, plural, name, body)
        return 200, self._delete(namespace, plural, name)

    def _known(self, namespace: str, plural: str, name: str) -> dict[str, Any]:
        try:
            return self.objects[namespace, plural, name]
        except KeyError:
            raise RefusedError(404, "NotFound", f'{plural} "{name}" not found') from None

    def _list(self, namespace: str, plural: str, query: Mapping[str, list[str]]) -> dict[str, Any]:
        items = list(self._pods(namespace)) if plural == "pods" else self.of(plural, namespace)
        if plural == "resourcequotas":
            items = [one | {"status": self._status(namespace, one)} for one in items]
        for selector in query.get("labelSelector", ()):
            label, _, wanted = selector.partition("=")
            items = [one for one in items if one["metadata"]["labels"].get(label) == wanted]
        return {"kind": f"{_KINDS[plural]}List", "apiVersion": "v1", "items": items}

    def _create(self, namespace: str, plural: str, body: Any) -> dict[str, Any]:
        name = body["metadata"]["name"]
        pattern = _SERVICE if plural == "services" else _LABEL
        labels = body["metadata"].get("labels") or {}
        if not pattern.fullmatch(name) or any(len(value) > 63 for value in labels.values()):
            text = f'{_KINDS[plural]} "{name}" is invalid: metadata.name: must be a DNS label'
            raise RefusedError(422, "Invalid", text)
        if (namespace, plural, name) in self.objects:
            raise RefusedError(409, "AlreadyExists", f'{plural} "{name}" already exists')
        if plural == "services":
            self._number(name, body)
        self._bound(namespace, plural, name, body)
        self.objects[namespace, plural, name] = body
        body["metadata"]["generation"] = 1
        self._since[namespace, plural, name] = time.monotonic()
        return dict(body)

    def _number(self, name: str, body: Any) -> None:
        """Node ports: each once in the cluster."""
        if body["spec"].get("type") != "NodePort":
            return
        taken = {
            port["nodePort"]
            for (_, plural, _), one in self.objects.items()
            if plural == "services"
            for port in one["spec"]["ports"]
            if "nodePort" in port
        }
        for port in body["spec"]["ports"]:
            wanted = port.setdefault("nodePort", min(set(_NODE_PORTS) - taken))
            what = f'Service "{name}" is invalid: spec.ports[0].nodePort: Invalid value: {wanted}'
            if wanted not in _NODE_PORTS:
                raise RefusedError(
                    422, "Invalid", f"{what}: provided port is not in the valid range"
                )
            if wanted in taken:
                raise RefusedError(422, "Invalid", f"{what}: provided port is already allocated")
            taken.add(wanted)

    def _bound(self, namespace: str, plural: str, name: str, body: Any) -> None:
        """What the quota admission refuses: claims, and counted objects. Pods are refused later."""
        asked = {f"count/{plural}": 1.0, f"count/{plural}.apps": 1.0}
        if plural == "persistentvolumeclaims":
            size = body["spec"]["resources"]["requests"]["storage"]
            asked |= {"persistentvolumeclaims": 1.0, "requests.storage": amount(size)}
        for resource, more in asked.items():
            self._room(namespace, f'{plural} "{name}" is forbidden', resource, more)

    def _room(self, namespace: str, what: str, resource: str, more: float) -> None:
        for quota in self.of("resourcequotas", namespace):
            hard = quota["spec"]["hard"].get(resource)
            used = self._used(namespace, resource)
            if hard is not None and used + more > amount(hard):
                text = (
                    f"{what}: exceeded quota: all, requested: {resource}={more:g}, "
                    f"used: {resource}={used:g}, limited: {resource}={hard}"
                )
                raise RefusedError(403, "Forbidden", text)

    def _used(self, namespace: str, resource: str) -> float:
        pods, claims = list(self._pods(namespace)), self.of("persistentvolumeclaims", namespace)
        kind = resource.removeprefix("count/").removesuffix(".apps")
        if resource in ("pods", "count/pods"):
            return len(pods)
        if resource in ("persistentvolumeclaims", "count/persistentvolumeclaims"):
            return len(claims)
        if resource == "requests.storage":
            return sum(amount(one["spec"]["resources"]["requests"]["storage"]) for one in claims)
        if resource.startswith("count/"):
            return len(self.of(kind, namespace))
        return sum(takes_of(one["spec"], resource) for one in pods)

    def _status(self, namespace: str, quota: Mapping[str, Any]) -> dict[str, Any]:
        hard = quota["spec"]["hard"]
        return {
            "hard": hard,
            "used": {name: f"{self._used(namespace, name):g}" for name in hard},
        }

    def _pods(self, namespace: str) -> Iterator[dict[str, Any]]:
        """The pods of the Deployments, in the order in which these came: as many as the quotas allow."""
        taken: Counter[str] = Counter()
        (hard,) = [one["spec"]["hard"] for one in self.of("resourcequotas", namespace)] or [{}]
        for one in self.of("deployments", namespace):
            place = namespace, one["metadata"]["name"]
            new, before = self._pod(*place), self._before.get(place)
            takes, kept = pod_takes(new, hard), Counter[str]()
            if before is not None:
                kept = pod_takes(before, hard)
            beyond = [
                what
                for what in takes
                if taken[what] + kept[what] + takes[what] > amount(hard[what])
            ]
            if not beyond and is_running(new):
                self._before.pop(place, None)
                before = None
            pods = [one for one in (before, None if beyond else new) if one is not None]
            one["status"] = deployment_status(one, new, pods, beyond)
            for pod in pods:
                taken.update(pod_takes(pod, hard))
                yield pod

    def _pod(self, namespace: str, name: str) -> dict[str, Any]:
        one = self.objects[namespace, "deployments", name]
        template, generation = one["spec"]["template"], one["metadata"]["generation"]
        age = time.monotonic() - self._since[namespace, "deployments", name]
        return {
            "metadata": {
                "name": f"{name}-{'x' * generation}",
                "namespace": namespace,
                "labels": template["metadata"]["labels"],
            },
            "spec": template["spec"],
            "status": pod_status(template["spec"]["containers"][0], self.fate, age, self.start_s),
        }

    def _patch(self, namespace: str, plural: str, name: str, body: Any) -> dict[str, Any]:
        known = self._known(namespace, plural, name)
        if plural != "deployments":
            return self._patched(known, body)
        pod = json.loads(json.dumps(self._pod(namespace, name)))
        made = self._patched(known, body)
        made["metadata"]["generation"] += 1
        self._since[namespace, plural, name] = time.monotonic()
        if is_running(pod):
            self._before.setdefault((namespace, name), pod)
        return made

    def _patched(self, known: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
        """A JSON Patch of what is there, all of it or nothing."""
        made = json.loads(json.dumps(known))
        for change in changes:
            *path, last = [
                int(part) if part.isdigit() else part for part in change["path"].split("/")[1:]
            ]
            place = made
            for part in path:
                place = place[part]
            if change["op"] != "replace" or last not in place:
                raise RefusedError(422, "Invalid", f"the patch of {change['path']} is not possible")
            place[last] = change["value"]
        known.clear()
        known.update(made)
        return known

    def _delete(self, namespace: str, plural: str, name: str) -> dict[str, Any]:
        known = self._known(namespace, plural, name)
        del self.objects[namespace, plural, name]
        if plural == "deployments":
            self._before.pop((namespace, name), None)
        if plural == "namespaces":
            for place in [one for one in self.objects if one[0] == name]:
                del self.objects[place]
        return known
