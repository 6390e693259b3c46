"""One template against one provider: what each node becomes there, or what stands against it."""

from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from paas_stream.records import Flavor, Image, NodeRequirement
from paas_stream.selection import containers, flavors, images, networks, quotas
from paas_stream.selection.reasons import Code, Reason
from paas_stream.selection.rows import ProviderRow

MACHINE_TYPES = frozenset({"dummy", "openstack"})
CONTAINER_TYPES = frozenset({"kubernetes"})

T = TypeVar("T")


class Choice(NamedTuple):
    """What one node becomes."""

    flavor: Flavor | None = None
    image: Image | str | None = None  # text is taken as it is
    network: str | None = None  # IM's `network_name`


class Match(NamedTuple):
    """The outcome at one provider; it can host the template when there are no reasons."""

    row: ProviderRow
    choices: tuple[Choice, ...]  # one per node, in the order of the requirements
    demand: quotas.Demand
    reasons: list[Reason]
    headroom: float  # the smallest share of a quota that stays free


class Matcher:
    """The requirements of one template, prepared to be compared with many providers."""

    def __init__(self, requirements: tuple[NodeRequirement, ...]) -> None:
        self.requirements = requirements
        self._nodes = [(node, images.Wish(node)) for node in requirements]
        self._kinds = {node.kind for node in requirements}
        self._by_type: dict[str, list[Reason]] = {}  # type of provider -> why it cannot be
        self._fixed_demand = quotas.fixed_demand(requirements)

    def match(self, row: ProviderRow) -> Match:
        """Apply every rule that looks at the template."""
        provider_type = row.feeder.provider_type
        if provider_type not in self._by_type:
            self._by_type[provider_type] = list(self._type_reasons(provider_type))
        reasons = self._by_type[provider_type].copy()
        choices = tuple([_choice(node, wish, row, reasons) for node, wish in self._nodes])
        sizes = [
            (node, choice.flavor) for node, choice in zip(self.requirements, choices, strict=True)
        ]
        demand = quotas.demand(self._fixed_demand, sizes)
        shortages, headroom = quotas.compare(demand, row.budget)
        return Match(row, choices, demand, reasons + shortages, headroom)

    def exactness(self, match: Match) -> float:
        """Share of the machines whose flavor is exactly what was asked; 1.0 without machines."""
        exact = [
            flavors.is_exact(choice.flavor, node)
            for node, choice in zip(self.requirements, match.choices, strict=True)
            if choice.flavor
        ]
        return sum(exact) / len(exact) if exact else 1.0

    def _type_reasons(self, provider_type: str) -> Iterator[Reason]:
        if len(self._kinds) > 1:
            yield Reason(
                Code.NO_MIX, lambda: "machines and containers in one template: no provider has both"
            )
            return
        if provider_type not in MACHINE_TYPES and provider_type not in CONTAINER_TYPES:
            yield Reason(
                Code.PROVIDER_TYPE, lambda: f"providers of type {provider_type!r} are not served"
            )
        if "compute" in self._kinds and provider_type in CONTAINER_TYPES:
            yield Reason(
                Code.NO_MACHINES, lambda: f"{provider_type} hosts containers only, no machines"
            )
        if "container" in self._kinds and provider_type in MACHINE_TYPES:
            yield Reason(
                Code.NO_CONTAINERS, lambda: f"{provider_type} hosts machines only, no containers"
            )
        if provider_type in CONTAINER_TYPES:
            yield from containers.name_clashes(self.requirements)


def _choice(
    node: NodeRequirement, wish: images.Wish, row: ProviderRow, reasons: list[Reason]
) -> Choice:
    provider_type = row.feeder.provider_type
    if node.kind == "compute" and provider_type in MACHINE_TYPES:
        return _machine(node, wish, row, reasons)
    if node.kind == "container" and provider_type in CONTAINER_TYPES:
        reasons.extend(containers.reasons(node, row))
    return Choice(image=node.image)


def _machine(
    node: NodeRequirement, wish: images.Wish, row: ProviderRow, reasons: list[Reason]
) -> Choice:
    if row.unread:
        # That a part is empty would be another sentence.
        reasons.extend(_not_read(part) for part in sorted(row.unread))
        return Choice()
    return Choice(
        _kept(flavors.choose(node, row.flavors), reasons),
        _kept(wish.choose(row.images), reasons),
        _kept(networks.choose(node, row.networks), reasons),
    )


def _not_read(part: str) -> Reason:
    return Reason(Code.NOT_READ, lambda: f"the provider's {part} could not be read so far")


def _kept(choice: T | Reason, reasons: list[Reason]) -> T | None:
    if isinstance(choice, Reason):
        reasons.append(choice)
        return None
    return choice
