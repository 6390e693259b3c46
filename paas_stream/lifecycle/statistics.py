"""Counts and durations of deployments, made on each worker and added up.

Durations are counted in classes that grow by a twentieth, so that what workers send each other is small
and percentiles of all are right to within that.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from paas_stream.lifecycle.deployment import DeploymentRow

GROWTH: Final = 1.05  # from one class of durations to the next
LEAST_S: Final = 0.01
NAMES_MOST: Final = 5000  # of each kind, that a worker tells of: users make up names of templates

_COUNTED = ("status", "provider", "template")


@dataclass
class Statistics:
    """What is known of some deployments."""

    status: Counter[str] = field(default_factory=Counter)
    provider: Counter[str] = field(default_factory=Counter)
    template: Counter[str] = field(default_factory=Counter)
    created: Counter[int] = field(default_factory=Counter)  # successful creates by duration class
    failed: int = 0  # creates

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> "Statistics":
        """From what `data` has made."""
        made = cls(failed=int(data["failed"]))
        for name in _COUNTED:
            getattr(made, name).update(data[name])
        made.created.update({int(key): number for key, number in data["created"].items()})
        return made

    def data(self) -> dict[str, Any]:
        """For another worker."""
        counted = {name: dict(getattr(self, name).most_common(NAMES_MOST)) for name in _COUNTED}
        created = {str(key): number for key, number in self.created.items()}
        return {**counted, "created": created, "failed": self.failed}

    def count(self, row: DeploymentRow) -> None:
        """One more deployment."""
        self.status[row.status.value] += 1
        if row.provider_name:
            self.provider[row.provider_name] += 1
        if row.template_name:
            self.template[row.template_name] += 1
        if row.create_end is not None and row.created is not None:
            if row.create_end.success:
                self.created[_class(row.create_end.moment - row.created)] += 1
            else:
                self.failed += 1

    def add(self, others: Iterable["Statistics"]) -> None:
        """Those of other workers."""
        for other in others:
            for name in (*_COUNTED, "created"):
                getattr(self, name).update(getattr(other, name))
            self.failed += other.failed

    def percentile(self, share: float) -> float | None:
        """The duration, seconds, that this share of successful creates took at most; None: none was."""
        left = math.ceil(share * self.created.total())
        for number in sorted(self.created):
            left -= self.created[number]
            if left <= 0:
                return float(f"{GROWTH**number:.3g}")
        return None


def _class(duration_s: float) -> int:
    return round(math.log(max(duration_s, LEAST_S), GROWTH))
