"""Which fault comes when: all of it follows from a seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can go wrong."""

    KILL = "worker killed (SIGKILL)"
    TERMINATE = "worker stopped (SIGTERM)"
    KILL_IN_RECOVERY = "worker killed while its tables are recovered"
    KILL_IN_REBALANCE = "worker killed while partitions move"
    FREEZE = "worker stopped (SIGSTOP) for longer than its session"
    LOSE_DATA = "worker killed and its data directory deleted"
    BROKER = "broker killed and restarted"
    IM_KILL = "IM killed and restarted"
    IM_SLOW = "IM slow"
    IM_HANG = "IM hangs"
    IM_500 = "IM answers 500"
    IM_RESET = "connection to the IM reset before the call"
    IM_LOST = "reply of the IM lost after the call"
    DUPLICATE = "messages duplicated"
    REORDER = "messages sent again in another order"
    CLOCK = "clock of a worker jumps"


# How often each kind comes, in relation to the others.
WEIGHTS = {
    Kind.KILL: 4,
    Kind.TERMINATE: 2,
    Kind.KILL_IN_RECOVERY: 2,
    Kind.KILL_IN_REBALANCE: 2,
    Kind.FREEZE: 2,
    Kind.LOSE_DATA: 2,
    Kind.BROKER: 2,
    Kind.IM_KILL: 2,
    Kind.IM_SLOW: 2,
    Kind.IM_HANG: 2,
    Kind.IM_500: 2,
    Kind.IM_RESET: 2,
    Kind.IM_LOST: 3,
    Kind.DUPLICATE: 3,
    Kind.REORDER: 3,
    Kind.CLOCK: 2,
}

CLOCK_MOST_S = 90  # a jump in either direction; all together stay within this too


@dataclass(frozen=True)
class Fault:
    """One fault: `at` seconds after the begin; `worker` is a number; `dice` decides the rest."""

    at: float
    kind: Kind
    worker: int
    dice: int


def schedule(seed: int, faults: int, duration_s: float, workers: int) -> list[Fault]:
    """`faults` faults over `duration_s` seconds, in order. Each kind comes before any comes often."""
    rng = random.Random(seed)
    kinds = list(_kinds(rng, faults))
    gap = duration_s / (faults + 1)
    return [
        Fault(
            at=round(gap * (number + rng.uniform(0.5, 1.5)), 2),
            kind=kind,
            worker=rng.randrange(workers),
            dice=rng.randrange(2**32),
        )
        for number, kind in enumerate(kinds)
    ]


def _kinds(rng: random.Random, faults: int) -> Iterator[Kind]:
    """Rounds, in each of which a kind comes as often as its weight says, and some only in part."""
    left: list[Kind] = []
    for _ in range(faults):
        if not left:
            once = rng.sample(list(WEIGHTS), len(WEIGHTS))
            more = [kind for kind, weight in WEIGHTS.items() for _ in range(weight - 1)]
            left = [*rng.sample(more, len(more)), *once]
        yield left.pop()
