"""A provider that begins to fail is no longer first within its next outcomes, with a model too."""

import pytest

from paas_stream.ranking import boosters, features, history, rates
from paas_stream.ranking.history import DAY_S, Outcome, ProviderHistory, Tally
from paas_stream.ranking.rates import Memory
from paas_stream.ranking.simulation.experience import Experience
from paas_stream.ranking.simulation.policies import Random
from paas_stream.ranking.simulation.scenarios import BY_NAME
from paas_stream.ranking.simulation.world import World
from paas_stream.records import Candidate
from paas_stream.records.candidates import Target
from paas_stream.records.feeder import row_key

NOW = 20_000 * DAY_S
COST_S = 600.0


@pytest.fixture(scope="module")
def model() -> boosters.Boosters:
    experience, random = Experience(1), Random()
    for request in World(BY_NAME["random-logs"], 1).requests():
        experience.settle(request.at)
        asked = experience.asked(request)
        experience.try_in(random.order(asked), asked)
    experience.train(COST_S)
    assert experience.model is not None
    return experience.model


def site(name: str) -> Candidate:
    """All alike."""
    quotas = {
        f"{what}_{kind}": number
        for what in ("vcpus", "ram_gb", "n_instances", "storage_gb", "n_volumes", "floating_ips")
        for kind, number in (("quota", 100.0), ("usage", 40.0), ("requ", 2.0))
    }
    tests = {f"test_failure_perc_{days}d": 0.05 for days in (1, 7, 30)}
    return Candidate(
        provider_name=name,
        region_name="r",
        target=Target(type="dummy", endpoint="https://x"),
        **quotas,
        **tests,
    )


def of_weeks(success_s: float) -> ProviderHistory:
    """Three attempts a day for 30 days, of which one in twenty fails."""
    known = ProviderHistory()
    for number in range(90):
        tally = Tally(0, 1, 0.0, 600.0) if number % 20 == 7 else Tally(1, 0, success_s, 0.0)
        at = NOW - (90 - number) * DAY_S / 3
        known = known.counted(f"u/{number}", number, at, Outcome(at, "vm", tally))
    return known


def test_the_best_site_of_weeks_drops_within_twenty_outcomes(model: boosters.Boosters) -> None:
    sites = [site(name) for name in ("best", "second", "third")]
    histories = {
        row_key(one.provider_name, "r"): of_weeks(seconds)
        for one, seconds in zip(sites, (400.0, 600.0, 700.0), strict=True)
    }
    best = row_key("best", "r")

    def first() -> str:
        today = history.day_of(NOW)
        known = {key: history.summary(one, today) for key, one in histories.items()}
        memory = Memory(known).at(NOW)
        expected = [
            rates.expected_s(rates.Estimate(*guess, memory.overall), COST_S)
            for guess in model.guesses(features.rows(sites, "vm", memory))
        ]
        return sites[expected.index(min(expected))].provider_name

    assert first() == "best"
    for number in range(1, 21):
        at = NOW + 60.0 * number
        failed = Outcome(at, "vm", Tally(0, 1, 0.0, 600.0))
        histories[best] = histories[best].counted(f"f/{number}", 100 + number, at, failed)
        if first() != "best":
            break
    assert first() != "best"
    assert number <= 20
