"""Provider catalog: `rally` -> the `provider_health` table -> the windows of a candidate."""

from datetime import UTC, datetime, timedelta
from typing import Any

from support.bench import Acknowledged, Bench, Stored

from agents.provider_catalog import provider_health
from paas_stream.records import Rally
from tables import health

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
OF_THE_FIELD = (
    b'{"timestamp": "2026-03-31T10:00:00", "msg_version": "1.0.0", "status": "finished",'
    b' "tag": "ops", "provider": "recas_bari", "test_result": "False"}'
)


def report(task: str = "t", passed: bool = True, **fields: Any) -> Rally:
    return Rally.model_validate(
        {
            "provider": "site-a",
            "region_name": "north",
            "task_uuid": task,
            "timestamp": NOW - timedelta(hours=1),
            "test_result": str(passed),
            **fields,
        }
    )


async def give(bench: Bench, *messages: Rally | bytes) -> None:
    for message in messages:
        await bench.give(provider_health, message, topic="rally", key=None, at=NOW.timestamp())


async def test_a_report_becomes_a_row_and_then_the_event_is_acknowledged(bench: Bench) -> None:
    await give(bench, report())
    stored, acknowledged = bench.journal
    assert isinstance(stored, Stored)
    assert (stored.table, stored.key) == ("provider_health", "site-a/north")
    assert isinstance(acknowledged, Acknowledged)
    assert health.windows("site-a", "north", NOW.date()) == (0, 0, 0)


async def test_the_same_report_again_writes_nothing(bench: Bench) -> None:
    await give(bench, report("t", passed=False))
    await give(bench, report("t", passed=False))
    assert bench.order() == ["provider_health", "Acknowledged", "Acknowledged"]
    assert health.windows("site-a", "north", NOW.date()) == (1, 1, 1)


async def test_reports_of_the_field_count_for_all_regions_of_any_provider(bench: Bench) -> None:
    await give(bench, OF_THE_FIELD, OF_THE_FIELD)
    assert bench.rows("provider_health").keys() == {"recas_bari/"}
    assert health.windows("recas_bari", "anywhere", NOW.date()) == (1, 1, 1)
    await give(bench, report("t", provider="recas_bari", region_name="bari"))
    assert health.windows("recas_bari", "bari", NOW.date()) == (0.5, 0.5, 0.5)
    assert health.windows("recas_bari", "elsewhere", NOW.date()) == (1, 1, 1)
    last = health.last_report("recas_bari", "bari")
    assert last is not None
    assert last.passed


async def test_a_provider_without_reports_is_unknown(bench: Bench) -> None:
    assert health.windows("nobody", "north", NOW.date()) == (-1, -1, -1)
    assert health.last_report("nobody", "north") is None


async def test_windows_move_with_the_day(bench: Bench) -> None:
    await give(bench, report(passed=False))
    for days, expected in ((0, (1, 1, 1)), (5, (-1, 1, 1)), (20, (-1, -1, 1)), (40, (-1,) * 3)):
        today = NOW.date() + timedelta(days=days)
        assert health.windows("site-a", "north", today) == expected


async def test_a_report_that_is_too_old_is_left_out(bench: Bench) -> None:
    await give(bench, report(timestamp=NOW - timedelta(days=60)))
    assert bench.order() == ["Acknowledged"]


async def test_a_change_that_another_worker_made_is_seen(bench: Bench) -> None:
    await give(bench, report())
    del health.provider_health.data["site-a/north"]
    await health._on_change(type("Event", (), {"key": "site-a/north"}))
    assert health.windows("site-a", "north", NOW.date()) == (-1, -1, -1)


async def test_after_a_rebalance_every_row_is_looked_at_again(bench: Bench) -> None:
    await give(bench, report())
    kept = bench.snapshot()
    await give(bench, report("u", passed=False))
    assert health.windows("site-a", "north", NOW.date())[0] == 0.5
    bench.restore(kept)
    await health.rebuild()
    assert health.windows("site-a", "north", NOW.date())[0] == 0


async def test_what_cannot_be_read_goes_to_errors(bench: Bench) -> None:
    await give(bench, b'{"provider": "x"}')
    error = bench.error()
    assert (error.component, error.step, error.uuid) == ("provider-health", "decode", None)
    assert bench.rows("provider_health") == {}
