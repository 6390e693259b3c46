"""What a template needs of a provider, per machine and container: what the selector compares."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paas_stream.records import NodeRequirement
from paas_stream.tosca import containers, networks, ports, resolve, types, values

MAX_COUNT = 10_000  # instances of one node
MAX_CPUS = 100_000
MAX_GPUS = 10_000
MAX_SIZE = 2**40  # MiB or GiB
_DEFAULT_MEMORY_MIB = math.ceil(values.size(containers.DEFAULT_MEMORY, "MiB"))


@dataclass(frozen=True)
class Extracted:
    """The requirements of a document, and what is wrong or unknown about them."""

    requirements: tuple[NodeRequirement, ...]
    faults: list[str]
    warnings: list[str]


def extract(document: types.Document) -> Extracted:
    """The requirements of every machine and container of a resolved document with its types."""
    faults: list[str] = []
    warnings: list[str] = []
    found = [
        _machine(document, _Reader(document, name, node, faults, warnings))
        for name, node in types.nodes_of(document, types.COMPUTE).items()
    ]
    for one in containers.of(document):
        read = _Reader(document, one.runtime_name, one.runtime, faults, warnings)
        found.append(_container(document, one, read))
    return Extracted(tuple(found), faults, warnings)


class _Reader:
    """Reads amounts of one node; what cannot be read is noted and counts as nothing."""

    def __init__(
        self,
        document: types.Document,
        name: str,
        node: Mapping[str, Any],
        faults: list[str],
        warnings: list[str],
    ) -> None:
        self.document = document
        self.name = name
        self.node = node
        self.faults = faults
        self.warnings = warnings

    def raw(self, capability: str, name: str) -> Any:
        """A property of a capability as it stands, None when it is not given."""
        return types.capability_property(self.document, self.node, capability, name)

    def value(self, capability: str, name: str) -> Any:
        """A property of a capability, None when it is not given or known only at run time."""
        return self._known(self.raw(capability, name), self._path(capability, name))

    def text(self, capability: str, name: str) -> str | None:
        """A property as text, None when it is not given or empty."""
        value = self.value(capability, name)
        return str(value) if value not in (None, "") else None

    def amount(self, capability: str, name: str, most: int) -> float:
        """A property as a number from 0 to `most`, 0 when it is not given."""
        value = self.value(capability, name)
        if value is None:
            return 0
        try:
            number = float(value)
        except (TypeError, ValueError):
            return self._refuse(value, self._path(capability, name), "a number is needed")
        if not 0 <= number <= most:
            wanted = f"a number from 0 to {most} is needed"
            return self._refuse(value, self._path(capability, name), wanted)
        return number

    def size(self, capability: str, name: str, unit: str) -> int:
        """A property as a size in whole `unit`s, rounded up, 0 when it is not given."""
        value = self.value(capability, name)
        return self.size_of(value, unit, self._path(capability, name))

    def size_of(self, value: Any, unit: str, path: str) -> int:
        """A size in whole `unit`s, rounded up, 0 when there is none."""
        value = self._known(value, path)
        if value is None:
            return 0
        try:
            amount = math.ceil(values.size(value, unit))
        except ValueError as exc:
            return self._refuse(value, path, str(exc))
        if amount > MAX_SIZE:
            return self._refuse(value, path, f"at most {MAX_SIZE} {unit} can be had")
        return amount

    def _known(self, value: Any, path: str) -> Any:
        if isinstance(value, dict | list):
            self.warnings.append(f"{path}: known only at run time, providers are chosen without it")
            return None
        return value

    def _refuse(self, value: Any, path: str, wanted: str) -> int:
        self.faults.append(f"{path}: {values.shown(value)} is not accepted, {wanted}")
        return 0

    def _path(self, capability: str, name: str) -> str:
        node = f"topology_template.node_templates.{self.name}"
        return f"{node}.capabilities.{capability}.properties.{name}"


def _machine(document: types.Document, read: _Reader) -> NodeRequirement:
    return NodeRequirement(
        name=read.name,
        count=_count(read),
        cpus=read.amount("host", "num_cpus", MAX_CPUS),
        memory_mib=read.size("host", "mem_size", "MiB"),
        disk_gib=read.size("host", "disk_size", "GiB"),
        gpus=int(read.amount("host", "num_gpus", MAX_GPUS)),
        gpu_vendor=read.text("host", "gpu_vendor"),
        gpu_model=read.text("host", "gpu_model"),
        infiniband=read.value("host", "infiniband_support") is True,
        instance_type=read.text("host", "instance_type"),
        image=read.text("os", "image"),
        os_type=read.text("os", "type"),
        os_architecture=read.text("os", "architecture"),
        os_distribution=read.text("os", "distribution"),
        os_version=read.text("os", "version"),
        gpu_driver=read.value("os", "gpu_driver") is True,
        cuda_support=read.value("os", "cuda_support") is True,
        cuda_version=read.text("os", "cuda_min_version"),
        public_address=networks.is_public(document, read.name),
        volumes_gib=_volumes(document, read),
        ports=_ports(document, read),
        networks=tuple(networks.kinds(document, read.name)),
    )


def _container(
    document: types.Document, container: containers.Container, read: _Reader
) -> NodeRequirement:
    image = containers.image(document, container.node)
    storage = types.nodes_of(document, types.BLOCK_STORAGE)
    sizes = [
        _size_of_volume(read, name, storage[name])
        for name in containers.volumes(document, read.raw("host", "volumes"))
    ]
    published = ports.published(read.raw("host", "publish_ports"))
    return NodeRequirement(
        name=container.name,
        kind="container",
        count=_count(read),
        cpus=read.amount("host", "num_cpus", MAX_CPUS) or containers.DEFAULT_CPUS,
        memory_mib=read.size("host", "mem_size", "MiB") or _DEFAULT_MEMORY_MIB,
        disk_gib=read.size("host", "disk_size", "GiB"),
        gpus=int(read.amount("host", "num_gpus", MAX_GPUS)),
        gpu_vendor=read.text("host", "gpu_vendor"),
        gpu_model=read.text("host", "gpu_model"),
        image=image if isinstance(image, str) else None,
        public_address=bool(published),
        volumes_gib=tuple(size for size in sizes if size),
        ports=tuple(published),
    )


def _count(read: _Reader) -> int:
    for name in containers.COUNTS:
        if read.value("scalable", name) is not None:
            return int(read.amount("scalable", name, MAX_COUNT))
    return 1


def _ports(document: types.Document, read: _Reader) -> tuple[str, ...]:
    """The ports that the machine opens for itself and for the software on it, each once."""
    found = ports.opened(read.raw("endpoint", "ports"))
    for node in networks.hosted_on(document, read.name):
        found += ports.opened(types.capability_property(document, node, "endpoint", "ports"))
    return tuple(dict.fromkeys(found))


def _volumes(document: types.Document, read: _Reader) -> tuple[int, ...]:
    """Sizes of the new volumes of one instance, in GiB; an existing volume is none."""
    storage = types.nodes_of(document, types.BLOCK_STORAGE)
    sizes = []
    for requirement in read.node.get("requirements") or []:
        name = resolve.target(requirement)
        if name not in storage or not _attaches(document, requirement):
            continue
        sizes.append(_size_of_volume(read, name, storage[name]))
    return tuple(size for size in sizes if size)


def _size_of_volume(read: _Reader, name: str, node: Mapping[str, Any]) -> int:
    """The size of a new volume in GiB; 0 for one that exists."""
    properties = node.get("properties") or {}
    if properties.get("volume_id"):
        return 0
    path = f"topology_template.node_templates.{name}.properties.size"
    return read.size_of(properties.get("size"), "GiB", path)


def _attaches(document: types.Document, requirement: Mapping[str, Any]) -> bool:
    name, wanted = next(iter(requirement.items()))
    relationship = wanted.get("relationship") if isinstance(wanted, dict) else None
    if isinstance(relationship, dict):
        relationship = relationship.get("type")
    if relationship is None:
        return bool(name == "local_storage")
    short = relationship == "AttachesTo"  # without its prefix
    return short or types.derives(document, "relationship_types", relationship, types.ATTACHES_TO)
