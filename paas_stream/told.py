"""What was told of faults that come again and again: of a site, of files, of a program that is run."""

from dataclasses import dataclass


@dataclass
class Told:
    """The fault of one thing that was told last; none: it was well since."""

    last: str | None = None

    def is_news(self, fault: Exception | None) -> bool:
        """Whether this is to be told: a fault once, for as long as it is the same one.

        None, the thing is well, is news after a fault.
        """
        before, self.last = self.last, None if fault is None else repr(fault)
        return before != self.last

    def forget(self) -> None:
        """The thing is well, and nobody needs to hear of it."""
        self.last = None
