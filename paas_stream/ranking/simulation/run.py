"""Runs policies through a simulated federation.

Past attempts come about in one of two ways. With logs, one policy (random, or the oldest agreement)
has made them all: every policy learns from the same ones, and its choices are only weighed. In the
closed loop each policy learns from what its own choices have led to, from the first request on.
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from paas_stream.ranking.simulation.experience import Asked, Experience
from paas_stream.ranking.simulation.policies import OldestAgreement, Policy, Random
from paas_stream.ranking.simulation.scenarios import BEGINS_TO_FAIL, Scenario
from paas_stream.ranking.simulation.world import START, Request, World

FIRST_DAY = 25  # from this day on the policies are weighed; with logs they are trained once then
RETRAIN_DAYS = 7  # in the closed loop
ROWS = (0, 50, 100, 200, 400, 800, 1200, 1600)  # attempts known: edges of the cold-start curve


@dataclass
class Course:
    """How one policy did, request by request."""

    policy: str
    cost_s: list[float] = field(default_factory=list)  # expected time to success
    regret_s: list[float] = field(default_factory=list)  # what the best order would have saved
    first_try: list[float] = field(default_factory=list)  # probability of success
    ndcg: list[float] = field(default_factory=list)
    brier: list[float] = field(default_factory=list)  # where the policy has a probability
    attempts: list[int] = field(default_factory=list)  # known at the request
    day: list[int] = field(default_factory=list)
    first: list[int] = field(default_factory=list)  # the federation's number of the first one
    places: list[tuple[int, ...]] = field(default_factory=list)  # of all candidates
    since: list[int] = field(default_factory=list)  # see `outcomes_until_dropped`

    def weigh(self, policy: Policy, asked: Asked, best_s: float, attempts: int) -> list[int]:
        """Add one request; the policy's order."""
        request, truth = asked.request, asked.request.truth
        order = policy.order(asked)
        cost = truth.cost(order)
        self.cost_s.append(cost)
        self.regret_s.append(cost - best_s)
        self.first_try.append(truth.first_try(order))
        index = truth.index()
        self.ndcg.append(float(index.min() / index[order[0]]))
        expected = policy.p(asked)
        if expected is not None:
            p = truth.p * (1 - truth.fault)
            self.brier.append(float(np.mean((expected - p) ** 2 + p * (1 - p))))
        self.attempts.append(attempts)
        self.day.append(request.day)
        self.first.append(request.places[order[0]])
        self.places.append(request.places)
        return order

    def means(self) -> dict[str, float]:
        """Of all requests that count."""
        counts = np.array(self.day) >= FIRST_DAY
        named = {
            "etts_s": self.cost_s,
            "regret_s": self.regret_s,
            "first_try": self.first_try,
            "ndcg": self.ndcg,
        }
        found = {name: float(np.array(values)[counts].mean()) for name, values in named.items()}
        brier = np.array(self.brier)[-int(counts.sum()) :]
        return found | {"brier": float(brier.mean()) if len(brier) else float("nan")}

    def by_rows(self) -> list[float | None]:
        """Mean regret by the attempts that were known, from one of ROWS to the next."""
        known, regret = np.array(self.attempts), np.array(self.regret_s)
        found: list[float | None] = []
        for least, most in itertools.pairwise((*ROWS, np.inf)):
            counts = (known >= least) & (known < most)
            found.append(float(regret[counts].mean()) if counts.any() else None)
        return found


Policies = Callable[[], Sequence[Policy]]


def run(scenario: Scenario, seed: int, policies: Policies, failure_cost_s: float) -> list[Course]:
    """All policies through one federation; new ones for each run, since they learn."""
    requests = list(World(scenario, seed).requests())
    if scenario.closed:
        return [_closed(requests, seed, one, failure_cost_s) for one in policies()]
    return _logged(scenario, requests, seed, policies(), failure_cost_s)


def _logged(
    scenario: Scenario,
    requests: Sequence[Request],
    seed: int,
    policies: Sequence[Policy],
    failure_cost_s: float,
) -> list[Course]:
    logging: Policy = Random() if scenario.logs == "random" else OldestAgreement()
    experience = Experience(seed)
    courses = [Course(one.name) for one in policies]
    trained = False
    for request in requests:
        for attempt in experience.settle(request.at):
            for one in policies:
                one.told(attempt)
        if request.day >= FIRST_DAY and not trained:
            trained = True
            experience.train(failure_cost_s)
            for one in policies:
                one.train(experience.attempts, seed)
        asked = experience.asked(request)
        if trained:
            best_s = request.truth.cost(request.truth.best())
            for one, course in zip(policies, courses, strict=True):
                course.weigh(one, asked, best_s, len(experience.attempts))
        experience.try_in(logging.order(asked), asked)
    return courses


def _closed(
    requests: Sequence[Request],
    seed: int,
    policy: Policy,
    failure_cost_s: float,
    watched: tuple[str, float] | None = None,
) -> Course:
    experience, course = Experience(seed), Course(policy.name)
    next_day, since = RETRAIN_DAYS, 0
    for request in requests:
        for attempt in experience.settle(request.at):
            policy.told(attempt)
            if watched is not None and attempt.candidate.provider_name == watched[0]:
                since += attempt.asked_at >= watched[1]
        if request.day >= next_day:
            next_day += RETRAIN_DAYS
            if policy.uses_model:
                experience.train(failure_cost_s)
            policy.train(experience.attempts, seed)
        asked = experience.asked(request)
        best_s = request.truth.cost(request.truth.best())
        order = course.weigh(policy, asked, best_s, len(experience.attempts))
        course.since.append(since)
        if policy.learns:
            experience.try_in(order, asked)
    return course


def outcomes_until_dropped(
    seed: int, policy: Policy, failure_cost_s: float, scenario: Scenario = BEGINS_TO_FAIL
) -> int | None:
    """How many outcomes of a provider that begins to fail are told until it is no longer first.

    That is: in three requests in a row of those for which it is a candidate. None: it was first in less
    than half of them in the five days before, so that there is nothing to drop.
    """
    breaks = scenario.breaks_day or 0
    world = World(scenario, seed)
    begin = START.timestamp() + 86400 * breaks
    watched = f"site-{world.broken}", begin
    course = _closed(list(world.requests()), seed, policy, failure_cost_s, watched)
    before: list[bool] = []
    misses = dropped = 0
    for day, first, places, since in zip(
        course.day, course.first, course.places, course.since, strict=True
    ):
        if world.broken not in places:
            continue
        if breaks - 5 <= day < breaks:
            before.append(first == world.broken)
        elif day >= breaks:
            if not before or 2 * sum(before) < len(before):
                return None
            misses = misses + 1 if first != world.broken else 0
            dropped = since if misses == 1 else dropped
            if misses == 3:
                return dropped
    return course.since[-1]
