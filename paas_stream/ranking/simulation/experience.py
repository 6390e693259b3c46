"""What policies may learn from: past attempts, told when they have ended, as the real ranker learns.

The memory, the features, the training rows and the boosters are those of `paas_stream.ranking`.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from paas_stream.ranking import features, fitting, history
from paas_stream.ranking.boosters import Boosters, Guess
from paas_stream.ranking.features import Matrix
from paas_stream.ranking.history import Outcome, ProviderHistory, Summary, Tally
from paas_stream.ranking.rates import Estimate, Memory
from paas_stream.ranking.simulation.world import Request
from paas_stream.records import Candidate
from paas_stream.records.feeder import row_key

BREAK_S = 5.0  # between a failed attempt and the next one


@dataclass(frozen=True)
class Attempt:
    """One attempt that has ended."""

    uuid: str
    template: str
    asked_at: float  # seconds since the epoch
    ended_at: float
    candidate: Candidate
    features: Matrix  # one row, as it stood at the request
    succeeded: bool
    took_s: float


@dataclass(frozen=True)
class Asked:
    """All that a policy may go by when it orders the candidates of a request."""

    request: Request
    memory: Memory
    model: Boosters | None
    seed: int

    @cached_property
    def rows(self) -> Matrix:
        """The candidates' features."""
        return features.rows(self.request.candidates, self.request.template, self.memory)

    @cached_property
    def guesses(self) -> list[Guess] | None:
        """What the model expects of each candidate, if there is a model."""
        return None if self.model is None else self.model.guesses(self.rows)

    @cached_property
    def estimates(self) -> list[Estimate]:
        """What rates expect of each candidate."""
        return self.memory.estimates(self.request.candidates, self.request.template)


@dataclass
class Experience:
    """The past attempts that one line of policies knows of."""

    seed: int
    attempts: list[Attempt] = field(default_factory=list)
    model: Boosters | None = None
    _histories: dict[str, ProviderHistory] = field(default_factory=dict)
    _summaries: dict[str, tuple[int, Summary]] = field(default_factory=dict)
    _under_way: list[tuple[float, int, Attempt]] = field(default_factory=list)
    _begun: int = 0

    def settle(self, now: float) -> list[Attempt]:
        """Learn of all attempts that have ended by now; which they were."""
        told = []
        while self._under_way and self._under_way[0][0] <= now:
            attempt = heapq.heappop(self._under_way)[2]
            self._count(attempt)
            self.attempts.append(attempt)
            told.append(attempt)
        return told

    def _count(self, one: Attempt) -> None:
        tally = Tally(1, 0, one.took_s, 0.0) if one.succeeded else Tally(0, 1, 0.0, one.took_s)
        key = row_key(one.candidate.provider_name, one.candidate.region_name)
        known = self._histories.get(key, ProviderHistory())
        number = len(self.attempts)
        found = Outcome(one.ended_at, one.template, tally)
        self._histories[key] = known.counted(one.uuid, number, one.ended_at, found)
        self._summaries.pop(key, None)

    def memory(self, now: float) -> Memory:
        """What is remembered now."""
        today = history.day_of(now)
        for key, known in self._histories.items():
            if key not in self._summaries or self._summaries[key][0] != today:
                self._summaries[key] = today, history.summary(known, today)
        return Memory({key: found for key, (_, found) in self._summaries.items()}).at(now)

    def asked(self, request: Request) -> Asked:
        """What is known at this request."""
        return Asked(request, self.memory(request.at), self.model, self.seed)

    def train(self, failure_cost_s: float) -> None:
        """Fit the model on all attempts so far; with too few of them there is none."""
        x = np.array([one.features for one in self.attempts], dtype=np.float32)
        rows = fitting.Rows(
            x.reshape(len(self.attempts), len(features.NAMES)),
            np.array([one.succeeded for one in self.attempts], dtype=bool),
            np.array([one.took_s for one in self.attempts]),
            [one.uuid for one in self.attempts],
            np.array([one.asked_at for one in self.attempts]),
        )
        try:
            self.model = fitting.fit(rows, self.seed, failure_cost_s).model
        except fitting.TooFewRowsError:
            self.model = None

    def try_in(self, order: Sequence[int], asked: Asked) -> None:
        """Let the request run: attempts in this order until one succeeds. They are told later.

        An attempt that the overall time-out cuts off says nothing about its provider.
        """
        request, truth = asked.request, asked.request.truth
        now = request.at
        for place in order[: truth.most]:
            succeeded = bool(request.happens.succeeds[0, place])
            ended = now + float(request.happens.took_s[0, place])
            if truth.deadline_s is not None and ended > request.at + truth.deadline_s:
                return
            attempt = Attempt(
                f"request-{request.number}",
                request.template,
                request.at,
                ended,
                request.candidates[place],
                asked.rows[place],
                succeeded,
                ended - now,
            )
            self._begun += 1
            heapq.heappush(self._under_way, (ended, self._begun, attempt))
            if succeeded:
                return
            now = ended + BREAK_S
