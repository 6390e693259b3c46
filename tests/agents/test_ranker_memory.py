"""Ranker memory: `training` -> one row per provider and region, and what all workers make of it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from support.bench import Acknowledged, Bench, Stored
from support.events import uuid_number
from support.lifecycle import T0, UUID, at

import tables.ranker
from agents.ranker_memory import ranker_memory
from paas_stream.ranking.history import Tally
from paas_stream.records import AttemptStatus, ErrorRecord, Training

NOW = datetime.fromtimestamp(T0, UTC)


def training(number: int = 1, success: bool = True, **fields: Any) -> Training:
    given = {
        "uuid": uuid_number(number),
        "provider_name": "a",
        "region_name": "north",
        "template_name": "vm",
        "status": AttemptStatus.COMPLETE if success else AttemptStatus.FAILED,
        "completion_time_s": 60.0 if success else 0.0,
        "tot_failure_time_s": 0.0 if success else 9.0,
        "submission_time": at(T0),
        "ended_at": at(T0),
    }
    return Training.model_validate(given | fields)


async def give(bench: Bench, message: Training, **options: Any) -> None:
    await bench.give(ranker_memory, message, **({"at": T0} | options))


def seen(name: str = "a") -> Tally:
    return tables.ranker.memory(NOW).estimate(name, "north", "vm").seen


async def test_successes_and_failures_are_counted_per_provider_and_region(bench: Bench) -> None:
    await give(bench, training(1))
    await give(bench, training(2, success=False))
    await give(bench, training(3, provider_name="b"))
    assert set(bench.rows("provider_history")) == {"a/north", "b/north"}
    assert seen() == Tally(1, 1, 60.0, 9.0)
    assert seen("b") == Tally(1, 0, 60.0, 0.0)


async def test_the_row_is_stored_whole_before_the_event_is_acknowledged(bench: Bench) -> None:
    await give(bench, training())
    stored, acknowledged = bench.journal
    assert isinstance(stored, Stored)
    assert (stored.table, stored.key) == ("provider_history", "a/north")
    assert isinstance(acknowledged, Acknowledged)


async def test_a_replay_counts_nothing_twice(bench: Bench) -> None:
    for number in range(5):
        await give(bench, training(number))
    for offset in range(1, 6):
        await give(bench, training(offset - 1), offset=offset)
    assert seen().successes == 5


async def test_an_attempt_that_was_sent_a_second_time_counts_once(bench: Bench) -> None:
    await give(bench, training())
    await give(bench, training())
    assert seen().successes == 1
    assert bench.order() == ["provider_history", "Acknowledged", "Acknowledged"]


async def test_two_attempts_of_one_deployment_count_both(bench: Bench) -> None:
    await give(bench, training(1, success=False, attempt=1))
    await give(bench, training(1, success=False, attempt=2))
    assert seen().failures == 2


async def test_an_aborted_attempt_counts_for_nobody(bench: Bench) -> None:
    await give(bench, training(status=AttemptStatus.ABORTED))
    assert seen() == Tally()


async def test_another_workers_rows_are_seen_as_its_changelog_comes(bench: Bench) -> None:
    await give(bench, training())
    row = bench.rows("provider_history")["a/north"]
    tables.ranker._changed.clear()
    assert seen("b") == Tally()
    tables.ranker.provider_history.data["b/north"] = row
    await tables.ranker._on_change(type("Event", (), {"key": "b/north"}))
    assert seen("b") == Tally(1, 0, 60.0, 0.0)


async def test_after_a_recovery_every_row_is_looked_at_again(bench: Bench) -> None:
    await give(bench, training())
    assert seen().successes == 1
    before = bench.snapshot()
    await give(bench, training(2))
    bench.restore(before)
    await tables.ranker.rebuild()
    assert seen().successes == 1


@pytest.mark.parametrize(
    "told", [b'"completion_time_s":1.7e308', b'"n_failures":9000000000000000000']
)
async def test_sums_stay_within_what_a_row_can_hold(bench: Bench, told: bytes) -> None:
    """Rows travel as JSON, which has no infinity and, here, no integer above 64 bits."""
    for number in range(3):
        value = training(number).encode()
        name = told.split(b":")[0]
        begin = value.index(name)
        end = value.index(b",", begin)
        value = value[:begin] + told + value[end:]
        await bench.give(ranker_memory, value, topic="training", key=f"odd/{number}", at=T0)
    await give(bench, training(9))
    assert seen() == Tally(1, 0, 60.0, 0.0)
    assert {one.code for one in bench.sent(ErrorRecord)} == {"invalid_message"}


async def test_a_row_that_cannot_be_read_goes_to_errors_and_counts_nothing(bench: Bench) -> None:
    value = training().encode().replace(b"60.0", b"-60.0")
    await bench.give(ranker_memory, value, topic="training", key=f"{UUID}/1", at=T0)
    error = bench.error()
    assert (error.component, error.code) == ("ranker-memory", "invalid_message")
    assert "completion_time_s" in error.message
    assert bench.rows("provider_history") == {}
