"""What heartbeats mean by the time somebody asks."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from paas_stream.records import ComponentStatus
from web.components import STATES, instance, state, summary

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STUCK_S = 60.0


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def heartbeat(age_s: float = 1.0, **fields: Any) -> ComponentStatus:
    given = {"component": "ai-ranker", "instance": "w0", "timestamp": ago(age_s), "interval_s": 10}
    return ComponentStatus.model_validate(given | fields)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (heartbeat(), "alive"),
        (heartbeat(30), "alive"),
        (heartbeat(31), "late"),
        (heartbeat(31, interval_s=60), "alive"),
        (heartbeat(-5), "alive"),
        (heartbeat(1, status="stopped"), "stopped"),
        (heartbeat(4000, status="stopped"), "stopped"),
        (heartbeat(doing="inference", doing_since=ago(60)), "alive"),
        (heartbeat(doing="inference", doing_since=ago(61)), "stuck"),
        (heartbeat(31, doing="inference", doing_since=ago(100)), "late"),
    ],
)
def test_a_box_is_as_its_last_heartbeat_says(status: ComponentStatus, expected: str) -> None:
    assert state(status, NOW, STUCK_S) == expected


def test_an_instance_shows_ages_and_leaves_out_what_is_not_known() -> None:
    assert instance(heartbeat(2.04), NOW, STUCK_S) == {
        "worker": "w0",
        "state": "alive",
        "ageSeconds": 2.0,
        "version": "",
        "events": 0,
        "errors": 0,
    }
    shown = instance(
        heartbeat(doing="inference", doing_since=ago(7), lag=3, last_event_at=ago(9)), NOW, STUCK_S
    )
    assert (shown["doing"], shown["doingSeconds"], shown["lag"]) == ("inference", 7.0, 3)
    assert shown["lastEventAt"] == "2026-03-01T11:59:51+00:00"


def test_a_component_is_as_its_best_instance() -> None:
    found = [
        heartbeat(1, instance="w1", lag=2),
        heartbeat(99, instance="w0", lag=50),
        heartbeat(1, component="feeder", status="stopped"),
    ]
    assert [
        (one["component"], one["state"], one["alive"], one["lag"])
        for one in summary(["rest-api", "ai-ranker"], found, NOW, STUCK_S)
    ] == [("ai-ranker", "alive", 1, 2), ("feeder", "stopped", 0, 0), ("rest-api", "unknown", 0, 0)]


def test_instances_are_in_the_order_of_workers() -> None:
    found = [heartbeat(instance=f"w{number}") for number in (2, 0, 1)]
    (one,) = summary([], found, NOW, STUCK_S)
    assert [each["worker"] for each in one["instances"]] == ["w0", "w1", "w2"]


def test_every_state_has_its_rank() -> None:
    assert {"alive", "stuck", "late", "stopped", "unknown"} == set(STATES)
