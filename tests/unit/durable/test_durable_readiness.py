"""What a worker says about itself while it starts, moves partitions and stops."""

from types import SimpleNamespace
from typing import Any

import pytest

from paas_stream.durable.readiness import Readiness


def readiness(**state: Any) -> Readiness:
    """That of a worker that is ready but for `state`."""
    completed = SimpleNamespace(is_set=lambda: state.get("completed", True))
    app = SimpleNamespace(
        tables=SimpleNamespace(recovery=SimpleNamespace(completed=completed)),
        rebalancing=state.get("rebalancing", False),
        in_recovery=state.get("in_recovery", False),
        should_stop=state.get("should_stop", False),
    )
    return Readiness(app, broker=state.get("broker"), catalog=state.get("catalog"))


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({}, None),
        ({"broker": "Kafka is away"}, "Kafka is away"),
        ({"completed": False}, "tables are being recovered"),
        ({"rebalancing": True}, "partitions are being assigned anew"),
        ({"in_recovery": True}, "tables are being recovered"),
        ({"should_stop": True}, "the worker is being stopped"),
    ],
)
def test_the_reason_is_a_sentence(state: dict[str, Any], reason: str | None) -> None:
    made = readiness(**state)
    assert made.reason == reason
    assert made.tables_ready == (reason is None)


def test_tables_may_be_read_before_a_provider_is_known() -> None:
    made = readiness(catalog="no provider has been read yet")
    assert made.reason == "no provider has been read yet"
    assert made.tables_ready


def test_a_worker_that_has_not_begun_is_not_ready() -> None:
    assert Readiness(readiness().app).reason == "Kafka has not answered yet"
