"""A model as it travels: whole and ours, or refused with a sentence; the same rows make the same one."""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import xgboost
from support import played

from paas_stream.ranking import fitting, models
from paas_stream.ranking.boosters import ModelError, Scale
from paas_stream.ranking.fitting import Rows, TooFewRowsError
from paas_stream.ranking.models import Model
from paas_stream.ranking.rates import Sigma
from paas_stream.records import ModelPart

Parts = dict[str, ModelPart]


def test_it_says_the_same_after_its_journey(model: Model, parts: Parts, rows: Rows) -> None:
    sent = {name: ModelPart.decode(one.encode()) for name, one in parts.items()}
    found = models.unpack(sent)
    assert found.card == model.card
    assert found.boosters.guesses(rows.x[:50]) == model.boosters.guesses(rows.x[:50])


def test_how_far_times_scatter_travels_along(model: Model, parts: Parts) -> None:
    sigma = models.unpack(parts).boosters.scale.sigma
    assert sigma == model.boosters.scale.sigma
    assert all(0.05 < one < 0.6 for one in sigma)


def test_a_card_without_it_is_taken_to_scatter_as_is_usual(parts: Parts) -> None:
    scale = json.loads(parts["card"].content)["scale"]
    assert models.unpack(card_with(parts, scale=scale[:4])).boosters.scale.sigma == Sigma()


def test_the_card_comes_last_and_all_is_under_its_version(
    made: tuple[Model, list[ModelPart]],
) -> None:
    model, records = made
    assert [one.part for one in records] == ["p", "t_success", "t_failure", "card"]
    assert {one.key for one in records} == {f"{model.card.version}/{one.part}" for one in records}


def card_with(parts: Parts, **fields: Any) -> Parts:
    card = json.loads(parts["card"].content) | fields
    return parts | {"card": parts["card"].model_copy(update={"content": json.dumps(card)})}


def with_bytes(parts: Parts, content: bytes) -> Parts:
    """Its first booster replaced, and a card that says so."""
    made = ModelPart.of_bytes(parts["p"].version, "p", content)
    sha256 = json.loads(parts["card"].content)["sha256"]
    digest = hashlib.sha256(content).hexdigest()
    return card_with(parts | {"p": made}, sha256=sha256 | {"p": digest})


def narrow() -> bytes:
    """A booster of two columns."""
    data = xgboost.DMatrix(np.random.default_rng(1).normal(size=(50, 2)), label=np.arange(50) % 2)
    return bytes(xgboost.train({"objective": "binary:logistic"}, data, 2).save_raw("ubj"))


def with_leaf(content: bytes, value: float) -> bytes:
    """A booster with one leaf replaced: of all requests, few come to it."""
    booster = xgboost.Booster()
    booster.load_model(bytearray(content))
    made = json.loads(booster.save_raw("json"))
    tree = made["learner"]["gradient_booster"]["model"]["trees"][-1]
    leaf = max(place for place, left in enumerate(tree["left_children"]) if left == -1)
    tree["split_conditions"][leaf] = value
    booster.load_model(bytearray(json.dumps(made).encode()))
    return bytes(booster.save_raw("ubj"))


def with_edges(parts: Parts) -> list[Any]:
    """The card's spreads, the first with an edge too many."""
    first, *others = json.loads(parts["card"].content)["spreads"]
    return [first | {"edges": [*first["edges"], 1e9]}, *others]


