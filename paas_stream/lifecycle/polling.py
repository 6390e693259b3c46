"""What a poll of the IM tells the row of its attempt: most polls tell it nothing, and write nothing."""

from typing import Final

from paas_stream.lifecycle.attempt import Effect

SLOW_S: Final = 5.0  # containers that are pending for longer: a start that goes well takes seconds


def is_to_be_explained(effect: Effect, state: str, machines: int, now: float) -> bool:
    """Whether the cluster is asked why an attempt's containers do not run, `now` in seconds of the epoch.

    A start that goes well is no reason to ask anybody, nor one of which no container is made yet.
    """
    slow = state == "pending" and now - effect.since >= SLOW_S
    return machines > 0 and (state == "failed" or slow)


def is_news(effect: Effect, state: str, machines: int, reason: str = "") -> bool:
    """Whether the row does not know this. `reason`: why it takes so long, "" where nobody knows more."""
    known = (effect.known_state, effect.known_machines, effect.known_fault)
    return (state, machines > 0, False) != known or reason not in ("", effect.known_reason)
