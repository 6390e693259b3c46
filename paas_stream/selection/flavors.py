"""Flavors: the smallest one that is large enough for a node.

Source of the rules: the field's orchestrator (ToscaServiceImpl), which takes the first match in the
ascending order of (GPUs, vCPUs, RAM, disk).
"""

from collections.abc import Iterable

from paas_stream.records import Flavor, NodeRequirement
from paas_stream.selection.reasons import Code, Reason, amount, some


def in_order(flavors: Iterable[Flavor]) -> tuple[Flavor, ...]:
    """Ascending by GPUs, vCPUs, RAM and disk; of equals those private to the project first.

    InfiniBand, being scarce, is left to those who ask for it.
    """
    return tuple(
        sorted(
            flavors,
            key=lambda f: (f.gpus, f.vcpus, f.ram, f.disk, f.is_shared, f.infiniband, f.name),
        )
    )


def fits(flavor: Flavor, requirement: NodeRequirement) -> bool:
    """Whether a machine of this flavor is large enough for the node."""
    return (
        flavor.vcpus >= requirement.cpus
        and flavor.ram >= requirement.memory_mib
        and flavor.disk >= requirement.disk_gib
        and flavor.gpus >= requirement.gpus
        and (flavor.infiniband or not requirement.infiniband)
        and (not requirement.gpus or _right_gpus(flavor, requirement))
    )


def _right_gpus(flavor: Flavor, requirement: NodeRequirement) -> bool:
    return _same(requirement.gpu_vendor, flavor.gpu_vendor) and _same(
        requirement.gpu_model, flavor.gpu_model
    )


def _same(asked: str | None, offered: str | None) -> bool:
    return not asked or asked.casefold() == (offered or "").casefold()


def choose(requirement: NodeRequirement, flavors: tuple[Flavor, ...]) -> Flavor | Reason:
    """The flavor for one node, of `flavors` as `in_order` gives them, or why there is none.

    `instance_type` names a flavor, which is then taken as it is. A name that is not found falls
    back to the amounts when any is given, else nothing fits. Nothing asked: the smallest flavor.
    """
    name = requirement.instance_type
    if name:
        for flavor in flavors:
            if flavor.name == name:
                return flavor
        if not _asks_for_amounts(requirement):
            return Reason(Code.FLAVOR, lambda: _not_offered(requirement, flavors))
    for flavor in flavors:
        if fits(flavor, requirement):
            return flavor
    return Reason(Code.FLAVOR, lambda: _shortage(requirement, flavors))


def _asks_for_amounts(requirement: NodeRequirement) -> bool:
    return bool(
        requirement.cpus
        or requirement.memory_mib
        or requirement.disk_gib
        or requirement.gpus
        or requirement.infiniband
    )


def _not_offered(requirement: NodeRequirement, flavors: tuple[Flavor, ...]) -> str:
    offered = some([flavor.name for flavor in flavors])
    return (
        f"node {requirement.name!r}: the flavor {requirement.instance_type!r} is not offered "
        f"(offered: {offered})"
    )


def _shortage(requirement: NodeRequirement, flavors: tuple[Flavor, ...]) -> str:
    node = f"node {requirement.name!r}: "
    if not flavors:
        return f"{node}the provider offers no flavor"
    rows = (
        ("vCPUs", requirement.cpus, max(f.vcpus for f in flavors)),
        ("MiB RAM", requirement.memory_mib, max(f.ram for f in flavors)),
        ("GiB disk", requirement.disk_gib, max(f.disk for f in flavors)),
        ("GPUs", requirement.gpus, max(f.gpus for f in flavors)),
    )
    short = [
        f"{amount(need)} {unit} are needed, the largest flavor has {amount(most)}"
        for unit, need, most in rows
        if need > most
    ]
    return node + ("; ".join(short) or f"no flavor has {_asked(requirement)} together")


def _asked(requirement: NodeRequirement) -> str:
    gpu = " ".join(filter(None, (requirement.gpu_vendor, requirement.gpu_model, "GPUs")))
    parts = (
        (requirement.cpus, "vCPUs"),
        (requirement.memory_mib, "MiB RAM"),
        (requirement.disk_gib, "GiB disk"),
        (requirement.gpus, gpu),
    )
    asked = [f"{amount(number)} {unit}" for number, unit in parts if number]
    return ", ".join([*asked, *(["InfiniBand"] if requirement.infiniband else [])])


def is_exact(flavor: Flavor, requirement: NodeRequirement) -> bool:
    """Whether the flavor is what was asked: by name, or equal in all amounts that were given."""
    if requirement.instance_type:
        return flavor.name == requirement.instance_type
    return (
        flavor.gpus == requirement.gpus
        and requirement.cpus in (0, flavor.vcpus)
        and requirement.memory_mib in (0, flavor.ram)
        and requirement.disk_gib in (0, flavor.disk)
    )
