"""One turn of the dispatcher's state machine: what its parts need to know, and where they say things."""

from dataclasses import dataclass, field

from paas_stream.lifecycle.attempt import Policy
from paas_stream.records import Message


@dataclass(frozen=True)
class Turn:
    """The step that is being made."""

    now: float  # seconds since the epoch
    policy: Policy
    said: list[Message] = field(default_factory=list)  # to be sent before the row is stored

    def say(self, *messages: Message) -> None:
        """Send these with what the step leads to."""
        self.said.extend(messages)
