"""The present AI-ranker, written anew: its published formulas on small examples."""

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from benchmarks.ranking.present import NOTHING, Forest, Past, Pasts, PresentRanker, score
from paas_stream.ranking.simulation.experience import Asked, Attempt, Experience
from paas_stream.ranking.simulation.policies import Random
from paas_stream.ranking.simulation.scenarios import BY_NAME
from paas_stream.ranking.simulation.world import World
from paas_stream.records import Candidate

DAY_S = 86400.0


def attempt(succeeded: bool, took_s: float, asked_at: float = 0.0) -> Attempt:
    candidate = Candidate.model_construct(None, provider_name="a", region_name="r")
    row = np.zeros(1, dtype=np.float32)
    return Attempt("u", "vm", asked_at, asked_at + took_s, candidate, row, succeeded, took_s)


class TestScore:
    def test_three_quarters_are_the_probability(self) -> None:
        assert score(0.8, 100.0, NOTHING) == pytest.approx(0.75 * 0.8 + 0.25)

    def test_a_quarter_is_the_place_in_the_providers_own_range(self) -> None:
        past = Past(0.0, 150.0, 0.0, 100.0, 200.0)
        assert score(0.0, 125.0, past) == pytest.approx(0.25 * 0.75)
        assert score(0.0, 999.0, past) == 0.0
        assert score(0.0, 1.0, past) == pytest.approx(0.25)

    def test_a_single_success_is_the_best_of_its_range(self) -> None:
        assert score(0.0, 999.0, Past(0.0, 100.0, 0.0, 100.0, 100.0)) == pytest.approx(0.25)


class TestHistory:
    def test_a_row_knows_its_own_outcome(self) -> None:
        assert Pasts().add(attempt(False, 70.0)) == Past(1.0, 0.0, 70.0, 0.0, 0.0)

    def test_thirty_days_count(self) -> None:
        pasts = Pasts()
        pasts.add(attempt(False, 70.0))
        pasts.add(attempt(True, 10.0, 1.0))
        found = pasts.add(attempt(True, 30.0, 30 * DAY_S))
        assert found == Past(0.0, 20.0, 0.0, 10.0, 30.0)
        assert pasts.of("a", "vm") == found
        assert pasts.of("a", "other") == NOTHING


def test_the_quick_forest_says_what_scikit_learn_says() -> None:
    random = np.random.default_rng(1)
    x = random.normal(size=(200, 4)).astype(np.float32)
    y = x[:, 0] + random.normal(size=200) > 0
    likely = RandomForestClassifier(10, random_state=1).fit(x, y)
    times = RandomForestRegressor(10, random_state=1).fit(x, x[:, 1])
    assert Forest(likely.estimators_, True).means(x) == pytest.approx(likely.predict_proba(x)[:, 1])
    assert Forest(times.estimators_, False).means(x) == pytest.approx(times.predict(x))


@pytest.fixture(scope="module")
def learned() -> tuple[Experience, list[Asked]]:
    experience, asked = Experience(1), []
    for request in World(BY_NAME["random-logs"], 1).requests():
        experience.settle(request.at)
        one = experience.asked(request)
        asked.append(one)
        experience.try_in(Random().order(one), one)
        if request.day == 10:
            break
    return experience, asked[-10:]


@pytest.mark.parametrize("only_first", [False, True])
def test_exactness_comes_first_then_the_score(
    learned: tuple[Experience, list[Asked]], only_first: bool
) -> None:
    experience, asked = learned
    ranker = PresentRanker(only_first)
    for one in experience.attempts:
        ranker.told(one)
    assert ranker.p(asked[0]) is None
    ranker.train(experience.attempts, 1)
    for one in asked:
        order = ranker.order(one)
        assert sorted(order) == list(range(len(one.request.candidates)))
        exact = [one.request.candidates[place].exact_flavors for place in order]
        assert exact == sorted(exact, reverse=True)


def test_with_the_bug_only_the_first_candidate_has_a_history(
    learned: tuple[Experience, list[Asked]],
) -> None:
    experience, asked = learned
    rankers = PresentRanker(only_first=False), PresentRanker(only_first=True)
    for ranker in rankers:
        for one in experience.attempts:
            ranker.told(one)
        ranker.train(experience.attempts, 1)
    fixed, coded = (np.array([*map(ranker.p, asked)], dtype=object) for ranker in rankers)
    assert [one[0] for one in fixed] == [one[0] for one in coded]
    assert any((a[1:] != b[1:]).any() for a, b in zip(fixed, coded, strict=True))
