"""Token buckets: how often each of many callers may do something."""

from collections import OrderedDict


class TokenBuckets:
    """A bucket for each key: `burst` tokens at most, refilled with `rate` tokens a second.

    Memory is bounded: beyond `most` keys the one that has been silent for longest is forgotten, and
    begins anew with a full bucket. Times are seconds of any clock that does not go back.
    """

    def __init__(self, rate: float, burst: int, most: int) -> None:
        """`rate` and `burst` are above zero."""
        self._rate = rate
        self._burst = float(burst)
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, when

    def __len__(self) -> int:
        """Keys that are remembered."""
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """Take a token. Returns 0.0, or the seconds until there is one; then nothing was taken."""
        tokens = self._tokens(key, now)
        enough = tokens >= 1.0
        self._buckets[key] = (tokens - 1.0 if enough else tokens, now)
        self._buckets.move_to_end(key)
        while len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (1.0 - tokens) / self._rate

    def _tokens(self, key: str, now: float) -> float:
        known = self._buckets.get(key)
        if known is None:
            return self._burst
        tokens, since = known
        return min(self._burst, tokens + max(0.0, now - since) * self._rate)
