"""The rule: free quota first, then Rally, then names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.ranking import rule
from paas_stream.records import Candidate, Target


def candidate(name: str = "a", region: str = "r", project: str = "p", **numbers: Any) -> Candidate:
    target = Target(type="dummy", endpoint="http://a.example.org", project=project)
    return Candidate.model_validate(
        {"provider_name": name, "region_name": region, "target": target, **numbers}
    )


def order(*candidates: Candidate) -> list[str]:
    return [one.provider_name for one in rule.order(candidates)]


@pytest.mark.parametrize(
    ("numbers", "share"),
    [
        ({}, 1.0),
        ({"vcpus_requ": 4, "vcpus_quota": -1, "vcpus_usage": 99}, 1.0),
        ({"vcpus_requ": 2, "vcpus_quota": 10, "vcpus_usage": 3}, 0.5),
        ({"vcpus_requ": 7, "vcpus_quota": 10, "vcpus_usage": 3}, 0.0),
        ({"vcpus_requ": 9, "vcpus_quota": 10, "vcpus_usage": 3}, 0.0),
        ({"vcpus_requ": 1, "vcpus_quota": 0}, 0.0),
        # what the template does not take does not count
        ({"n_volumes_quota": 10, "n_volumes_usage": 10}, 1.0),
        # the tightest resource decides
        (
            {"vcpus_requ": 1, "vcpus_quota": 10, "ram_gb_requ": 8, "ram_gb_quota": 10},
            0.2,
        ),
        ({"n_instances_requ": 1, "n_instances_quota": 4}, 0.75),
        ({"floating_ips_requ": 1, "floating_ips_quota": 4}, 0.75),
        ({"storage_gb_requ": 1, "storage_gb_quota": 4}, 0.75),
        ({"n_volumes_requ": 1, "n_volumes_quota": 4}, 0.75),
    ],
)
def test_the_free_share_is_that_of_the_tightest_resource(
    numbers: dict[str, Any], share: float
) -> None:
    assert rule.free_share(candidate(**numbers)) == pytest.approx(share)


@pytest.mark.parametrize(
    ("windows", "health"),
    [
        ({}, 0.5),
        ({"test_failure_perc_1d": 0.0}, 1.0),
        ({"test_failure_perc_1d": 1.0}, 0.0),
        ({"test_failure_perc_1d": 0.25, "test_failure_perc_30d": 1.0}, 0.75),
        ({"test_failure_perc_7d": 0.5, "test_failure_perc_30d": 0.0}, 0.5),
        ({"test_failure_perc_30d": 0.25}, 0.75),
    ],
)
def test_health_is_that_of_the_shortest_window_with_data(
    windows: dict[str, Any], health: float
) -> None:
    assert rule.health(candidate(**windows)) == health


def test_more_free_quota_comes_first() -> None:
    full = candidate("a", vcpus_requ=1, vcpus_quota=10, vcpus_usage=8)
    empty = candidate("b", vcpus_requ=1, vcpus_quota=10)
    unlimited = candidate("c", vcpus_requ=1)
    assert order(full, empty, unlimited) == ["c", "b", "a"]


def test_free_quota_counts_more_than_health() -> None:
    empty = candidate("a", vcpus_requ=1, vcpus_quota=10, test_failure_perc_1d=1.0)
    full = candidate("b", vcpus_requ=1, vcpus_quota=10, vcpus_usage=8, test_failure_perc_1d=0.0)
    assert order(full, empty) == ["a", "b"]


def test_of_equally_free_providers_the_one_with_fewer_failures_comes_first() -> None:
    failing = candidate("a", test_failure_perc_1d=0.8)
    unknown = candidate("b")
    healthy = candidate("c", test_failure_perc_1d=0.1)
    assert order(failing, unknown, healthy) == ["c", "b", "a"]


def test_ties_are_broken_by_provider_region_and_project() -> None:
    ordered = rule.order(
        [candidate("b"), candidate("a", "s"), candidate("a", "r", "q"), candidate("a", "r", "p")]
    )
    assert [(r.provider_name, r.region_name, r.target.project) for r in ordered] == [
        ("a", "r", "p"),
        ("a", "r", "q"),
        ("a", "s", "p"),
        ("b", "r", "p"),
    ]


def test_no_candidate_gives_an_empty_order() -> None:
    assert rule.order([]) == []


@pytest.mark.parametrize(
    ("numbers", "applicable"),
    [
        ({}, False),
        ({"vcpus_requ": 1}, False),
        ({"vcpus_quota": 10}, False),  # nothing is taken of it
        ({"vcpus_requ": 1, "vcpus_quota": 10}, True),
        ({"test_failure_perc_30d": 0.0}, True),
    ],
)
def test_the_rule_applies_where_a_quota_or_the_health_is_known(
    numbers: dict[str, Any], applicable: bool
) -> None:
    assert rule.is_applicable([candidate(), candidate(**numbers)]) is applicable


numbers = st.fixed_dictionaries(
    {
        "vcpus_requ": st.integers(0, 10),
        "vcpus_quota": st.integers(-1, 20),
        "vcpus_usage": st.integers(0, 20),
        "ram_gb_requ": st.floats(0, 10),
        "ram_gb_quota": st.floats(0, 20),
        "test_failure_perc_1d": st.sampled_from([-1.0, 0.0, 0.3, 1.0]),
        "test_failure_perc_30d": st.sampled_from([-1.0, 0.0, 0.3, 1.0]),
    }
)
some_candidates = st.lists(
    st.builds(lambda name, values: candidate(name, **values), st.sampled_from("abc"), numbers),
    max_size=8,
)


@given(some_candidates, st.randoms())
def test_the_order_depends_on_the_candidates_alone(
    candidates: list[Candidate], random: object
) -> None:
    shuffled = list(candidates)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered, again = rule.order(candidates), rule.order(shuffled)
    told = [(rule.score(one), one.provider_name) for one in ordered]
    assert told == [(rule.score(one), one.provider_name) for one in again]
    scores = [score for score, _ in told]
    assert all(0 <= score <= 1 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(some_candidates)
def test_the_order_has_every_candidate_as_it_is(candidates: list[Candidate]) -> None:
    assert sorted(map(repr, rule.order(candidates))) == sorted(map(repr, candidates))


@given(numbers, st.integers(1, 10))
def test_more_quota_never_lowers_the_score(values: dict[str, Any], more: int) -> None:
    before = candidate(**values)
    if before.vcpus_quota >= 0:
        after = candidate(**{**values, "vcpus_quota": before.vcpus_quota + more})
        assert rule.score(after) >= rule.score(before)
