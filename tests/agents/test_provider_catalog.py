"""Provider catalog: `feeder` -> the `providers` table, which every worker has whole."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from support.bench import Acknowledged, Bench, Sent, Stored

from agents.provider_catalog import provider_catalog
from paas_stream.records import Feeder, Flavor, Quota
from tables import providers

AT = 1_800_000_000.0


def feeder(name: str = "site-a", project: str = "p", **fields: Any) -> Feeder:
    return Feeder(
        provider_name=name,
        provider_type="openstack",
        provider_endpoint=f"https://{name}:5000/v3",
        region_name="north",
        project_id=project,
        user_group="demo",
        **fields,
    )


async def test_a_message_becomes_a_row_and_then_the_event_is_acknowledged(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder(), at=AT)
    stored, acknowledged = bench.journal
    assert isinstance(stored, Stored)
    assert (stored.table, stored.key) == ("providers", "site-a/north/p")
    assert isinstance(acknowledged, Acknowledged)
    (row,) = providers.rows()
    assert row.feeder.provider_endpoint == "https://site-a:5000/v3"
    assert row.received_at == datetime.fromtimestamp(AT, UTC)


async def test_the_last_message_of_a_provider_region_and_project_counts(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder(quotas=(Quota(type="compute", cores=1),)))
    assert providers.rows()[0].feeder.quotas[0].cores == 1
    await bench.give(provider_catalog, feeder(quotas=(Quota(type="compute", cores=2),)))
    await bench.give(provider_catalog, feeder(project="q"))
    await bench.give(provider_catalog, feeder("site-b"))
    found = {row.feeder.key: row.feeder for row in providers.rows()}
    assert found.keys() == {"site-a/north/p", "site-a/north/q", "site-b/north/p"}
    assert found["site-a/north/p"].quotas[0].cores == 2


async def test_the_row_is_named_by_the_body_whatever_the_record_is_keyed_by(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder().encode(), topic="feeder", key=None)
    await bench.give(provider_catalog, feeder().encode(), topic="feeder", key="something else")
    assert bench.rows("providers").keys() == {"site-a/north/p"}


async def test_a_message_that_was_overtaken_changes_nothing(bench: Bench) -> None:
    newer, older = (datetime.fromtimestamp(AT + seconds, UTC) for seconds in (60, 0))
    await bench.give(provider_catalog, feeder(timestamp=newer, status="newer"), at=AT + 61)
    await bench.give(provider_catalog, feeder(timestamp=older, status="older"), at=AT + 62)
    (row,) = providers.rows()
    assert row.feeder.status == "newer"
    assert bench.order() == ["providers", "Acknowledged", "Acknowledged"]


async def test_what_a_partial_message_could_not_read_is_kept(bench: Bench) -> None:
    small = Flavor(name="small", vcpus=1, ram=1024)
    at = [datetime.fromtimestamp(AT + minute * 60, UTC) for minute in range(2)]
    await bench.give(provider_catalog, feeder(flavors=(small,), timestamp=at[0]), at=AT)
    partial = feeder(unknown=("flavors",), timestamp=at[1])
    await bench.give(provider_catalog, partial, at=AT + 60)
    (row,) = providers.rows()
    assert row.feeder.flavors == (small,)
    assert (row.kept, row.feeder.unknown) == ({"flavors": at[0]}, ())


async def test_messages_of_older_versions_are_stored_as_the_present_one(bench: Bench) -> None:
    older = feeder(quotas=(Quota(type="networking", public_ips=3),), msg_version="1.4.0")
    assert b"network_services" in older.encode()
    await bench.give(provider_catalog, older, at=AT)
    (row,) = providers.rows()
    assert row.feeder.msg_version == "2.0.0"
    assert row.feeder.quotas[0].public_ips == 3


async def test_a_replay_stores_the_same_row(bench: Bench) -> None:
    message = feeder()
    await bench.give(provider_catalog, message, at=AT)
    await bench.give(provider_catalog, message, at=AT, offset=bench.last_offset)
    first, _, again, _ = bench.journal
    assert again == first


async def test_only_changed_rows_are_decoded_again(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder("site-a"))
    await bench.give(provider_catalog, feeder("site-b"))
    before = {row.feeder.key: row for row in providers.rows()}
    await bench.give(provider_catalog, feeder("site-b"))
    after = {row.feeder.key: row for row in providers.rows()}
    assert after["site-a/north/p"] is before["site-a/north/p"]
    assert after["site-b/north/p"] is not before["site-b/north/p"]


async def test_a_change_that_another_worker_made_is_seen(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder())
    assert len(providers.rows()) == 1
    del providers.providers.data["site-a/north/p"]
    await providers._on_change(type("Event", (), {"key": "site-a/north/p"}))
    assert providers.rows() == []


async def test_after_a_rebalance_every_row_is_looked_at_again(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder())
    kept = bench.snapshot()
    await bench.give(provider_catalog, feeder("site-b"))
    assert len(providers.rows()) == 2
    bench.restore(kept)
    await providers.rebuild()
    assert [row.feeder.provider_name for row in providers.rows()] == ["site-a"]


async def test_a_message_that_cannot_be_read_goes_to_errors_and_the_row_stays(bench: Bench) -> None:
    await bench.give(provider_catalog, feeder())
    await bench.give(provider_catalog, b'{"msg_version": "9.0.0"}', topic="feeder", key=None)
    error = bench.error()
    assert (error.component, error.step, error.uuid) == ("provider-catalog", "decode", None)
    assert [one.key for one in bench.journal if isinstance(one, Sent)] == ["feeder"]
    assert len(providers.rows()) == 1


async def test_after_a_rebalance_rows_that_can_be_read_are_there_whatever_the_others_are(
    bench: Bench,
) -> None:
    for number in range(120):
        await bench.give(provider_catalog, feeder(f"site-{number}"))
    providers.providers.data.data["site-7/north/p"] = {"of": "another version"}
    await providers.rebuild()
    assert len(await providers.warm()) == 119
    await bench.give(provider_catalog, feeder("site-7"))
    assert len(providers.rows()) == 120


async def test_decoding_lets_other_work_have_its_turn(bench: Bench) -> None:
    for number in range(120):
        await bench.give(provider_catalog, feeder(f"site-{number}"))
    seen = []

    async def other_work() -> None:
        while len(providers._changed):
            seen.append(len(providers._changed))
            await asyncio.sleep(0)

    beside = asyncio.create_task(other_work())
    await asyncio.sleep(0)
    assert len(await providers.warm()) == 120
    await beside
    assert seen == [120, 70, 20]
