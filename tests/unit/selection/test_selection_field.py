"""A template at a provider of the field, as its Feeder message tells of it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from paas_stream.records import Feeder, NodeRequirement, Owner, Request
from paas_stream.selection.rows import ProviderRow
from paas_stream.selection.select import Selection, select

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "messages" / "feeder-1.3.0.json"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.skipif(not REAL.exists(), reason="the message from the field is not here")
def test_a_template_is_placed_at_a_provider_of_the_field() -> None:
    full = Feeder.decode(REAL.read_bytes())
    server = NodeRequirement(
        name="server",
        count=2,
        cpus=2,
        memory_mib=3000,
        os_distribution="ubuntu",
        os_version="22",
        public_address=True,
        volumes_gib=(20,),
    )
    request = Request(
        owner=Owner(issuer="i", subject="s"),
        deadline=NOW,
        per_provider_timeout=1,
        user_group="admins/catchall",
        user_group_issuer="https://iam.cloud.infn.it",
    )

    def found(feeder: Feeder) -> Selection:
        row = ProviderRow(feeder, NOW)
        return select((server,), [row], request=request, today=NOW.date(), now=NOW, stale_s=900)

    assert [(one.code, one.reason) for one in found(full).discarded] == [
        ("quota_ram", "8192 MiB RAM are needed, 0 of 204800 are free")
    ]
    freed = [
        row.model_copy(update={"ram": 102400}) if row.usage and row.ram else row
        for row in full.quotas
    ]
    (candidate,) = found(full.model_copy(update={"quotas": tuple(freed)})).candidates
    assert candidate.target.nodes["server"].model_dump() == {
        "flavor": "m1.training",
        "image": "ost://cloud-api-pub.cr.cnaf.infn.it/b81e0696-9db4-4052-ae2a-1640be790251",
        "network": "infn-cloud-net,public-gp",
    }
    assert (candidate.vcpus_quota, candidate.vcpus_usage) == (120, 100)
