"""Exploration: now and then the first place is drawn, so that something is learned of the others.

Who is never tried is never learned of, and a model that is trained on its own choices believes what it
believed before. With the probability `explore` the first place is drawn uniformly from the candidates
that may be tried. Chance is a digest of the deployment's uuid: a replay draws the same one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from paas_stream.records import Inference, RankedCandidate

_SALT = b"first place of "


@dataclass(frozen=True)
class Drawn:
    """An order, and how likely it was that its first candidate came first."""

    ranked: tuple[RankedCandidate, ...]
    propensity: float | None = None  # None: nothing was left to chance
    text: str = ""  # for the explanation


def draw(ordered: Sequence[RankedCandidate], message: Inference, explore: float) -> Drawn:
    """The candidates, best first, with perhaps another one in the first place.

    Those that are stale are tried after all others and come first only where all are; of the others
    as many are drawn from as the request allows to be tried.
    """
    ordered = tuple(ordered)
    fresh = sum(not one.stale for one in ordered) or len(ordered)
    number = min(fresh, message.max_providers or fresh)
    if explore <= 0 or number < 2:
        return Drawn(ordered)
    whether, which = _chances(message.uuid)
    each = explore / number
    place = int(which * number) if whether < explore else 0
    if place == 0:
        return Drawn(ordered, 1 - explore + each)
    first = ordered[place]
    reason = (
        f"drawn to come first, so that something is learned of it (probability {each:.3g}); "
        f"place {place + 1} by what is expected"
    )
    first = first.model_copy(update={"reasons": (reason, *first.reasons)})
    others = (*ordered[:place], *ordered[place + 1 :])
    return Drawn((first, *others), each, f"; the first place was drawn (probability {each:.3g})")


def _chances(uuid: str) -> tuple[float, float]:
    """Two numbers in [0, 1) that look like chance."""
    digest = hashlib.sha256(_SALT + uuid.encode()).digest()
    first, second = int.from_bytes(digest[:6]), int.from_bytes(digest[6:12])
    return first / 2**48, second / 2**48
