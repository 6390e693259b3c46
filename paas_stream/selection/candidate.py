"""A candidate as it stands in the message: the field's flat numbers, and the target of ours."""

from collections.abc import Iterable, Iterator

from paas_stream.records import Candidate, Image, NodeRequirement, NodeTarget, Target
from paas_stream.selection import images
from paas_stream.selection.health import Windows
from paas_stream.selection.matching import Choice, Match
from paas_stream.selection.quotas import Budget, Line
from paas_stream.selection.rows import ProviderRow

_MIB_PER_GIB = 1024


def build(
    match: Match,
    requirements: Iterable[NodeRequirement],
    exact_flavors: float,
    health: Windows,
    is_stale: bool,
) -> Candidate:
    """The candidate of `match`; `*_requ` is what the template takes there (chosen flavors)."""
    row, demand = match.row, match.demand
    feeder, budget = row.feeder, row.budget
    cores, ram = _line(budget, "cores"), _line(budget, "ram")
    instances, public_ips = _line(budget, "instances"), _line(budget, "public_ips")
    storage, volumes = _line(budget, "gigabytes"), _line(budget, "volumes")
    return Candidate(
        provider_name=feeder.provider_name,
        region_name=feeder.region_name,
        overbooking_cpu=feeder.overbooking_cpu,
        overbooking_ram=feeder.overbooking_ram,
        bandwidth_in=feeder.bandwidth_in,
        bandwidth_out=feeder.bandwidth_out,
        exact_flavors=exact_flavors,
        gpus_requ=demand.get("gpus", 0.0),
        vcpus_requ=demand.get("cores", 0.0),
        vcpus_quota=cores.limit,
        vcpus_usage=cores.used,
        ram_gb_requ=demand.get("ram", 0.0) / _MIB_PER_GIB,
        ram_gb_quota=ram.limit / _MIB_PER_GIB if ram.limit >= 0 else ram.limit,
        ram_gb_usage=ram.used / _MIB_PER_GIB,
        n_instances_requ=demand.get("instances", 0.0),
        n_instances_quota=instances.limit,
        n_instances_usage=instances.used,
        floating_ips_requ=demand.get("public_ips", 0.0),
        floating_ips_quota=public_ips.limit,
        floating_ips_usage=public_ips.used,
        storage_gb_requ=demand.get("gigabytes", 0.0),
        storage_gb_quota=storage.limit,
        storage_gb_usage=storage.used,
        n_volumes_requ=demand.get("volumes", 0.0),
        n_volumes_quota=volumes.limit,
        n_volumes_usage=volumes.used,
        **health._asdict(),
        sla_start=feeder.sla_start,
        stale=is_stale,
        target=_target(match, dict(_nodes(match, requirements))),
    )


def _line(budget: Budget, resource: str) -> Line:
    return budget.project.get(resource, Line())


def _nodes(
    match: Match, requirements: Iterable[NodeRequirement]
) -> Iterator[tuple[str, NodeTarget]]:
    for node, choice in zip(requirements, match.choices, strict=True):
        yield node.name, _node(choice, match.row)


def _node(choice: Choice, row: ProviderRow) -> NodeTarget:
    image = choice.image
    return NodeTarget(
        flavor=choice.flavor.name if choice.flavor else None,
        image=images.reference(image, row.feeder) if isinstance(image, Image) else image,
        network=choice.network,
    )


def _target(match: Match, nodes: dict[str, NodeTarget]) -> Target:
    row, feeder = match.row, match.row.feeder
    return Target(
        type=feeder.provider_type,
        endpoint=feeder.provider_endpoint,
        project=feeder.project_id,
        project_name=feeder.project_name,
        issuer=feeder.issuer_name or None,
        protocol=feeder.issuer_protocol,
        credentials=feeder.credentials,
        public_network=row.networks.public,
        private_network=row.networks.private,
        proxy_host=row.networks.proxy_host,
        proxy_user=row.networks.proxy_user,
        apps_dns=feeder.apps_dns,
        nodes=nodes,
        demand=dict(match.demand),
    )
