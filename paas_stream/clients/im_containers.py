"""Containers as the IM shows them, what the cluster has of them, and how they are changed in place.

The IM names a container by its node and by a part of an identifier of the template: `web-1a2b3c4d`, and
keeps that name over updates (measured on IM 2.0.0). In place it changes a container's image, CPUs and
memory, and nothing else of it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from paas_stream.clients.cluster_access import Workload
from paas_stream.clients.im import ImRefusedError
from paas_stream.lifecycle.machine_info import node_of
from paas_stream.tosca.containers import Made

_IMAGE = re.compile(
    r"\w[\w.:/@-]*", re.ASCII
)  # of a registry; what else there is would end RADL's text
_SCHEME = "docker://"


class IncompleteError(ImRefusedError):
    """The cluster has refused a part of what the IM calls configured."""

    code = "incomplete"


@dataclass(frozen=True)
class Container:
    """One container of an infrastructure."""

    machine: str  # its id in the IM
    node: str  # of the template; empty: not known
    state: str
    namespace: str | None  # None: the cluster has nothing of it
    name: str | None  # of its Deployment
    system: str  # its name in the IM
    image: str
    cpus: float
    memory_bytes: int


def of(machine: str, described: Iterable[Mapping[str, Any]], nodes: Collection[str]) -> Container:
    """A container; `described` is its RADL in JSON, a list of the parts that it is made of."""
    system = next((one for one in described if one.get("class") == "system"), {})
    name = str(system.get("id") or "")
    namespace, _, deployment = str(system.get("instance_id") or "").partition("/")
    return Container(
        machine=machine,
        node=node_of(name, nodes),
        state=str(system.get("state") or "unknown"),
        namespace=namespace or None,
        name=deployment or None,
        system=name,
        image=str(system.get("disk.0.image.url") or "").removeprefix(_SCHEME),
        cpus=float(system.get("cpu.count") or 0),
        memory_bytes=int(system.get("memory.size") or 0),
    )


def workload(one: Container, made: Made | None = None) -> Workload | None:
    """The Deployment of a container, with what belongs to it; None: the cluster has none of it."""
    if one.namespace is None or one.name is None:
        return None
    if made is None:
        return Workload(one.namespace, one.name)
    return Workload(
        one.namespace,
        one.name,
        claims=made.volumes,
        files=made.files,
        has_service=made.has_ports,
        has_ingress=made.has_name,
    )


def change(one: Container, made: Made) -> str | None:
    """The RADL that makes of a container what is wanted; None: it is so already.

    Raises ImRefusedError for an image whose name is none that a registry may have.
    """
    image = one.image if made.image is None else made.image.removeprefix(_SCHEME)
    if (image, made.cpus, made.memory_bytes) == (one.image, one.cpus, one.memory_bytes):
        return None
    if not _IMAGE.fullmatch(image):
        raise ImRefusedError(f"node {one.node!r}: {image!r} is no name of an image")
    return (
        f"system {one.system} ( cpu.count = {made.cpus:g} and memory.size = {made.memory_bytes}B "
        f"and disk.0.image.url = '{_SCHEME}{image}' )"
    )
