"""Training records as rows that a model is fitted on."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from paas_stream.ranking import features
from paas_stream.ranking.fitting import Rows, by_time
from paas_stream.records import AttemptStatus, Training
from paas_stream.records.training import LONGEST_S

_PROBABILITY = features.NAMES.index("rate_success"), features.NAMES.index("federation_success")
_LOG_S = features.NAMES.index("rate_success_s"), features.NAMES.index("rate_failure_s")
_MOST_LOG_S = math.log1p(2 * LONGEST_S)  # messages have rounded numbers


@dataclass(frozen=True)
class Read:
    """What can be learned from, and what was passed over."""

    rows: Rows
    without_features: int  # by other programs, or from before there were any
    other_features: int  # of another version of this program
    no_outcome: int  # aborted, or not known
    broken_features: int  # numbers that the ranker cannot have served
    not_yet: int  # asked for later than now, says a clock that is ahead


def read(records: Iterable[Training], now: float = math.inf) -> Read:
    """The rows of these records, by the time of their requests.

    Those of requests later than `now` (seconds since the epoch) wait until then: rows are split by time,
    and whether a model is due is told by what is later than its own rows.
    """
    x, succeeded, took, names, asked = [], [], [], [], []
    without = other = no_outcome = broken = not_yet = 0
    for one in records:
        if one.status not in (AttemptStatus.COMPLETE, AttemptStatus.FAILED):
            no_outcome += 1
        elif one.features is None:
            without += 1
        elif one.features_schema != features.SCHEMA:
            other += 1
        elif one.submission_time.timestamp() > now:
            not_yet += 1
        elif (row := _row(one.features)) is None:
            broken += 1
        else:
            success = one.status is AttemptStatus.COMPLETE
            x.append(row)
            succeeded.append(success)
            took.append(one.completion_time_s if success else one.tot_failure_time_s)
            names.append(one.uuid)
            asked.append(one.submission_time.timestamp())
    rows = Rows(
        np.array(x, dtype=np.float32).reshape(len(x), len(features.NAMES)),
        np.array(succeeded, dtype=bool),
        np.array(took, dtype=np.float64),
        names,
        np.array(asked, dtype=np.float64),
    )
    return Read(by_time(rows), without, other, no_outcome, broken, not_yet)


def _row(values: tuple[float | None, ...]) -> npt.NDArray[np.float32] | None:
    """A row of a message; None: it is of another length, or boosters and rates cannot start from it."""
    if len(values) != len(features.NAMES):
        return None
    with np.errstate(over="ignore"):
        row = np.array(features.read(values), dtype=np.float32)
    sound = (
        not np.isinf(row).any()
        and all(0 < row[place] < 1 for place in _PROBABILITY)
        and all(0 <= row[place] <= _MOST_LOG_S for place in _LOG_S)
    )
    return row if sound else None
