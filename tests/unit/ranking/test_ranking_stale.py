"""Providers that have been silent for too long are tried after all others, whatever makes the order."""

from datetime import UTC, datetime

import pytest
from support.lifecycle import T0, UUID

from paas_stream.ranking import chain
from paas_stream.ranking.chain import RankingPolicy
from paas_stream.ranking.rates import Memory
from paas_stream.records import Candidate, Inference, Target

NOW = datetime.fromtimestamp(T0, UTC)


@pytest.mark.parametrize(
    ("min_attempts", "quota", "step"), [(0, 10, "rates"), (20, 10, "rule"), (20, -1, "sla")]
)
def test_a_stale_provider_comes_last(min_attempts: int, quota: float, step: str) -> None:
    def candidate(name: str, usage: float, stale: bool) -> Candidate:
        return Candidate(
            provider_name=name,
            region_name="r",
            vcpus_requ=1,
            vcpus_quota=quota,
            vcpus_usage=usage,
            stale=stale,
            target=Target(type="dummy", endpoint="http://a.example.org"),
        )

    message = Inference(
        uuid=UUID,
        template_name="vm",
        submission_time=NOW,
        providers=(
            candidate("a", 0, stale=True),
            candidate("b", 8, stale=False),
            candidate("c", 4, stale=False),
        ),
    )
    policy = RankingPolicy(min_attempts, failure_cost_s=300.0, exhausted_s=7200.0)
    ranking = chain.rank(message, Memory({}), NOW, policy)
    assert ranking.fallback == step
    found = [one.provider_name for one in ranking.ranked_providers]
    assert found[-1] == "a"
    assert set(found) == {"a", "b", "c"}
