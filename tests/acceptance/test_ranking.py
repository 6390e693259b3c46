"""Every attempt teaches the ranker, the order says why, and a dry run leaves no trace."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.broker import Broker
from support.stack import Stack, until

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(300)]

ATTEMPTS = 4  # after so many the order follows experience
LED_TO = [  # by a request; the others get ticks and heartbeats at any time
    "template",
    "validated-templates",
    "inference",
    "ranked-providers",
    "deployment-results",
    "deployment-commands",
    "training",
]


@pytest.fixture(scope="module")
def stack(
    kafka: str, im: str, clean_topics: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One worker that goes by few attempts."""
    made = Stack(kafka, im, tmp_path_factory.mktemp("ranking"))
    try:
        made.worker.run(PAAS_RANKER_MIN_ATTEMPTS=str(ATTEMPTS))
        yield made
    finally:
        made.close()


def training(stack: Stack, *uuids: str) -> list[dict[str, Any]]:
    """The training rows of these deployments, with the keys that they stand under."""
    done = stack.run("topics", "tail", "training", "--no-follow", "--from-beginning")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return [one for one in found if one["value"]["uuid"] in uuids]


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> dict[str, str]:
    """Three attempts: a machine at site-a, and one at site-b after a failure at the other."""
    uuids = {"vm": stack.submit(), "failover": stack.submit("failover", "demo-failover")}
    for uuid in uuids.values():
        assert stack.settled(uuid)["status"] == "CREATE_COMPLETE"
    return uuids


def test_every_attempt_has_one_training_row_with_how_it_ended(
    stack: Stack, deployed: dict[str, str]
) -> None:
    found = until(
        lambda: len(rows := training(stack, *deployed.values())) >= 3 and rows, 30, "three rows"
    )
    told = {one["key"]: (one["value"]["provider_name"], one["value"]["status"]) for one in found}
    assert told == {
        f"{deployed['vm']}/1": ("site-a", "CREATE_COMPLETE"),
        f"{deployed['failover']}/1": ("site-unreachable", "CREATE_FAILED"),
        f"{deployed['failover']}/2": ("site-b", "CREATE_COMPLETE"),
    }
    assert len(found) == 3
    for row in (one["value"] for one in found):
        assert row["fallback"] == "rule"
        assert row["vcpus_quota"] > row["vcpus_usage"] > 0
        took = row["completion_time_s"] + row["tot_failure_time_s"]
        assert 0 < took < 90


def test_the_ranking_says_why(stack: Stack, deployed: dict[str, str]) -> None:
    found = stack.client.ranking(deployed["vm"])
    assert [one["provider"] for one in found["providers"]] == ["site-a", "site-b"]
    assert found["fallback"] == "rule"
    assert "stays free" in found["providers"][0]["reasons"][0]
    assert any("2024-12-31" in one["reason"] for one in found["discarded"])
    told = stack.run("ranking", deployed["failover"])
    assert told.returncode == 0, told.stderr
    assert told.stdout.index("site-unreachable") < told.stdout.index("site-b")


def test_without_any_provider_the_ranking_says_why_for_each(stack: Stack) -> None:
    uuid = stack.submit("vm", "demo-expired")
    assert stack.settled(uuid)["status"] == "CREATE_FAILED"
    found = stack.client.ranking(uuid)
    assert found["providers"] == []
    assert any(
        one["provider"] == "site-a" and one["code"] == "sla_expired" for one in found["discarded"]
    )


async def test_a_dry_run_tells_the_same_and_sends_nothing(
    stack: Stack, deployed: dict[str, str], broker: Broker
) -> None:
    before = await broker.ends(*LED_TO)
    done = stack.run("submit", "examples/vm.yaml", "--group", "demo", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "nothing was deployed" in done.stdout
    assert done.stdout.index("site-a") < done.stdout.index("site-b")
    expired = stack.run("submit", "examples/vm.yaml", "--group", "demo-expired", "--dry-run")
    assert expired.returncode == 2
    assert "2024-12-31" in expired.stdout
    refused = stack.run("submit", "examples/invalid.yaml", "--group", "demo", "--dry-run")
    assert refused.returncode == 1
    assert refused.stderr.count("\n  - ") >= 6
    assert await broker.ends(*LED_TO) == before


def test_experience_changes_the_order(stack: Stack, deployed: dict[str, str]) -> None:
    text = stack.example("failover")
    options = {"userGroup": "demo-failover"}
    before = stack.client.dry_run(text, {}, **options)
    assert (before["fallback"], before["providers"][0]["provider"]) == ("rule", "site-unreachable")
    stack.settled(stack.submit())

    def by_rates() -> dict[str, Any] | None:
        found = stack.client.dry_run(text, {}, **options)
        return found if found["fallback"] == "rates" else None

    after = until(by_rates, 30, "the fourth attempt is counted")
    assert after is not None
    first, last = after["providers"]
    assert (first["provider"], last["provider"]) == ("site-b", "site-unreachable")
    assert last["reasons"][0] == "0 of 1 attempts succeeded in 30 days"
    assert first["pSuccess"] > last["pSuccess"]
    ended = stack.settled(stack.submit("failover", "demo-failover"))
    assert (ended["status"], ended["cloudProviderName"]) == ("CREATE_COMPLETE", "site-b")
    assert len(training(stack, ended["uuid"])) <= 1  # no attempt at the other site
