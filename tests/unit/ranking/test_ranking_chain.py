"""The fallback chain: which step makes the order, what it serves, and how it says why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lifecycle import T0, UUID

from paas_stream.ranking import chain
from paas_stream.ranking.chain import RankingPolicy
from paas_stream.ranking.history import (
    DAY_S,
    Outcome,
    ProviderHistory,
    Tally,
    day_of,
    summary,
)
from paas_stream.ranking.rates import Memory
from paas_stream.records import Candidate, Discarded, Inference, RankedProviders, Target
from paas_stream.records.feeder import row_key

NOW = datetime.fromtimestamp(T0, UTC)
POLICY = RankingPolicy(min_attempts=20, failure_cost_s=300.0, exhausted_s=7200.0)
DISCARDED = Discarded(provider_name="x", region_name="r", code="quota", reason="is full")


def candidate(name: str, **fields: Any) -> Candidate:
    target = Target(type="dummy", endpoint="http://a.example.org", project="p")
    return Candidate.model_validate(
        {"provider_name": name, "region_name": "r", "target": target, **fields}
    )


def inference(*providers: Candidate, **fields: Any) -> Inference:
    return Inference(
        uuid=UUID,
        revision=2,
        template_name="vm",
        submission_time=NOW,
        user_group="demo",
        providers=providers,
        discarded=(DISCARDED,),
        **fields,
    )


def memory(**sites: tuple[int, int]) -> Memory:
    """So many successes and failures, each of 210 s; the failures came first."""
    summaries = {}
    for name, (good, bad) in sites.items():
        known = ProviderHistory()
        tallies = [Tally(0, 1, 0.0, 210.0)] * bad + [Tally(1, 0, 210.0, 0.0)] * good
        for number, tally in enumerate(tallies):
            known = known.counted(str(number), number, T0, Outcome(T0 - 60, "vm", tally))
        summaries[row_key(name, "r")] = summary(known, day_of(T0))
    return Memory(summaries)


def ranked(message: Inference, known: Memory) -> RankedProviders:
    return chain.rank(message, known, NOW, POLICY)


def names(ranking: RankedProviders) -> list[str]:
    return [one.provider_name for one in ranking.ranked_providers]


NOTHING = memory()
FULL = {"vcpus_requ": 1, "vcpus_quota": 10, "vcpus_usage": 8}
EMPTY = {"vcpus_requ": 1, "vcpus_quota": 10}


class TestTheChain:
    def test_goes_by_rates_from_twenty_attempts_on(self) -> None:
        message = inference(candidate("a", **EMPTY), candidate("b", **FULL))
        before = ranked(message, memory(a=(0, 9), b=(10, 0)))
        after = ranked(message, memory(a=(0, 10), b=(10, 0)))
        assert (before.fallback, names(before)) == ("rule", ["a", "b"])
        assert (after.fallback, names(after)) == ("rates", ["b", "a"])
        assert "19 attempts" in before.explanation
        assert "rates need 20" in before.explanation
        assert "20 attempts" in after.explanation

    def test_goes_by_the_rule_where_any_quota_or_health_is_known(self) -> None:
        by_quota = ranked(inference(candidate("a", **FULL), candidate("b", **EMPTY)), NOTHING)
        assert (by_quota.fallback, names(by_quota)) == ("rule", ["b", "a"])
        by_health = ranked(
            inference(candidate("a"), candidate("b", test_failure_perc_7d=0.0)), NOTHING
        )
        assert (by_health.fallback, names(by_health)) == ("rule", ["b", "a"])

    def test_goes_by_the_oldest_agreement_where_nothing_is_known(self) -> None:
        message = inference(
            candidate("a"),
            candidate("b", sla_start="2025-06-01"),
            candidate("c", sla_start="2024-01-01"),
        )
        found = ranked(message, NOTHING)
        assert (found.fallback, names(found)) == ("sla", ["c", "b", "a"])
        assert found.explanation.startswith("oldest agreement")
        assert found.ranked_providers[0].reasons == (
            "the agreement with the user group holds since 2024-01-01",
        )

    @pytest.mark.parametrize("known", [NOTHING, memory(a=(20, 20))])
    def test_has_no_trouble_with_no_or_one_provider(self, known: Memory) -> None:
        assert names(ranked(inference(), known)) == []
        assert names(ranked(inference(candidate("a")), known)) == ["a"]

    def test_breaks_a_tie_of_rates_by_the_rule(self) -> None:
        message = inference(candidate("a", **FULL), candidate("b", **EMPTY))
        assert names(ranked(message, memory(c=(20, 20)))) == ["b", "a"]


class TestWhatIsServed:
    def test_the_request_is_passed_on(self) -> None:
        deadline = NOW + timedelta(hours=4)
        found = ranked(inference(candidate("a"), deadline=deadline), NOTHING)
        assert (found.uuid, found.revision, found.template_name) == (UUID, 2, "vm")
        assert (found.submission_time, found.user_group) == (NOW, "demo")
        assert (found.deadline, found.discarded) == (deadline, (DISCARDED,))

    def test_rates_fill_the_fields_that_the_federation_knows(self) -> None:
        message = inference(candidate("a", exact_flavors=0.5), candidate("b", exact_flavors=1.0))
        best, worst = ranked(message, memory(a=(30, 0), b=(0, 30))).ranked_providers
        assert best.p_success is not None
        assert worst.p_success is not None
        assert best.p_success > 0.9 > worst.p_success
        assert best.classification == pytest.approx(0.75 * best.p_success)
        assert best.regression == 0.25  # the fastest
        assert worst.regression == 0.0
        assert best.resource_exactness == 0.5
        assert best.score > worst.score

    def test_without_experience_they_say_so(self) -> None:
        (only,) = ranked(inference(candidate("a", **EMPTY)), NOTHING).ranked_providers
        assert (only.classification, only.regression) == (-1.0, -1.0)
        assert (only.p_success, only.t_success_s, only.t_failure_s) == (None, None, None)

    def test_the_reasons_are_in_words(self) -> None:
        message = inference(candidate("a"), candidate("new"))
        first, second = ranked(message, memory(a=(38, 2))).ranked_providers
        told = first if first.provider_name == "a" else second
        new = second if told is first else first
        assert told.reasons[0] == "38 of 40 attempts succeeded in 30 days, 210 s on average"
        assert new.reasons[0] == (
            "no attempt in 30 days: what is usual for the template is assumed"
        )
        assert told.reasons[1].startswith("expected: 9")

    def test_a_site_that_is_probably_down_is_said_to_be(self) -> None:
        known = ProviderHistory()
        for number in range(45):
            good = number < 40
            tally = Tally(1, 0, 210.0, 0.0) if good else Tally(0, 1, 0.0, 210.0)
            known = known.counted(str(number), number, T0, Outcome(T0 - 60, "vm", tally))
        down = Memory({row_key("a", "r"): summary(known, day_of(T0))})
        (only,) = ranked(inference(candidate("a")), down).ranked_providers
        assert (
            "no success since its last failures: down with a probability of 100 %" in only.reasons
        )
        (only,) = ranked(inference(candidate("a")), memory(a=(5, 40))).ranked_providers
        assert not any("down" in reason for reason in only.reasons)

    def test_the_rule_tells_free_quota_and_health(self) -> None:
        one = candidate("a", **FULL, test_failure_perc_1d=0.25)
        assert ranked(inference(one), NOTHING).ranked_providers[0].reasons == (
            "10 % of the vCPU quota stays free",
            "25 % of the health tests failed in 1 day",
        )


class TestLimits:
    def test_with_one_try_the_surest_comes_first(self) -> None:
        quick = [Outcome(T0 - 60, "vm", Tally(0, 1, 0.0, 1.0))] * 10
        quick += [Outcome(T0 - 60, "vm", Tally(1, 0, 1.0, 0.0))] * 10
        sure = [Outcome(T0 - 60, "vm", Tally(1, 0, 900.0, 0.0))] * 20
        summaries = {}
        for name, outcomes in (("quick", quick), ("sure", sure)):
            known = ProviderHistory()
            for number, one in enumerate(outcomes):
                known = known.counted(str(number), number, T0, one)
            summaries[row_key(name, "r")] = summary(known, day_of(T0))
        known_sites = Memory(summaries)
        both = (candidate("quick"), candidate("sure"))
        assert names(ranked(inference(*both), known_sites)) == ["quick", "sure"]
        once = ranked(inference(*both, max_providers=1), known_sites)
        assert names(once) == ["sure", "quick"]
        assert "best of all orders" in once.explanation

    def test_a_hundred_candidates_are_not_enumerated(self) -> None:
        many = [candidate(f"p{number:03}") for number in range(100)]
        found = ranked(inference(*many, max_providers=3), memory(p050=(40, 0)))
        assert names(found)[0] == "p050"
        assert "best of all orders" not in found.explanation


numbers = st.fixed_dictionaries(
    {
        "vcpus_requ": st.integers(0, 4),
        "vcpus_quota": st.integers(-1, 20),
        "vcpus_usage": st.integers(0, 20),
        "test_failure_perc_1d": st.sampled_from([-1.0, 0.0, 0.5, 1.0]),
        "sla_start": st.sampled_from([None, "2024-01-01", "2025-01-01"]),
    }
)


@given(
    st.lists(st.builds(lambda n, v: candidate(n, **v), st.sampled_from("abcd"), numbers)),
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(0, 40), st.integers(0, 40))),
    st.one_of(st.none(), st.integers(1, 5)),
    st.one_of(st.none(), st.floats(-DAY_S, DAY_S)),
)
def test_whatever_is_known_every_candidate_comes_out_once_and_can_be_sent(
    candidates: list[Candidate],
    sites: dict[str, tuple[int, int]],
    most: int | None,
    left_s: float | None,
) -> None:
    deadline = NOW + timedelta(seconds=left_s) if left_s is not None else None
    message = inference(*candidates[:8], max_providers=most, deadline=deadline)
    found = ranked(message, memory(**sites))
    given_back = [Candidate(**dict(one)) for one in found.ranked_providers]
    assert sorted(map(repr, given_back)) == sorted(map(repr, message.providers))
    assert RankedProviders.decode(found.encode()) == found
    assert all(0 <= one.score <= 1 for one in found.ranked_providers)
    assert all(one.reasons for one in found.ranked_providers)
