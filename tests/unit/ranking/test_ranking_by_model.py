"""The chain with a model: what it serves, and that a deployment goes on without one."""

from statistics import fmean
from typing import Any

import pytest
from support.events import uuid_number
from support.lifecycle import T0
from support.played import POLICY, Asked, moment, play, requests

from paas_stream.ranking import chain
from paas_stream.ranking.boosters import Boosters
from paas_stream.ranking.features import NAMES
from paas_stream.ranking.models import Model
from paas_stream.ranking.rates import Memory
from paas_stream.records import RankedProviders
from paas_stream.records.base import LARGEST_NUMBER

ENDS = {"site-a": (True, 1.0), "site-b": (True, 1.0)}


def ranked(model: Model | None, usage: float = 0.0, no_model: str = "") -> RankedProviders:
    asked = Asked(T0, uuid_number(1), ENDS, {"site-a": usage, "site-b": 20.0})
    return chain.rank(asked.message, Memory({}), moment(T0), POLICY, model, no_model)


def test_the_model_ranks_also_where_nothing_was_ever_tried(model: Model) -> None:
    found = ranked(model)
    assert (found.fallback, found.model_version) == ("model", model.card.version)
    assert found.explanation == (
        f"expected time to success (model {model.card.version}: from {model.card.rows} attempts)"
    )
    for one in found.ranked_providers:
        assert one.p_success is not None
        assert one.classification == pytest.approx(0.75 * one.p_success)
        assert 0 < (one.t_success_s or 0) < 7200
        assert any("what moves the chance of success most" in text for text in one.reasons)


def test_it_knows_that_a_full_site_fails(model: Model) -> None:
    def chance(*usages: float) -> float:
        found = [one for usage in usages for one in ranked(model, usage).ranked_providers]
        return fmean(one.p_success or 0.0 for one in found if one.provider_name == "site-a")

    assert chance(10.0, 30.0, 50.0) > chance(75.0, 90.0) + 0.1


@pytest.mark.parametrize("quota", [1e-30, 1.0])
def test_a_site_with_a_number_beyond_measure_does_not_switch_the_model_off(
    model: Model, quota: float
) -> None:
    message = Asked(T0, uuid_number(1), ENDS, {"site-a": LARGEST_NUMBER}).message
    first, *others = message.providers
    odd = first.model_copy(update={"vcpus_quota": quota})
    asked = message.model_copy(update={"providers": (odd, *others)})
    found = chain.rank(asked, Memory({}), moment(T0), POLICY, model, "")
    assert found.fallback == "model"
    features = {one.provider_name: one.features or () for one in found.ranked_providers}
    share = NAMES.index("vcpus_free_share")
    assert (features["site-a"][share] is None) is (quota < 1)
    assert features["site-b"][share] is not None


class Failing:
    """Boosters of which one method fails."""

    def __init__(self, boosters: Boosters, method: str) -> None:
        self._boosters, self._method = boosters, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            raise RuntimeError("out of trees")
        return getattr(self._boosters, name)


@pytest.mark.parametrize("method", ["guesses", "contributions"])
def test_one_that_fails_costs_nothing_but_its_opinion(model: Model, method: str) -> None:
    failing = Model(model.card, Failing(model.boosters, method))  # type: ignore[arg-type]
    found = ranked(failing)
    assert (found.fallback, found.model_version) == ("rule", None)
    assert f"the model {model.card.version} has failed (RuntimeError)" in found.explanation
    assert len(found.ranked_providers) == 2


def test_why_there_is_none_is_told(model: Model) -> None:
    found = ranked(None, no_model="the model v1 cannot be used: its card is missing")
    assert found.fallback == "rule"
    assert found.explanation.endswith("; the model v1 cannot be used: its card is missing)")
    assert "v1" not in ranked(model).explanation


def test_deployments_cost_less_than_by_rates(model: Model) -> None:
    new = requests(200, 7, begin=model.card.data_to.timestamp() + 3600)

    def cost(made: Model | None) -> float:
        """Seconds, a failure's own cost included."""
        return sum(
            one.completion_time_s + one.tot_failure_time_s + one.n_failures * POLICY.failure_cost_s
            for one in play(new, made).records
        )

    assert cost(model) < cost(None)
