"""Moments that other machines tell: their clocks may be wrong."""

from datetime import datetime
from typing import TypeVar

Moment = TypeVar("Moment", datetime, float)  # float: seconds since the epoch


def not_ahead(told: Moment, now: Moment) -> Moment:
    """The moment that was told; one that is still to come counts as `now`.

    Whatever is kept by time would else take all that is true for old, until that moment has come.
    """
    return min(told, now)
