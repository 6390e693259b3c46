"""AI-ranker: in which order the candidates of a deployment are tried, and why.

A chain of ways to order, each used where the one before it has too little to go by:

    rates   what past attempts make one expect (`rates`), once the federation has enough of them
    rule    free quota, then health (`rule`), where any of it is known
    sla     the oldest agreement first (`sla`)

No step fails: every candidate that comes in goes out, in some order, with the name of the step.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from paas_stream.ranking import explanation, orders, rates, rule, sla
from paas_stream.ranking.orders import Limits
from paas_stream.ranking.rates import Memory
from paas_stream.records import Candidate, Inference, RankedCandidate, RankedProviders

Step = Literal["rates", "rule", "sla"]

# What the two numbers of the federation's own ranker weigh; its readers know them weighted.
CLASSIFICATION_WEIGHT, REGRESSION_WEIGHT = 0.75, 0.25


@dataclass(frozen=True)
class RankingPolicy:
    """The settings that ranking needs; seconds."""

    min_attempts: int  # of the federation in 30 days, before its experience is gone by
    failure_cost_s: float  # what a failed attempt costs besides its time
    exhausted_s: float  # what a deployment costs that fails everywhere


def rank(
    message: Inference, memory: Memory, now: datetime, policy: RankingPolicy
) -> RankedProviders:
    """The providers of `message` in the order in which they are to be tried."""
    attempts = memory.overall.attempts
    if attempts >= policy.min_attempts:
        ranked, text = _by_rates(message, memory, now, policy)
        text += f" (rates: from {attempts} attempts in 30 days)"
        return _message(message, ranked, "rates", text)
    few = f"{attempts} attempts in 30 days, rates need {policy.min_attempts}"
    if rule.is_applicable(message.providers):
        by_rule = [
            _ranked(one, rule.score(one), *explanation.of_state(one))
            for one in rule.order(message.providers)
        ]
        return _message(message, by_rule, "rule", f"free quota and health (rule: {few})")
    by_sla = [
        _ranked(one, 1 / number, *explanation.of_agreement(one))
        for number, one in enumerate(sla.order(message.providers), start=1)
    ]
    text = f"oldest agreement (sla: neither quotas nor health are known; {few})"
    return _message(message, by_sla, "sla", text)


def _by_rates(
    message: Inference, memory: Memory, now: datetime, policy: RankingPolicy
) -> tuple[list[RankedCandidate], str]:
    guesses = memory.estimates(message.providers, message.template_name)
    waits = [rates.expected_s(one, policy.failure_cost_s) for one in guesses]
    places = list(range(len(guesses)))
    if len(set(waits)) < len(waits):  # the rule decides between those of which the same is expected
        favour = {id(one): number for number, one in enumerate(rule.order(message.providers))}
        places.sort(key=lambda place: favour[id(message.providers[place])])
    places.sort(key=lambda place: waits[place])
    text = "expected time to success"
    left = (message.deadline - now).total_seconds() if message.deadline is not None else None
    limits = Limits(message.max_providers, left, policy.failure_cost_s, policy.exhausted_s)
    if len(places) <= orders.MOST and limits.bind(guesses):
        found = orders.best([guesses[place] for place in places], limits)
        places = [places[number] for number in found]
        text += ", best of all orders of those that may be tried"
    quickest = min((one.t_success_s for one in guesses), default=0.0)
    slowest = max((one.t_success_s for one in guesses), default=0.0)
    ranked = []
    for place in places:
        one, guess, wait = message.providers[place], guesses[place], waits[place]
        span = slowest - quickest
        speed = (slowest - guess.t_success_s) / span if span > 0 else 1.0
        reasons = explanation.of_experience(guess, wait)
        served = {
            "classification": CLASSIFICATION_WEIGHT * guess.p_success,
            "regression": REGRESSION_WEIGHT * speed,
            "p_success": guess.p_success,
            "t_success_s": guess.t_success_s,
            "t_failure_s": guess.t_failure_s,
        }
        ranked.append(_ranked(one, rates.score(wait), *reasons, **served))
    return ranked, text


def _ranked(candidate: Candidate, score: float, *reasons: str, **served: float) -> RankedCandidate:
    values: dict[str, Any] = dict(candidate) | served
    values |= {"score": score, "reasons": reasons}
    # the selector gives the share of exact flavors, so that it need not be divided once more
    values["resource_exactness"] = candidate.exact_flavors
    return RankedCandidate.model_construct(**values)


def _message(
    message: Inference, ranked: list[RankedCandidate], step: Step, text: str
) -> RankedProviders:
    return RankedProviders(
        uuid=message.uuid,
        revision=message.revision,
        template_name=message.template_name,
        submission_time=message.submission_time,
        user_group=message.user_group,
        deadline=message.deadline,
        ranked_providers=tuple(sorted(ranked, key=lambda one: one.stale)),
        discarded=message.discarded,
        fallback=step,
        explanation=text,
    )
