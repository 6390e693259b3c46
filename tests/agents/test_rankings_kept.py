"""What the tracker keeps for `/ranking`, from the boxes that know it."""

import time
from datetime import UTC, datetime

from support.bench import Bench
from support.lifecycle import UUID, ranked, request, template

from agents.deployment_tracker import deployment_tracker
from agents.provider_catalog import provider_catalog
from agents.provider_selector import provider_selector
from paas_stream.records import ErrorRecord, NodeRequirement, ValidatedTemplate
from paas_stream.selection.provider_files import Federation
from tables import deployments as tables


def validated(group: str) -> ValidatedTemplate:
    return ValidatedTemplate(
        uuid=UUID,
        template={},
        template_name="vm",
        user_group=group,
        requirements=(NodeRequirement(name="node", cpus=2, memory_mib=4096),),
        request=request().model_copy(update={"user_group": group}),
    )


async def test_without_any_provider_it_is_who_was_left_out_and_why(
    bench: Bench, federation: Federation
) -> None:
    for feeder in federation.static_feeders(datetime.now(UTC)):
        await bench.give(provider_catalog, feeder, at=time.time())
    await bench.give(deployment_tracker, template())
    await bench.give(provider_selector, validated("demo-expired"))
    (error,) = bench.sent(ErrorRecord)
    await bench.give(deployment_tracker, error)
    kept = tables.ranking(UUID)
    assert kept is not None
    assert kept.ranked_providers == ()
    assert {("site-a", "sla_expired")} <= {(one.provider_name, one.code) for one in kept.discarded}
    assert kept.explanation == error.message


async def test_it_is_the_order_once_there_is_one(bench: Bench) -> None:
    await bench.give(deployment_tracker, template())
    assert tables.ranking(UUID) is None
    await bench.give(deployment_tracker, ranked(2))
    kept = tables.ranking(UUID)
    assert kept is not None
    assert [one.provider_name for one in kept.ranked_providers] == ["p1", "p2"]


async def test_an_error_of_another_kind_leaves_it_as_it_is(bench: Bench) -> None:
    await bench.give(deployment_tracker, template())
    await bench.give(deployment_tracker, ranked(2))
    before = bench.rows("ranked_providers")
    other = ErrorRecord(uuid=UUID, component="rally", step="read", code="x", message="no file")
    await bench.give(deployment_tracker, other)
    assert bench.rows("ranked_providers") == before
