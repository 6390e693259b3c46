"""When a new model is due: enough new attempts, or the world has changed."""

from paas_stream.ranking.drift import Drift

LEAST = 50  # records of `training` since the newest model; with fewer, drift says nothing yet


def is_time(now: float, last_at: float, interval_s: float) -> bool:
    """Whether a whole interval has passed since the last look, or since a model was made.

    A moment that is still to come was told by a clock that was ahead, and holds nothing up.
    """
    return not 0 <= now - last_at < interval_s


def is_worth_a_look(end: int, read_to: int | None, wanted: int) -> bool:
    """Whether a new model may be due, from positions in `training` alone.

    `end` is the offset after its last record; `read_to` where the newest model has ended, None: there
    is no model. A topic that was made anew ends before that.
    """
    new = end if read_to is None or end < read_to else end - read_to
    return new >= min(wanted, LEAST)


def reason(new_rows: int, wanted: int, found: Drift | None) -> str | None:
    """Why a new model is due, in words; None: it is not.

    `new_rows` are attempts later than those of the newest model; `found` is what has moved since the
    live one was made, None: none is live.
    """
    if new_rows >= wanted:
        return f"{new_rows} new attempts"
    if found is None or new_rows < min(wanted, LEAST):
        return None
    if found.is_worse:
        return f"the Brier score was {found.brier_then:.4f} and is {found.brier:.4f} by now"
    if found.moved:
        return f"what it goes by has moved: {', '.join(found.moved[:5])}"
    return None
