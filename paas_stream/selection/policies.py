"""Placement policies of a template: which agreement it must be deployed under."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from paas_stream.errors import InvalidTemplateError

SLA_PLACEMENT: Final = "tosca.policies.indigo.SlaPlacement"


def sla_id(template: Mapping[str, Any]) -> str | None:
    """The agreement that the template's placement policy names; None: there is no such policy.

    Policies of other types are not about placement. Raises InvalidTemplateError for a second
    placement policy and for one that names no agreement.
    """
    types = template.get("policy_types") or {}
    placements = [
        (name, policy)
        for name, policy in _policies(template)
        if SLA_PLACEMENT in _ancestry(str(policy.get("type", "")), types)
    ]
    if not placements:
        return None
    if len(placements) > 1:
        names = ", ".join(repr(name) for name, _ in placements)
        raise InvalidTemplateError([f"only one placement policy is possible, there are {names}"])
    ((name, policy),) = placements
    properties = policy.get("properties")
    found = properties.get("sla_id") if isinstance(properties, Mapping) else None
    if not isinstance(found, str) or not found:
        raise InvalidTemplateError([f"the policy {name!r} names no SLA: sla_id is missing"])
    return found


def _policies(template: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """TOSCA lists policies as maps of one entry; a plain map is taken too."""
    topology = template.get("topology_template") or {}
    policies = topology.get("policies") or []
    for group in [policies] if isinstance(policies, Mapping) else policies:
        for name, policy in group.items():
            if isinstance(policy, Mapping):
                yield str(name), policy


def _ancestry(name: str, types: Mapping[str, Any]) -> Iterator[str]:
    """A type and what it is derived from; a cycle ends."""
    seen: set[str] = set()
    while name and name not in seen:
        seen.add(name)
        yield name
        definition = types.get(name)
        name = str(definition.get("derived_from") or "") if isinstance(definition, Mapping) else ""
