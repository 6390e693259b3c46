"""Rates: candidates ordered by the time to success that experience makes one expect.

The step of the ranker's fallback chain that needs a history and no model. Few outcomes are believed
little: each estimate is drawn toward what is usual for the template, and that toward what is usual in
the federation (Beta-style shrinkage; PRIOR says how many outcomes that is worth). With `s` successes
among `n` attempts of the last 30 days:

    p_federation = (s + 1) / (n + 2)                             all providers, all templates
    p_template   = (s + PRIOR p_federation) / (n + PRIOR)        all providers, this template
    p            = (s' + PRIOR p_template) / (n' + PRIOR)        this provider and region

where in s' and n' an outcome with another template counts half, the last 20 outcomes count in full,
and all older ones together count as OLDER at most. Times are means, drawn toward the usual ones alike.

A share of a month says little about a site whose last outcomes are all failures: it may be down. Two
states are told apart, up and down, as in a hidden Markov chain; simplified, in that it went down at the
first of these failures or not at all. With k of them since the last success (those of another template
count half; RECENT at most), and u the share of the 30 days without them, shrunk like p, the odds that the
site is down after the last one are

    odds = DOWN_BEGINS / (1 - DOWN_BEGINS)  x  ((1 - DOWN_P) / (1 - u)) ^ k

so that a site that seldom failed is given up after two or three, and one that often fails after more.
The probability fades with the time since, as nobody is told when a site is up again:

    down = odds / (1 + odds)  x  exp(- silence / DOWN_LASTS_S)
    p is drawn toward DOWN_P by it, if it is above: down min(DOWN_P, p) + (1 - down) p

A further failure at the end never raises p, nor does an earlier one while the last outcome is a success.
While a site is failing an earlier failure may: it makes this seem less unusual there.

The order is by ascending expected time to success,

    expected = t_success + (1 - p) / p * (t_failure + cost of a failed attempt),

which is the best one for independent attempts: let two neighbours change places and compare. Means
and not medians: a failure that takes an hour costs an hour, however rare it is.
"""

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from math import exp, pow
from typing import NamedTuple

from paas_stream.ranking.history import NAME_MAX, NONE, RECENT, Summary, Tally, total
from paas_stream.records import Candidate
from paas_stream.records.feeder import row_key

PRIOR = 4.0  # outcomes; few, so that a day of use outweighs it
OLDER = 10.0  # outcomes that all but the last 20 are worth, together
OTHER_TEMPLATE = 0.5  # of an outcome
P_LEAST, P_MOST = 0.02, 0.995  # nothing is certain
DOWN_P = 0.05  # share of attempts that succeed at a site that is down
DOWN_BEGINS = 0.01  # of the attempts are the first ones of a time that a site is down
DOWN_LASTS_S = 43200.0  # on the mean; so long a silence makes it likely that it is over
UP_MOST = 0.95  # of a site that is up, as the user's own mistakes fail everywhere
USUAL_S = 600.0  # an attempt's duration before there is any experience; worth one outcome


class Sigma(NamedTuple):
    """How far times scatter around what is expected: the standard deviation of their logarithms."""

    success: float = 0.5  # before it is known: most take 0.6 to 1.6 times as long
    failure: float = 0.5


@dataclass(frozen=True)
class Estimate:
    """What is expected of one attempt; durations in seconds."""

    p_success: float
    t_success_s: float
    t_failure_s: float
    seen: Tally  # the provider's own outcomes of 30 days, all templates
    down: float = 0.0  # probability that the site is down, see `DOWN_P`


def expected_s(one: Estimate, failure_cost_s: float) -> float:
    """Expected time to success, seconds, when all that may fail is tried again and again."""
    odds = (1 - one.p_success) / one.p_success
    return one.t_success_s + odds * (one.t_failure_s + failure_cost_s)


def score(expected: float) -> float:
    """1 = at once, 1/2 = within an hour, toward 0."""
    return 3600.0 / (3600.0 + expected)


