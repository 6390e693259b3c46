"""AI-ranker: in which order the candidates of a deployment are tried, and why.

A chain of ways to order, each used where the one before it has too little to go by:

    model   what three boosters expect that were trained on past attempts (`boosters`)
    rates   what past attempts make one expect (`rates`), once the federation has enough of them
    rule    free quota, then health (`rule`), where any of it is known
    sla     the oldest agreement first (`sla`)

No step fails: every candidate that comes in goes out, in some order, with the name of the step.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from paas_stream.ranking import explanation, exploration, features, orders, rates, rule, sla
from paas_stream.ranking.features import Matrix
from paas_stream.ranking.models import Model
from paas_stream.ranking.orders import Limits
from paas_stream.ranking.rates import Estimate, Memory, Sigma
from paas_stream.records import Candidate, Inference, RankedCandidate, RankedProviders

log = logging.getLogger(__name__)

_EXPLAINED = 10  # candidates of which the parts of the expectation are told

Step = Literal["model", "rates", "rule", "sla"]

# What the two numbers of the federation's own ranker weigh; its readers know them weighted.
CLASSIFICATION_WEIGHT, REGRESSION_WEIGHT = 0.75, 0.25


@dataclass(frozen=True)
class RankingPolicy:
    """The settings that ranking needs; seconds."""

    min_attempts: int  # of the federation in 30 days, before its experience is gone by
    failure_cost_s: float  # what a failed attempt costs besides its time
    exhausted_s: float  # what a deployment costs that fails everywhere
    explore: float = 0.0  # probability with which the first place is drawn by chance


@dataclass(frozen=True)
class _Known:
    """What a request is ranked by."""

    message: Inference
    memory: Memory
    policy: RankingPolicy
    left_s: float | None  # until the overall time-out
    rows: Matrix  # features, in the order of the message


def rank(
    message: Inference,
    memory: Memory,
    now: datetime,
    policy: RankingPolicy,
    model: Model | None = None,
    no_model: str = "",
) -> RankedProviders:
    """The providers of `message` in the order in which they are to be tried.

    `no_model` says, in words, why there is no model where there should be one.
    """
    left = (message.deadline - now).total_seconds() if message.deadline is not None else None
    rows = features.rows(message.providers, message.template_name, memory)
    known = _Known(message, memory, policy, left, rows)
    fault = f"; {no_model}" if no_model else ""
    if model is not None and message.providers:
        try:
            return _by_model(known, model)
        except Exception as exc:
            # whatever is wrong with a model, a deployment goes on without it
            log.exception("the model %s has failed", model.card.version)
            fault = f"; the model {model.card.version} has failed ({type(exc).__name__})"
    attempts = memory.overall.attempts
    if attempts >= policy.min_attempts:
        return _by_rates(known, f" (rates: from {attempts} attempts in 30 days{fault})")
    few = f"{attempts} attempts in 30 days, rates need {policy.min_attempts}{fault}"
    ranked: list[tuple[int, RankedCandidate]]
    if rule.is_applicable(message.providers):
        ranked = [
            (place, _ranked(one, rule.score(one), *explanation.of_state(one)))
            for place, one in _places(message, rule.order(message.providers))
        ]
        return _message(known, ranked, "rule", f"free quota and health (rule: {few})")
    ranked = [
        (place, _ranked(one, 1 / number, *explanation.of_agreement(one)))
        for number, (place, one) in enumerate(
            _places(message, sla.order(message.providers)), start=1
        )
    ]
    text = f"oldest agreement (sla: neither quotas nor health are known; {few})"
    return _message(known, ranked, "sla", text)


def _places(message: Inference, ordered: list[Candidate]) -> list[tuple[int, Candidate]]:
    """Candidates with their places in the message."""
    places = {id(one): place for place, one in enumerate(message.providers)}
    return [(places[id(one)], one) for one in ordered]


def _by_model(known: _Known, model: Model) -> RankedProviders:
    seen = known.memory.estimates(known.message.providers, known.message.template_name)
    guesses = [
        Estimate(*guess, one.seen, one.down)
        for guess, one in zip(model.boosters.guesses(known.rows), seen, strict=True)
    ]
    places, text = _order(known, guesses, model.boosters.scale.sigma)
    shown = places[:_EXPLAINED]
    parts = model.boosters.contributions(known.rows[shown]) if shown else ()
    why = dict(zip(shown, map(explanation.of_parts, parts), strict=True))
    ranked = _expected(known, guesses, places, why)
    text += f" (model {model.card.version}: from {model.card.rows} attempts)"
    return _message(known, ranked, "model", text, model.card.version)


def _by_rates(known: _Known, text: str) -> RankedProviders:
    guesses = known.memory.estimates(known.message.providers, known.message.template_name)
    places, how = _order(known, guesses, Sigma())
    return _message(known, _expected(known, guesses, places, {}), "rates", how + text)


def _order(known: _Known, guesses: list[Estimate], sigma: Sigma) -> tuple[list[int], str]:
    """The places of the candidates by expected time to success, and how that was found."""
    message, policy = known.message, known.policy
    waits = [rates.expected_s(one, policy.failure_cost_s) for one in guesses]
    places = list(range(len(guesses)))
    if len(set(waits)) < len(waits):  # the rule decides between those of which the same is expected
        favour = {id(one): number for number, one in enumerate(rule.order(message.providers))}
        places.sort(key=lambda place: favour[id(message.providers[place])])
    places.sort(key=lambda place: waits[place])
    limits = Limits(
        message.max_providers, known.left_s, policy.failure_cost_s, policy.exhausted_s, sigma
    )
    if len(places) > orders.MOST or not limits.bind(guesses):
        return places, "expected time to success"
    found = orders.best([guesses[place] for place in places], limits)
    text = "expected time to success, best of all orders of those that may be tried"
    return [places[number] for number in found], text


def _expected(
    known: _Known, guesses: list[Estimate], places: list[int], why: dict[int, tuple[str, ...]]
) -> list[tuple[int, RankedCandidate]]:
    quickest = min((one.t_success_s for one in guesses), default=0.0)
    slowest = max((one.t_success_s for one in guesses), default=0.0)
    span = slowest - quickest
    ranked = []
    for place in places:
        one, guess = known.message.providers[place], guesses[place]
        wait = rates.expected_s(guess, known.policy.failure_cost_s)
        speed = (slowest - guess.t_success_s) / span if span > 0 else 1.0
        reasons = (*explanation.of_experience(guess, wait), *why.get(place, ()))
        served = {
            "classification": CLASSIFICATION_WEIGHT * guess.p_success,
            "regression": REGRESSION_WEIGHT * speed,
            "p_success": guess.p_success,
            "t_success_s": guess.t_success_s,
            "t_failure_s": guess.t_failure_s,
        }
        ranked.append((place, _ranked(one, rates.score(wait), *reasons, **served)))
    return ranked


def _ranked(candidate: Candidate, score: float, *reasons: str, **served: float) -> RankedCandidate:
    values: dict[str, Any] = dict(candidate) | served
    values |= {"score": score, "reasons": reasons}
    # the selector gives the share of exact flavors, so that it need not be divided once more
    values["resource_exactness"] = candidate.exact_flavors
    return RankedCandidate.model_construct(**values)


def _message(
    known: _Known,
    ranked: list[tuple[int, RankedCandidate]],
    step: Step,
    text: str,
    model_version: str | None = None,
) -> RankedProviders:
    message = known.message
    with_rows = [
        one.model_copy(update={"features": features.told(known.rows[place])})
        for place, one in ranked
    ]
    ordered = tuple(sorted(with_rows, key=lambda one: one.stale))
    drawn = exploration.draw(ordered, message, known.policy.explore)
    return RankedProviders(
        uuid=message.uuid,
        revision=message.revision,
        template_name=message.template_name,
        submission_time=message.submission_time,
        user_group=message.user_group,
        deadline=message.deadline,
        ranked_providers=drawn.ranked,
        discarded=message.discarded,
        fallback=step,
        explanation=text + drawn.text,
        model_version=model_version,
        features_schema=features.SCHEMA,
        propensity=drawn.propensity,
    )
