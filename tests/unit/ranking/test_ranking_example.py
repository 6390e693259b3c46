"""The example federation: which site each group of the examples tries first."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paas_stream.ranking import rule
from paas_stream.records import NodeRequirement, Owner, Request
from paas_stream.selection import provider_files
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import select

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parents[3] / "examples" / "federation.yaml"
NODES = {
    "a machine": (NodeRequirement(name="node", cpus=1, memory_mib=1024),),
    "a cluster": (
        NodeRequirement(name="front", cpus=2, memory_mib=4096, public_address=True),
        NodeRequirement(name="worker", count=4, cpus=2, memory_mib=4096, volumes_gib=(10,)),
    ),
}


@pytest.mark.parametrize("nodes", NODES.values(), ids=NODES)
@pytest.mark.parametrize(
    ("user_group", "sites"),
    [
        ("demo", ["site-a", "site-b"]),
        ("demo-failover", ["site-unreachable", "site-b"]),
        (None, ["site-a", "site-b", "site-unreachable", "site-b"]),
    ],
)
def test_each_group_tries_the_sites_in_the_order_that_the_example_promises(
    user_group: str | None, sites: list[str], nodes: tuple[NodeRequirement, ...]
) -> None:
    federation = provider_files.read([EXAMPLE])
    request = Request(
        owner=Owner(issuer="i", subject="s"),
        deadline=NOW,
        per_provider_timeout=1,
        user_group=user_group,
    )
    rows = [ProviderRow(feeder, NOW) for feeder in federation.static_feeders(NOW)]
    selection = select(nodes, rows, request=request, today=NOW.date(), now=NOW, stale_s=900)
    assert [one.provider_name for one in rule.order(selection.candidates)] == sites
