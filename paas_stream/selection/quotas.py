"""Quotas: what a project may still use, against what a template takes there.

Limits minus usage; -1 = unlimited; a resource without a row is unknown and does not exclude.
Limits per user stand in rows of their own. Overbooking is a property of the hosts, not of a quota:
it changes no number here. A Kubernetes namespace bounds one thing in several ways, by limits and by
requests; the way in which least is free counts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

from paas_stream.records import Flavor, NodeRequirement, Quota
from paas_stream.selection.reasons import Code, Reason, amount

UNLIMITED = -1.0

# Resource -> amount for the whole template, above 0; GPUs in total, as `gpus:<model>`, and of a
# container that names their maker as `gpus:<maker>`.
Demand = Mapping[str, float]

_RESOURCES = {  # field of a quota row -> code and unit
    "cores": (Code.QUOTA_CORES, "vCPUs"),
    "ram": (Code.QUOTA_RAM, "MiB RAM"),
    "instances": (Code.QUOTA_INSTANCES, "instances"),
    "gigabytes": (Code.QUOTA_STORAGE, "GiB of volumes"),
    "volumes": (Code.QUOTA_VOLUMES, "volumes"),
    "public_ips": (Code.QUOTA_PUBLIC_IPS, "public addresses"),
    "gpus": (Code.QUOTA_GPUS, "GPUs"),
    "per_volume_gigabytes": (Code.QUOTA_STORAGE, "GiB in one volume"),
    "ephemeral_storage": (Code.QUOTA_STORAGE, "GiB of ephemeral storage"),
}
_OF_NAMESPACES = {  # field of a ResourceQuota -> the resource that it bounds
    "limits_cpu": "cores",
    "requests_cpu": "cores",
    "limits_memory": "ram",
    "requests_memory": "ram",
    "pods": "instances",
    "pvcs": "volumes",
    "storage": "gigabytes",
    "limits_ephemeral_storage": "ephemeral_storage",
    "requests_ephemeral_storage": "ephemeral_storage",
}
NOT_TAKEN = frozenset({"per_volume_gigabytes"})  # a cap on each volume, of which nothing is used
_FIELDS = tuple(name for name in Quota.model_fields if name in {*_RESOURCES, *_OF_NAMESPACES})


class Line(NamedTuple):
    """The quota of one resource."""

    limit: float = UNLIMITED
    used: float = 0.0
    free: float = inf


@dataclass(frozen=True)
class Budget:
    """All quotas of one project, by resource as in a demand."""

    project: Mapping[str, Line]
    per_user: Mapping[str, Line]


def budget(quotas: Iterable[Quota], storage_class: str | None = None) -> Budget:
    """The quotas of a provider's message, limits and usage brought together.

    Of several rows for one resource the tightest limit and the highest usage count. Rows about a
    storage class count when it is `storage_class`, the one that volumes get.
    """
    rows = [row for row in quotas if row.type != "storageclass" or row.name == storage_class]
    return Budget(
        _lines(row for row in rows if not row.per_user), _lines(row for row in rows if row.per_user)
    )


def _lines(rows: Iterable[Quota]) -> dict[str, Line]:
    limits: dict[tuple[str, str], float] = {}
    usage: dict[tuple[str, str], float] = defaultdict(float)
    for row in rows:
        whose = row.name or ""
        for resource, number in _numbers(row):
            key = whose, resource
            if row.usage:
                usage[key] = max(usage[key], number)
            else:
                limits[key] = _tighter(limits.get(key, UNLIMITED), number)
    lines: dict[str, Line] = {}
    for key, limit in limits.items():
        resource = _OF_NAMESPACES.get(key[1], key[1])
        line = _line(limit, usage[key])
        if resource not in lines or line.free < lines[resource].free:
            lines[resource] = line
    return lines | _sums_of_gpus(lines)


def _sums_of_gpus(lines: Mapping[str, Line]) -> dict[str, Line]:
    """GPUs of all models, and of each maker; one without a limit makes its sum unlimited."""
    sums: dict[str, list[Line]] = defaultdict(list)
    for resource, line in lines.items():
        kind, _, name = resource.partition(":")
        if kind == "gpus":
            sums["gpus"].append(line)
            if maker := maker_of(name):
                sums[f"gpus:{maker}"].append(line)
    return {
        resource: _line(
            UNLIMITED if any(one.limit < 0 for one in found) else sum(one.limit for one in found),
            sum(one.used for one in found),
        )
        for resource, found in sums.items()
    }


def maker_of(name: str) -> str | None:
    """The maker in a Kubernetes resource's name, `nvidia.com/gpu`; None: it is a model's name."""
    domain, slash, _ = name.casefold().partition("/")
    labels = domain.split(".")
    return labels[-2] if slash and len(labels) > 1 else None


def _line(limit: float, used: float) -> Line:
    return Line(limit, used, inf if limit < 0 else max(limit - used, 0.0))


def _numbers(row: Quota) -> Iterator[tuple[str, float]]:
    for resource in _FIELDS:
        if resource != "gpus" and (number := getattr(row, resource)) is not None:
            yield resource, number
    for model, number in (row.gpus or {}).items():
        yield f"gpus:{model.casefold()}", number


def _tighter(one: float, other: float) -> float:
    return max(one, other) if one < 0 or other < 0 else min(one, other)


def fixed_demand(nodes: Iterable[NodeRequirement]) -> dict[str, float]:
    """What a template takes everywhere alike: machines or pods, public addresses, volumes."""
    total: dict[str, float] = defaultdict(float)
    for node in nodes:
        total["volumes"] += node.count * len(node.volumes_gib)
        total["gigabytes"] += node.count * sum(node.volumes_gib)
        largest = max(node.volumes_gib, default=0)
        total["per_volume_gigabytes"] = max(total["per_volume_gigabytes"], largest)
        total["instances"] += node.count
        if node.kind == "compute":
            total["public_ips"] += node.count * node.public_address
        else:
            total["ephemeral_storage"] += node.count * node.disk_gib
    return {resource: number for resource, number in total.items() if number > 0}


def demand(
    fixed: Demand, sizes: Iterable[tuple[NodeRequirement, Flavor | None]]
) -> dict[str, float]:
    """`fixed`, and what the nodes take with the flavors chosen for them.

    Without a flavor (a container, or a machine for which none fits) the amounts asked for count.
    """
    total = dict(fixed)
    cores = ram = gpus = 0.0
    for node, flavor in sizes:
        cores += node.count * (flavor.vcpus if flavor else node.cpus)
        ram += node.count * (flavor.ram if flavor else node.memory_mib)
        count = node.count * (flavor.gpus if flavor else node.gpus)
        if count:
            gpus += count
            names = (flavor.gpu_model,) if flavor else (node.gpu_model, node.gpu_vendor)
            for name in {name.casefold() for name in names if name}:
                key = f"gpus:{name}"
                total[key] = total.get(key, 0.0) + count
    taken = {"cores": cores, "ram": ram, "gpus": gpus}
    total.update({name: number for name, number in taken.items() if number > 0})
    return total


def compare(needed: Demand, quotas: Budget) -> tuple[list[Reason], float]:
    """Each resource of which less is free than the template takes, and the headroom.

    The headroom is the smallest share of a project's limit that stays free; 1.0 without limits.
    """
    shortages = []
    headroom = 1.0
    for resource, number in needed.items():
        line = quotas.project.get(resource)
        if line is None or line.limit < 0:
            continue
        if number > line.free:
            shortages.append(_shortage(resource, number, line, ""))
        elif line.limit and resource not in NOT_TAKEN:
            headroom = min(headroom, (line.free - number) / line.limit)
    for resource, line in quotas.per_user.items():
        number = needed.get(resource, 0.0)
        if number > line.free:
            shortages.append(_shortage(resource, number, line, " per user"))
    return shortages, headroom


def less(quotas: Budget, held: Demand, held_by_user: Demand) -> Budget:
    """The same quotas with what others hold counted as used, and what the user holds of the user's."""
    return Budget(_taken(quotas.project, held), _taken(quotas.per_user, held_by_user))


def _taken(lines: Mapping[str, Line], held: Demand) -> dict[str, Line]:
    return {
        resource: _line(line.limit, line.used + held.get(resource, 0.0))
        for resource, line in lines.items()
    }


def _shortage(resource: str, number: float, line: Line, whose: str) -> Reason:
    name, _, model = resource.partition(":")
    code, unit = _RESOURCES[name]

    def tell() -> str:
        what = f"{unit} ({model})" if model else unit
        free = f"{amount(line.free)} of {amount(line.limit)}{whose} are free"
        return f"{amount(number)} {what} are needed, {free}"

    return Reason(code, tell)
