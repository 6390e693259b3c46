"""Containers in an IM and in their cluster, for the dispatcher's effects: no call leaves the process."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from support.lifecycle import UUID

from agents import cluster_looks, im_limits, im_place
from agents.im_place import Place
from paas_stream.clients import clusters
from paas_stream.clients.cluster_access import Access, Workload
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_login import ImUser
from paas_stream.lifecycle.attempt import Effect, EffectKind
from paas_stream.records import DispatchEvent, RankedCandidate, Target
from paas_stream.selection.credentials import Credentials
from paas_stream.tosca import template
from tables.dispatches import DispatchInputs, UpdateInputs

TEXT = """\
tosca_definitions_version: tosca_simple_yaml_1_0
topology_template:
  node_templates:
    web:
      type: tosca.nodes.Container.Application.Docker
      artifacts:
        image: {file: "web:1", type: tosca.artifacts.Deployment.Image.Container.Docker}
      requirements: [{host: runtime}]
    runtime:
      type: tosca.nodes.Container.Runtime.Docker
      capabilities:
        host:
          properties:
            num_cpus: 0.5
            mem_size: 256 MiB
            publish_ports: [{target: 80, source: 30080, endpoint: web}]
            volumes: ["pages:/pages"]
    pages: {type: tosca.nodes.BlockStorage, properties: {size: 1 GiB}}
"""
WHOLE = Workload("physics", "web-1a2b3c4d", claims=1, files=0, has_service=True, has_ingress=True)
CLUSTER = Target(
    type="kubernetes",
    endpoint="https://k8s.example.org:6443",
    project="physics",
    credentials="robot",
)


def machine(number: int = 0, *, is_there: bool = True, state: str = "pending") -> dict[str, Any]:
    """A container as the IM shows it."""
    described = {
        "class": "system",
        "id": "web-1a2b3c4d",
        "state": state,
        "disk.0.image.url": "docker://web:1",
        "cpu.count": 0.5,
        "memory.size": 256 * 1024**2,
    }
    return described | ({"instance_id": "physics/web-1a2b3c4d"} if is_there else {})


@dataclass
class Im(ImClient):
    """An IM with one infrastructure: what it has, and what it was asked to do."""

    has: tuple[str, ...] = ("inf-1",)
    shows: str = "pending"
    described: list[dict[str, Any]] = field(default_factory=lambda: [machine()])
    refusals: dict[str, Exception] = field(default_factory=dict)  # by call
    done: list[tuple[Any, ...]] = field(default_factory=list)

    def _did(self, *call: Any) -> None:
        self.done.append(call)
        if (refusal := self.refusals.get(call[0])) is not None:
            raise refusal

    async def infrastructures(self, authorization: str) -> tuple[str, ...]:
        return self.has

    async def state(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        return self.shows, len(self.described)

    async def state_of_running(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        return self.shows, len(self.described)

    async def machines(self, authorization: str, infrastructure: str) -> tuple[str, ...]:
        return tuple(map(str, range(len(self.described))))

    async def machine(
        self, authorization: str, infrastructure: str, machine: str
    ) -> list[dict[str, Any]]:
        return [self.described[int(machine)]]

    async def contextualization(self, authorization: str, infrastructure: str) -> str:
        return ""

    async def outputs(self, authorization: str, infrastructure: str) -> dict[str, Any]:
        return {}

    async def alter(self, authorization: str, infrastructure: str, machine: str, radl: str) -> None:
        self._did("alter", machine, radl)

    async def add(self, authorization: str, infrastructure: str, template: str) -> None:
        self._did("add")

    async def remove(self, authorization: str, infrastructure: str, machine: str) -> None:
        self._did("remove", machine)

    async def delete(self, authorization: str, infrastructure: str, *, force: bool = False) -> None:
        self._did("delete by force" if force else "delete", infrastructure)
        self.has = tuple(one for one in self.has if one != infrastructure)


class Clusters:
    """What the cluster answers, and what it was asked about."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.why: str | Exception | None = None
        self.lacks: tuple[str, ...] | Exception = ()
        self.rolls: bool | Exception = False
        self.left: tuple[str, ...] | Exception | None = None
        self.asked: list[tuple[Access, Workload]] = []
        monkeypatch.setattr(clusters, "why_not_running", self._why)
        monkeypatch.setattr(clusters, "is_rolling_out", self._rolls)
        monkeypatch.setattr(clusters, "missing", self._missing)
        monkeypatch.setattr(clusters, "left", self._left)

    async def _why(self, access: Access, one: Workload) -> str | None:
        self.asked.append((access, one))
        if isinstance(self.why, Exception):
            raise self.why
        return self.why

    async def _rolls(self, access: Access, one: Workload) -> bool:
        self.asked.append((access, one))
        if isinstance(self.rolls, Exception):
            raise self.rolls
        return self.rolls

    async def _missing(self, access: Access, one: Workload) -> tuple[str, ...]:
        self.asked.append((access, one))
        if isinstance(self.lacks, Exception):
            raise self.lacks
        return self.lacks

    async def _left(self, access: Access, one: Workload, mounts: int) -> tuple[str, ...] | None:
        self.asked.append((access, one))
        assert mounts == 1, "the container has one volume"
        if isinstance(self.left, Exception):
            raise self.left
        return self.left


def answering(monkeypatch: pytest.MonkeyPatch) -> Clusters:
    """The cluster of `CLUSTER`, for which there is a token; and no provider has failed yet."""
    known = SimpleNamespace(
        credentials=lambda name: Credentials("token", token="a-token"), kubernetes=()
    )
    for module in (im_place, cluster_looks):
        monkeypatch.setattr(module, "federation", lambda: known)
    monkeypatch.setattr(im_limits, "_breakers", im_limits.defaultdict(im_limits.Breaker))
    return Clusters(monkeypatch)


def place(kind: EffectKind = EffectKind.POLL, target: Target = CLUSTER, **fields: Any) -> Place:
    """An effect on the one infrastructure at a cluster."""
    candidate = RankedCandidate(provider_name="k8s", region_name="default", target=target)
    known = candidate.model_dump(mode="json")
    document = template.validate(TEXT, {}).document
    newer = template.validate(TEXT.replace("num_cpus: 0.5", "num_cpus: 2"), {}).document
    updates = (UpdateInputs(2, newer, (known,)),)
    inputs = DispatchInputs(document, "alice", None, (known,), updates)
    effect = Effect(UUID, 1, 1, kind, 0, ("inf-1",), **fields)
    return Place(effect, inputs, candidate, ImUser(f"{UUID}.1", "secret"))


def told(found: DispatchEvent | None) -> tuple[str | None, str | None]:
    """What the dispatcher hears: the outcome and the sentence."""
    assert found is not None
    return found.outcome, found.message
