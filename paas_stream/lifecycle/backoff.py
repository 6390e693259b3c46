"""When a temporary fault is tried again: exponential back-off with jitter."""

import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Delays in seconds: `first_s`, doubled at each further try, at most `most_s`."""

    first_s: float
    most_s: float

    def delay(self, tries: int, salt: str) -> float:
        """The delay after `tries` faults in a row (from 1).

        The jitter takes up to half of it away. It is a hash of `salt` and `tries`, so that the same
        row gives the same moment again after a replay.
        """
        full = min(self.most_s, self.first_s * 2.0 ** min(tries - 1, 32))
        share = zlib.crc32(f"{salt}/{tries}".encode()) / 0xFFFFFFFF
        return full * (1 - share / 2)
