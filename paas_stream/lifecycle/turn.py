"""One turn of the dispatcher's state machine: what its parts need to know, and where they say things."""

from dataclasses import dataclass, field

from paas_stream.lifecycle.attempt import Policy
from paas_stream.records import Message


@dataclass(frozen=True)
class Turn:
    """The step that is being made."""

    now: float  # seconds since the epoch
    # When its event was made. Time-outs are compared with this: an event that comes again after a crash,
    # however late, leads to what it led to before.
    moment: float
    ticked: (
        float | None
    )  # the same of a tick, which stands behind all results of its time; else None
    policy: Policy
    said: list[Message] = field(default_factory=list)  # to be sent before the row is stored

    def say(self, *messages: Message) -> None:
        """Send these with what the step leads to."""
        self.said.extend(messages)
