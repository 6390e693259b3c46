"""The events that tell the dispatcher what became of its effects."""

from datetime import UTC, datetime

from paas_stream.lifecycle.attempt import Effect, Outcome
from paas_stream.records import DispatchEvent

COMPONENT = "im-effects"


def event(effect: Effect, outcome: Outcome, **fields: object) -> DispatchEvent:
    """The event that tells what became of an effect."""
    return DispatchEvent.model_validate(
        {
            "uuid": effect.uuid,
            "timestamp": datetime.now(UTC),
            "event": "effect",
            "attempt": effect.attempt,
            "issue": effect.issue,
            "effect": effect.kind.value,
            "outcome": outcome.value,
            **fields,
        }
    )
