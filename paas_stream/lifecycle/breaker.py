"""A circuit breaker per provider, shared by all deployments that one worker dispatches."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class BreakerPolicy:
    """`failures` attempts in a row that the provider made fail open it for `open_s` seconds."""

    failures: int
    open_s: float


@dataclass(frozen=True)
class Breaker:
    """Closed while `open_until` is None or past; after that one failure opens it again."""

    failures: int = 0
    open_until: float | None = None  # seconds since the epoch

    def wait_s(self, now: float) -> float:
        """How long the provider is left alone; 0 when it may be tried."""
        return max(0.0, (self.open_until or 0.0) - now)

    def failed(self, now: float, policy: BreakerPolicy) -> "Breaker":
        """The provider made an attempt fail."""
        failures = self.failures + 1
        opened = now + policy.open_s if failures >= policy.failures else None
        return replace(self, failures=failures, open_until=opened)

    def succeeded(self) -> "Breaker":
        """The provider did what was asked."""
        return Breaker()
