"""`simulate`: the table of the core policies."""

import json
from collections.abc import Sequence

import pytest
from click.testing import CliRunner

from paas_stream.cli.main import cli
from paas_stream.ranking.simulation import run
from paas_stream.ranking.simulation.run import FIRST_DAY, Course, Policies
from paas_stream.ranking.simulation.scenarios import Scenario
from paas_stream.settings import get_settings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every policy takes 1000 s and a few by the seed; the old rule-based ranker 200 s longer."""

    def of(scenario: Scenario, seed: int, policies: Policies, cost_s: float) -> Sequence[Course]:
        return [
            Course(
                one.name,
                cost_s=[1000.0 + seed + 200.0 * one.name.startswith("old")],
                regret_s=[0.0],
                first_try=[0.75],
                ndcg=[1.0],
                day=[FIRST_DAY],
            )
            for one in policies()
        ]

    monkeypatch.setattr(run, "run", of)


def test_the_table_names_every_policy_and_what_is_left_out() -> None:
    result = CliRunner().invoke(cli, ["simulate", "--seeds", "2"])
    assert result.exit_code == 0, result.output
    for name in ("oracle", "rates only", "SLA order", "old rule-based ranker", "random"):
        assert name in result.output
    assert "200 (200 to 200)" in result.output
    assert "scikit-learn" in result.output


def test_json_has_the_figures() -> None:
    arguments = ["simulate", "--seeds", "1", "--scenario", "closed-loop", "--json"]
    result = CliRunner().invoke(cli, arguments)
    found = json.loads(result.output)["closed-loop"]["oracle"]
    assert found["etts_s"] == 1001.0
    assert found["sooner_s"] == 200.0
    assert found["sooner_95"] is None
    assert found["brier"] is None


def test_a_failed_attempt_costs_what_it_costs_in_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAAS_RANKER_FAILURE_COST_S", "77")
    get_settings.cache_clear()
    result = CliRunner().invoke(cli, ["simulate", "--seeds", "1"])
    assert "expected time, 77 s" in result.output
    assert "(1 seed)" in result.output
    monkeypatch.setenv("PAAS_RANKER_FAILURE_COST_S", "-1")
    get_settings.cache_clear()
    refused = CliRunner().invoke(cli, ["simulate", "--seeds", "1"])
    assert refused.exit_code == 1
    assert "PAAS_RANKER_FAILURE_COST_S" in refused.output
