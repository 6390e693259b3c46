"""Training records as rows that a model is fitted on."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from paas_stream.ranking import features
from paas_stream.ranking.fitting import Rows, by_time
from paas_stream.records import AttemptStatus, Training


@dataclass(frozen=True)
class Read:
    """What can be learned from, and what was passed over."""

    rows: Rows
    without_features: int  # by other programs, or from before there were any
    other_features: int  # of another version of this program
    no_outcome: int  # aborted, or not known


def read(records: Iterable[Training]) -> Read:
    """The rows of these records, by the time of their requests."""
    x, succeeded, took, names, asked = [], [], [], [], []
    without = other = no_outcome = 0
    for one in records:
        if one.status not in (AttemptStatus.COMPLETE, AttemptStatus.FAILED):
            no_outcome += 1
        elif one.features is None:
            without += 1
        elif one.features_schema != features.SCHEMA:
            other += 1
        else:
            success = one.status is AttemptStatus.COMPLETE
            x.append(features.read(one.features))
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
    return Read(by_time(rows), without, other, no_outcome)