BROKEN: dict[str, tuple[Callable[[Parts], Parts], str]] = {
    "without a card": (lambda p: {k: v for k, v in p.items() if k != "card"}, "card is missing"),
    "a card that is no JSON": (
        lambda p: p | {"card": p["card"].model_copy(update={"content": "{"})},
        "card cannot be read",
    ),
    "a card of other fields": (lambda p: card_with(p, rows="many"), "card cannot be read"),
    "a card of another model": (lambda p: card_with(p, version="other"), "card is that of other"),
    "other features": (
        lambda p: card_with(p, features_schema="0123456789abcdef"),
        "made from other features (0123456789abcdef",
    ),
    "without a part": (lambda p: {k: v for k, v in p.items() if k != "t_failure"}, "is missing"),
    "no base64": (
        lambda p: p | {"p": p["p"].model_copy(update={"content": "!!"})},
        "its part p cannot be read",
    ),
    "cut off": (
        lambda p: p | {"p": ModelPart.of_bytes("v", "p", p["p"].data[:-100])},
        "its part p is not what its card says",
    ),
    "another part in its place": (
        lambda p: p | {"p": p["t_success"]},
        "its part p is not what its card says",
    ),
    "cut off, and the card agrees": (
        lambda p: with_bytes(p, p["p"].data[:-100]),
        "its part p cannot be read",
    ),
    "empty, and the card agrees": (lambda p: with_bytes(p, b""), "its part p cannot be read"),
    "times that scatter by less than nothing": (
        lambda p: card_with(p, scale=[1, 0, 1, 1, -0.1, 0.5]),
        "something that is no number",
    ),
    "times that scatter beyond measure": (
        lambda p: card_with(p, scale=[1, 0, 1, 1, 0.5, 1e30]),
        "something that is no number",
    ),
    "the order turned around": (
        lambda p: card_with(p, scale=[-1, 0, 1, 1, 0.5, 0.5]),
        "a slope or a factor that is not above zero",
    ),
    "a leaf that is no number": (
        lambda p: with_bytes(p, with_leaf(p["p"].data, math.nan)),
        "something that is no number",
    ),
    "a leaf without end": (
        lambda p: with_bytes(p, with_leaf(p["p"].data, math.inf)),
        "something that is no number",
    ),
    "times in the place of the probability": (
        lambda p: with_bytes(p, p["t_failure"].data),
        "its part p was fitted for reg:squarederror, not binary:logistic",
    ),
    "names of other features": (
        lambda p: card_with(p, features=["a", "b"], spreads=[]),
        "made from other features",
    ),
    "judged better than can be": (
        lambda p: card_with(p, judged={"rows": 100, "brier": -7.0, "log_loss": 0.1}),
        "card cannot be read",
    ),
    "spreads of other features": (
        lambda p: card_with(p, spreads=[{"name": "zzz"}] * 100),
        "card cannot be read",
    ),
    "a spread with bins that are missing": (
        lambda p: card_with(p, spreads=with_edges(p)),
        "card cannot be read",
    ),
    "three numbers of six": (lambda p: card_with(p, scale=[1, 0, 1]), "card cannot be read"),
    "other columns": (lambda p: with_bytes(p, narrow()), "its part p has 2 columns"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_refused_with_a_sentence(parts: Parts, name: str) -> None:
    breaks, says = BROKEN[name]
    with pytest.raises(ModelError) as refused:
        models.unpack(breaks(parts))
    assert says in refused.value.message


def test_an_older_one_is_refused_and_the_same_age_is_not(model: Model) -> None:
    live = model.card
    now = live.created_at + timedelta(hours=1)
    models.check_newer(live, None, now)
    models.check_newer(live, live, now)
    older = live.model_copy(update={"created_at": live.created_at - timedelta(microseconds=1)})
    with pytest.raises(ModelError, match=r"is older than .* which is live"):
        models.check_newer(older, live, now)


def test_one_of_a_time_to_come_is_refused_so_that_later_ones_are_not(model: Model) -> None:
    made_at = model.card.created_at
    models.check_newer(model.card, None, made_at - models.AHEAD_MOST)
    with pytest.raises(
        ModelError, match=r"which is still to come: the clock that dated it is ahead"
    ):
        models.check_newer(model.card, None, made_at - models.AHEAD_MOST - timedelta(seconds=1))


def test_a_guess_that_is_no_number_is_no_guess(model: Model, rows: Rows) -> None:
    odd = replace(model.boosters, scale=Scale(slope=math.nan))
    with pytest.raises(ModelError, match="something that is no number"):
        odd.guesses(rows.x[:2])


def test_the_same_rows_and_seed_make_the_same_bytes_and_name(model: Model) -> None:
    again, _ = played.model(played.rows(), now=model.card.created_at)
    assert again.boosters.parts() == model.boosters.parts()
    assert again.card == model.card
    later = model.card.created_at + timedelta(seconds=1)
    other, _ = played.model(played.rows(), now=later)
    assert other.card.version.split("-")[1] == model.card.version.split("-")[1]
    assert other.card.version != model.card.version


def test_another_seed_makes_another_one(model: Model, rows: Rows) -> None:
    other, _ = played.model(rows, seed=2, now=model.card.created_at)
    assert other.card.sha256 != model.card.sha256


def test_the_order_of_the_rows_does_not_matter(model: Model, rows: Rows) -> None:
    order = np.random.default_rng(1).permutation(len(rows))
    shuffled = Rows(
        rows.x[order],
        rows.succeeded[order],
        rows.took_s[order],
        [rows.deployment[place] for place in order],
        rows.asked_at[order],
    )
    first = fitting.by_time(shuffled)
    # attempts of one request have one time: their order among themselves is that of the topic
    assert list(first.asked_at) == list(rows.asked_at)


def test_too_few_rows_are_told_with_their_numbers(rows: Rows) -> None:
    with pytest.raises(TooFewRowsError, match=r"^100 attempts with features \(\d+ failures\)"):
        fitting.fit(rows.part(0, 100), 1, 300.0)
    successes = np.ones(len(rows), dtype=bool)
    only = Rows(rows.x, successes, rows.took_s, rows.deployment, rows.asked_at)
    with pytest.raises(TooFewRowsError, match=r"\(0 failures\)"):
        fitting.fit(only, 1, 300.0)


def test_it_is_better_than_the_rates_on_attempts_that_it_has_not_seen(model: Model) -> None:
    card = model.card
    assert card.judged.rows == card.rates.rows > 50
    assert card.judged.brier < card.rates.brier - 0.02
    assert next(iter(card.importance)) in ("vcpus_free", "vcpus_free_share", "least_free_share")
