"""Policies of a template: whether and where it is to be placed."""

from collections.abc import Iterator, Mapping
from typing import Any

from paas_stream.tosca import types

SLA_PLACEMENT = "tosca.policies.indigo.SlaPlacement"


def named(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The policies with their names, in the order in which they stand."""
    for entry in document["topology_template"].get("policies") or []:
        yield from entry.items()


def has_placement(document: Mapping[str, Any]) -> bool:
    """Whether a policy says where to place nodes: then providers are not chosen automatically."""
    return any(_derives(document, policy, types.PLACEMENT) for _, policy in named(document))


def sla_ids(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The agreements that placement policies name, each once."""
    found = [
        (policy.get("properties") or {}).get("sla_id")
        for _, policy in named(document)
        if _derives(document, policy, SLA_PLACEMENT)
    ]
    return tuple(dict.fromkeys(one for one in found if isinstance(one, str)))


def _derives(document: Mapping[str, Any], policy: Mapping[str, Any], ancestor: str) -> bool:
    return types.derives(document, "policy_types", policy.get("type"), ancestor)
