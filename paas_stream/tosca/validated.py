"""The result of validation. Apart from its making, so that reading it needs no TOSCA parser."""

from dataclasses import dataclass
from typing import Any

from paas_stream.records import NodeRequirement


@dataclass(frozen=True)
class Validated:
    """A template that can be deployed."""

    document: dict[str, Any]  # types merged in, inputs resolved, no import
    template_name: str  # "" when the metadata give none
    is_automatic: bool  # no placement policy
    requirements: tuple[NodeRequirement, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Refused:
    """A template that cannot be deployed; what a worker process answers instead of raising."""

    faults: tuple[str, ...]