class Memory:
    """What is known of all providers, summed up."""

    def __init__(self, summaries: Mapping[str, Summary]) -> None:
        self._sites = summaries
        self._now: float | None = None
        self._templates: dict[str, Tally] = {}
        for known in summaries.values():
            for name, tally in known.templates.items():
                self._templates[name] = self._templates.get(name, NONE).plus(tally)
        self.overall = total(one.overall for one in summaries.values())
        self._usual = _usual(self.overall)
        self._priors: dict[str, _Prior] = {}

    def at(self, now: float) -> "Memory":
        """The same at this moment (seconds since the epoch). Without one: right after each outcome."""
        found = copy(self)
        found._now = now
        return found

    def silence_s(self, known: Summary) -> float:
        """Seconds since the end of the last attempt at a site."""
        if self._now is None or known.last_at is None:
            return 0.0
        return max(self._now - known.last_at, 0.0)

    def outcomes(self) -> dict[str, Tally]:
        """The attempts of 30 days by provider and region, all templates together."""
        return {site: known.overall for site, known in self._sites.items()}

    def estimate(self, provider: str, region: str, template: str) -> Estimate:
        """What an attempt with this template at this provider and region will be like."""
        template = template[:NAME_MAX]
        prior = self._prior(template)
        known = self._sites.get(row_key(provider, region))
        if known is None:
            return Estimate(_clipped(prior.p), prior.t_success_s, prior.t_failure_s, NONE)
        same, every = known.of(template), known.overall
        successes, attempts = _weighted(known, template)
        failed = _half(same.failures, every.failures)
        p = (successes + PRIOR * prior.p) / (attempts + PRIOR)
        down = self._down(known, template)
        return Estimate(
            p_success=_clipped(down * min(DOWN_P, p) + (1 - down) * p),
            # templates take different times, so those of others say nothing here
            t_success_s=_mean(same.success_s, same.successes, prior.t_success_s),
            t_failure_s=_mean(_half(same.failure_s, every.failure_s), failed, prior.t_failure_s),
            seen=every,
            down=down,
        )

    def _down(self, known: Summary, template: str) -> float:
        if not known.failing:
            return 0.0
        prior = self._prior(template)
        same, every = known.of(template), known.overall
        successes = _half(same.successes, every.successes)
        failed = _half(known.failing.get(template, 0), known.failures_in_a_row)
        before = max(_half(same.attempts, every.attempts) - failed, successes)
        up = (successes + PRIOR * prior.p) / (before + PRIOR)
        likelier = (1 - DOWN_P) / (1 - min(max(up, DOWN_P), UP_MOST))  # is such a failure when down
        odds = DOWN_BEGINS / (1 - DOWN_BEGINS) * pow(likelier, min(failed, RECENT))
        return odds / (1 + odds) * exp(-self.silence_s(known) / DOWN_LASTS_S)

    def template(self, template: str) -> Estimate:
        """What an attempt with this template is like anywhere."""
        prior = self._prior(template[:NAME_MAX])
        seen = self._templates.get(template[:NAME_MAX], NONE)
        return Estimate(_clipped(prior.p), prior.t_success_s, prior.t_failure_s, seen)

    def _prior(self, template: str) -> "_Prior":
        if template not in self._priors:
            seen = self._templates.get(template, NONE)
            self._priors[template] = _shrunken(seen, self._usual)
        return self._priors[template]

    def summary(self, provider: str, region: str) -> Summary | None:
        """What is known of one provider and region."""
        return self._sites.get(row_key(provider, region))

    def estimates(self, candidates: Iterable[Candidate], template: str) -> list[Estimate]:
        """One for each candidate."""
        return [self.estimate(one.provider_name, one.region_name, template) for one in candidates]


@dataclass(frozen=True)
class _Prior:
    p: float
    t_success_s: float
    t_failure_s: float


def _usual(seen: Tally) -> _Prior:
    return _Prior(
        (seen.successes + 1) / (seen.attempts + 2),
        _mean(seen.success_s, seen.successes, USUAL_S, 1.0),
        _mean(seen.failure_s, seen.failures, USUAL_S, 1.0),
    )


def _shrunken(seen: Tally, prior: _Prior) -> _Prior:
    return _Prior(
        (seen.successes + PRIOR * prior.p) / (seen.attempts + PRIOR),
        _mean(seen.success_s, seen.successes, prior.t_success_s),
        _mean(seen.failure_s, seen.failures, prior.t_failure_s),
    )


def _weighted(known: Summary, template: str) -> tuple[float, float]:
    """Successes and attempts at a provider, as far as they count for a template."""
    same, every = known.recent_of(template), known.recent
    successes = _half(same.successes, every.successes)
    attempts = _half(same.attempts, every.attempts)
    same, every = known.of(template), known.overall
    older = max(_half(same.attempts, every.attempts) - attempts, 0.0)
    if older > 0:
        share = min(OLDER / older, 1.0)
        older_successes = max(_half(same.successes, every.successes) - successes, 0.0)
        successes += share * min(older_successes, older)
        attempts += share * older
    return successes, attempts


def _half(same: float, every: float) -> float:
    """Those of the same template, and half of the others."""
    return same + OTHER_TEMPLATE * max(every - same, 0.0)


def _mean(seconds: float, count: float, prior: float, weight: float = PRIOR) -> float:
    return (seconds + weight * prior) / (count + weight)


def _clipped(p: float) -> float:
    return min(max(p, P_LEAST), P_MOST)
