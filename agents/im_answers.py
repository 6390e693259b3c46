"""The events that tell the dispatcher what became of its effects."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from paas_stream.lifecycle import outputs
from paas_stream.lifecycle.attempt import Effect, Outcome
from paas_stream.records import DispatchEvent
from paas_stream.secrets import vault

COMPONENT = "im-effects"
LOG_MAX = 200 * 1024  # bytes of a log; the end counts


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


def sealed_outputs(found: Mapping[str, Any]) -> str:
    """Outputs as they travel: they may hold credentials."""
    return vault().seal_json(outputs.bounded(found))


def sealed_log(text: str) -> str:
    """The end of a log as it travels: it may hold secrets."""
    return vault().seal(text.encode("utf-8", "replace")[-LOG_MAX:].decode("utf-8", "ignore"))
