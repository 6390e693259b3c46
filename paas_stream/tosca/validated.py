"""The result of validation. Apart from its making, so that reading it needs no TOSCA parser."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from paas_stream.errors import Fault
from paas_stream.records import Node, NodeRequirement, Template, ValidatedTemplate


@dataclass(frozen=True)
class Validated:
    """A template that can be deployed."""

    document: dict[str, Any]  # types merged in, inputs resolved, no import
    template_name: str  # "" when the metadata give none
    is_automatic: bool  # no placement policy
    requirements: tuple[NodeRequirement, ...]
    warnings: tuple[str, ...] = ()
    sla_ids: tuple[str, ...] = ()  # of the agreements that placement policies name
    objects: tuple[str, ...] = ()  # Kubernetes objects that nodes specify: "Deployment/web"
    inputs: Mapping[str, Any] = field(default_factory=dict)  # the values in force, None = no value
    nodes: tuple[Node, ...] = ()  # all of them
    removals: tuple[str, ...] = ()  # what `removal_list`s name: resources of the deployment

    def message(self, request: Template) -> ValidatedTemplate:
        """What follows from the request that the template came with."""
        return ValidatedTemplate(
            uuid=request.uuid,
            revision=request.revision,
            template=self.document,
            template_name=request.template_name or self.template_name,
            is_automatic=self.is_automatic,
            user_group=request.request.user_group,
            requirements=_to_be_added(self.requirements, request.existing),
            nodes=self.nodes,
            request=request.request,
            warnings=self.warnings,
            removals=request.removals,
        )

    @property
    def totals(self) -> "Totals":
        """What all instances of all nodes need together."""
        return Totals.of(self.requirements)


def _to_be_added(
    nodes: Iterable[NodeRequirement], existing: Mapping[str, int]
) -> tuple[NodeRequirement, ...]:
    """What a provider must still have room for."""
    return tuple(
        node.model_copy(update={"count": max(node.count - existing[node.name], 0)})
        if node.name in existing
        else node
        for node in nodes
    )


@dataclass(frozen=True)
class Totals:
    """Sums over all instances."""

    machines: int = 0
    containers: int = 0
    cpus: float = 0
    memory_mib: int = 0
    disk_gib: int = 0  # of the machines' own disks
    gpus: int = 0
    volumes: int = 0
    volumes_gib: int = 0
    public_addresses: int = 0

    @classmethod
    def of(cls, requirements: Iterable[NodeRequirement]) -> "Totals":
        """The sums of these nodes."""
        nodes = tuple(requirements)
        return cls(
            machines=sum(node.count for node in nodes if node.kind == "compute"),
            containers=sum(node.count for node in nodes if node.kind == "container"),
            cpus=sum(node.count * node.cpus for node in nodes),
            memory_mib=sum(node.count * node.memory_mib for node in nodes),
            disk_gib=sum(node.count * node.disk_gib for node in nodes),
            gpus=sum(node.count * node.gpus for node in nodes),
            volumes=sum(node.count * len(node.volumes_gib) for node in nodes),
            volumes_gib=sum(node.count * sum(node.volumes_gib) for node in nodes),
            public_addresses=sum(node.count for node in nodes if node.public_address),
        )


@dataclass(frozen=True)
class Refused:
    """A template that cannot be deployed; what a worker process answers instead of raising."""

    faults: tuple[Fault, ...]
