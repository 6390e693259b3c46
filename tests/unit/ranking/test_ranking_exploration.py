"""Exploration: who comes first by chance, how often, and that it is told."""

from typing import Any

import pytest
from support.events import uuid_number
from support.lifecycle import T0
from support.played import Asked, moment

from paas_stream.ranking import chain
from paas_stream.ranking.chain import RankingPolicy
from paas_stream.ranking.rates import Memory
from paas_stream.records import Inference, RankedProviders

NUMBER = 4000
SITES = {f"site-{letter}": (True, 1.0) for letter in "abcd"}
USAGE = {site: 10.0 * place for place, site in enumerate(SITES)}  # the rule's order is a, b, c, d


def ranked(number: int, explore: float, **fields: Any) -> RankedProviders:
    asked: Inference = Asked(T0, uuid_number(number), SITES, USAGE).message
    policy = RankingPolicy(20, 300.0, 7200.0, explore)
    message = asked.model_copy(update=fields)
    return chain.rank(message, Memory({}), moment(T0), policy)


def names(ranking: RankedProviders) -> list[str]:
    return [one.provider_name for one in ranking.ranked_providers]


def test_it_is_off_unless_asked_for() -> None:
    for number in range(50):
        found = ranked(number, 0.0)
        assert names(found) == list(SITES)
        assert found.propensity is None


def test_each_comes_first_as_often_as_it_is_said_to() -> None:
    explore = 0.4
    first: dict[str, int] = dict.fromkeys(SITES, 0)
    for number in range(NUMBER):
        found = ranked(number, explore)
        first[names(found)[0]] += 1
        expected = 0.7 if names(found)[0] == "site-a" else 0.1
        assert found.propensity == pytest.approx(expected)
        assert sorted(names(found)) == list(SITES)
    assert first["site-a"] / NUMBER == pytest.approx(0.7, abs=0.03)
    for site in ("site-b", "site-c", "site-d"):
        assert first[site] / NUMBER == pytest.approx(0.1, abs=0.02)


def test_a_replay_draws_the_same() -> None:
    for number in range(50):
        first, again = ranked(number, 0.5), ranked(number, 0.5)
        assert (names(first), first.propensity) == (names(again), again.propensity)


def test_it_is_told_and_the_others_keep_their_order() -> None:
    drawn = [one for n in range(200) if names(one := ranked(n, 0.5))[0] == "site-c"]
    assert drawn
    for one in drawn:
        assert names(one) == ["site-c", "site-a", "site-b", "site-d"]
        assert "the first place was drawn" in one.explanation
        assert one.ranked_providers[0].reasons[0] == (
            "drawn to come first, so that something is learned of it (probability 0.125); "
            "place 3 by what is expected"
        )


def test_only_those_that_may_be_tried_are_drawn() -> None:
    firsts = {names(ranked(number, 0.5, max_providers=2))[0] for number in range(300)}
    assert firsts == {"site-a", "site-b"}
    only = ranked(1, 0.5, max_providers=1)
    assert (names(only), only.propensity) == (list(SITES), None)


def test_a_stale_one_comes_first_only_where_all_are() -> None:
    message = Asked(T0, uuid_number(0), SITES, USAGE).message
    some = tuple(
        one.model_copy(update={"stale": one.provider_name in ("site-c", "site-d")})
        for one in message.providers
    )
    firsts = {names(ranked(number, 0.5, providers=some))[0] for number in range(300)}
    assert firsts == {"site-a", "site-b"}
    every = tuple(one.model_copy(update={"stale": True}) for one in message.providers)
    firsts = {names(ranked(number, 0.5, providers=every))[0] for number in range(300)}
    assert firsts == set(SITES)
