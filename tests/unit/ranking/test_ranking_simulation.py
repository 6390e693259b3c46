"""The simulated federation: the same for a seed, and its truth is what happens."""

from itertools import islice, permutations

import numpy as np
import pytest

from paas_stream.ranking import chain
from paas_stream.ranking.chain import RankingPolicy
from paas_stream.ranking.simulation import policies, scenarios, summary, truth
from paas_stream.ranking.simulation.experience import Experience
from paas_stream.ranking.simulation.policies import ExpectedTime, Policy
from paas_stream.ranking.simulation.scenarios import BY_NAME, SCENARIOS
from paas_stream.ranking.simulation.truth import Truth
from paas_stream.ranking.simulation.world import START, World
from paas_stream.records import Inference

FEW = Truth(
    p=np.array([0.9, 0.3, 0.6]),
    success_s=np.array([900.0, 100.0, 300.0]),
    failure_s=np.array([200.0, 50.0, 1000.0]),
    fault=0.05,
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_the_same_seed_gives_the_same_federation(scenario: scenarios.Scenario) -> None:
    one, other = (list(islice(World(scenario, 3).requests(), 40)) for _ in range(2))
    assert [r.candidates for r in one] == [r.candidates for r in other]
    assert all((a.truth.p == b.truth.p).all() for a, b in zip(one, other, strict=True))
    assert {len(r.candidates) for r in one} <= set(range(scenario.least, scenario.most + 1))


def test_another_seed_gives_another_one() -> None:
    one, other = (next(World(SCENARIOS[0], seed).requests()) for seed in (1, 2))
    assert one.candidates != other.candidates


@pytest.mark.parametrize("most", [None, 2])
def test_the_cost_of_an_order_is_the_mean_of_what_happens(most: int | None) -> None:
    known = Truth(FEW.p, FEW.success_s, FEW.failure_s, FEW.fault, most=most)
    drawn = truth.drawn(known, 200_000, np.random.default_rng(1))
    endless = Truth(
        FEW.p, FEW.success_s, FEW.failure_s, FEW.fault, deadline_s=1e12, most=most, courses=drawn
    )
    for order in ([0, 1, 2], [2, 0, 1]):
        assert known.cost(order) == pytest.approx(endless.cost(order), rel=0.01)
        assert known.first_try(order) == pytest.approx(endless.first_try(order), rel=0.01)


@pytest.mark.parametrize("most", [None, 1, 2])
@pytest.mark.parametrize("deadline_s", [None, 900.0])
def test_no_order_is_better_than_the_oracles(most: int | None, deadline_s: float | None) -> None:
    drawn = truth.drawn(FEW, 500, np.random.default_rng(1))
    known = Truth(FEW.p, FEW.success_s, FEW.failure_s, FEW.fault, deadline_s, most, drawn)
    least = min(known.cost(order) for order in permutations(range(3)))
    assert known.cost(known.best()) == pytest.approx(least)


def asked_after(count: int) -> list[policies.Asked]:
    """What is known at each of so many requests, of which the first ones were tried at random."""
    experience, found = Experience(1), []
    for request in islice(World(BY_NAME["random-logs"], 1).requests(), count):
        experience.settle(request.at)
        asked = experience.asked(request)
        found.append(asked)
        experience.try_in(policies.Random().order(asked), asked)
    return found


@pytest.fixture(scope="module")
def asked() -> list[policies.Asked]:
    return asked_after(120)


@pytest.mark.parametrize("policy", policies.core(600.0), ids=lambda one: one.name)
def test_every_policy_orders_all_candidates(policy: Policy, asked: list[policies.Asked]) -> None:
    for one in asked[::10]:
        assert sorted(policy.order(one)) == list(range(len(one.request.candidates)))


def test_our_order_is_the_rankers(asked: list[policies.Asked]) -> None:
    settings = RankingPolicy(policies.MIN_ATTEMPTS, 600.0, truth.EXHAUSTED_S)
    for one in (asked[2], *asked[30::15]):
        request = one.request
        message = Inference.model_construct(
            uuid="7b4b0b6e-5a4c-4f5e-9a57-0d2a4f1f3a10",
            template_name=request.template,
            submission_time=START,
            providers=request.candidates,
            deadline=None,
            max_providers=request.truth.most,
        )
        ranked = chain.rank(message, one.memory, START, settings).ranked_providers
        ours = [request.candidates[place] for place in ExpectedTime(600.0).order(one)]
        assert [r.provider_name for r in ranked] == [c.provider_name for c in ours]


def test_nothing_is_known_before_it_has_ended(asked: list[policies.Asked]) -> None:
    assert asked[0].memory.overall.attempts == 0
    assert (np.diff([one.memory.overall.attempts for one in asked]) >= 0).all()


def test_student_is_as_in_the_tables() -> None:
    assert summary.quantile(19) == pytest.approx(2.093, abs=0.001)
    assert summary.quantile(4) == pytest.approx(2.776, abs=0.03)


def test_the_interval_holds_the_mean() -> None:
    one = summary.paired([1.0, 2.0, 3.0, 4.0])
    assert one.mean == 2.5
    assert one.low == pytest.approx(2.5 - 3.182 * 1.29099 / 2, abs=0.05)
