"""What a deployment's row keeps of its callbacks: those that have not been delivered yet.

A part of the row and not a table of its own: were the two stored one after the other, a crash between
them could lose a callback.
"""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Callback:
    """One thing that the deployment's target is to be told."""

    number: int  # of all that it is told of this deployment, from 1
    moment: float  # when it came up, seconds since the epoch
    due: float  # when it is sent, or, once it is under way, sent again
    resource: dict[str, Any] = field(default_factory=dict)  # as it was then; no outputs, no links
    has_outputs: bool = False  # whether there were some then
    issue: int = 0  # how often it was sent
    tries: int = 0  # of these, how many are known to have failed

    @property
    def status(self) -> str:
        """The state that it tells of."""
        return str(self.resource.get("status", ""))


@dataclass(frozen=True)
class Callbacks:
    """All of one deployment. Only the first is ever under way, so that they arrive in order."""

    pending: tuple[Callback, ...] = ()
    last: int = 0  # number of the newest
