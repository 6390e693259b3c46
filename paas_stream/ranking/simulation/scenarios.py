"""What is simulated: one federation each, told apart by what is hard about it."""

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Scenario:
    """One way for a federation to be, and for its past attempts to have come about."""

    name: str
    about: str  # a sentence
    logs: Literal["random", "sla", "own"] = "random"  # who made the past attempts; own: closed loop
    least: int = 3  # providers that a group of users sees
    most: int = 6
    equal_failures: bool = False  # every failed attempt takes the same time
    deadline_s: float | None = None  # overall time-out of each request
    max_providers: int | None = None  # that may be tried
    joins_day: int | None = None  # day on which one more provider joins, which every group sees
    breaks_day: int | None = None  # day from which the first choice of most fails

    @property
    def closed(self) -> bool:
        """Whether each policy learns from what its own choices have led to."""
        return self.logs == "own"


SCENARIOS: Final = tuple(
    Scenario(*given[:2], **given[2])
    for given in (
        ("random-logs", "past attempts in random order", {}),
        ("biased-logs", "past attempts in order of the agreements", {"logs": "sla"}),
        (
            "equal-times",
            "every failed attempt takes the same time",
            {"equal_failures": True},
        ),
        ("three-providers", "each group sees three providers", {"most": 3}),
        ("deadline", "an overall time-out of 40 minutes", {"deadline_s": 2400.0}),
        ("two-tries", "two providers may be tried", {"max_providers": 2}),
        ("closed-loop", "each policy learns from its own choices", {"logs": "own"}),
        (
            "cold-provider",
            "the same, and one more provider joins on day 20",
            {"logs": "own", "joins_day": 20},
        ),
    )
)
BY_NAME: Final = {one.name: one for one in SCENARIOS}
BEGINS_TO_FAIL: Final = Scenario(
    "begins-to-fail", "the first choice of most begins to fail on day 30", logs="own", breaks_day=30
)
