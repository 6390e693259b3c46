"""`feeder` 2.0.0 of other programs, and what ours leaves out as they do."""

import json
from datetime import UTC, datetime
from typing import Any

from paas_stream.records import Feeder


def written(message: Feeder, version: str = "2.0.0") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message.model_copy(update={"msg_version": version}).encode())
    return body


FOREIGN: dict[str, Any] = {
    "msg_version": "2.0.0",
    "timestamp": "2025-10-03T07:05:33",
    "provider_name": "CLOUD",
    "provider_endpoint": "https://cloud.example.org:5000/v3",
    "project_id": "p1",
    "issuer_endpoint": "https://iam.example.org/",
    "issuer_name": "iam",
    "user_group": "admins",
}


class TestMessagesOfOtherProgramsInVersionTwo:
    """Written by hand, with no field of ours."""

    def test_about_an_openstack_project_are_read(self) -> None:
        body = FOREIGN | {
            "provider_type": "openstack",
            "region_name": "tier1",
            "issuer_protocol": "openid",
            "overbooking_cpu": 4.0,
            "overbooking_ram": 1.5,
            "bandwidth_in": 10.0,
            "bandwidth_out": 20.0,
            "quotas": [
                {"type": "compute", "usage": False, "per_user": False, "cores": 40, "ram": 81920},
                {"type": "compute", "usage": True, "per_user": False, "cores": 6, "ram": 12288},
                {"type": "compute", "per_user": True, "cores": 4, "ram": None},
                {"type": "networking", "usage": False, "public_ips": -1},
                {"type": "object-store", "usage": False, "bytes": -1},
            ],
            "flavors": [{"name": "m1", "iaas_uuid": "f", "vcpus": 2, "ram": 4096, "disk": 40}],
            "images": [{"name": "alma", "iaas_uuid": "i", "os_version": 9, "tags": None}],
            "networks": [{"name": "public", "iaas_uuid": "n", "is_router_external": True}],
        }
        message = Feeder.decode(json.dumps(body).encode())
        assert message.key == "CLOUD/tier1/p1"
        assert message.timestamp == datetime(2025, 10, 3, 7, 5, 33, tzinfo=UTC)
        assert (message.overbooking_cpu, message.bandwidth_out) == (4.0, 20.0)
        assert [(row.cores, row.usage, row.per_user) for row in message.quotas[:3]] == [
            (40, False, False),
            (6, True, False),
            (4, False, True),
        ]
        assert message.quotas[3].public_ips == -1
        assert (message.flavors[0].ram, message.images[0].os_version) == (4096, "9")
        assert (message.networks[0].is_router_external, message.networks[0].role) == (True, None)
        assert (message.status, message.sla_id, message.unknown) == ("active", None, ())

    def test_about_a_kubernetes_namespace_are_read(self) -> None:
        body = FOREIGN | {
            "provider_type": "kubernetes",
            "issuer_audience": "k8s",
            "quotas": [
                {"type": "compute", "usage": False, "limits_cpu": "10", "pods": "20"},
                {"type": "compute", "usage": True, "limits_cpu": "2500m", "pods": "3"},
                {"type": "block-storage", "usage": False, "storage": "100Gi", "pvcs": "5"},
                {"type": "storageclass", "usage": False, "name": "fast", "storage": "1Ti"},
            ],
            "storage_classes": [{"name": "fast", "is_default": True, "provisioner": "csi"}],
        }
        message = Feeder.decode(json.dumps(body).encode())
        assert message.key == "CLOUD/default/p1"
        assert (message.issuer_audience, message.overbooking_cpu) == ("k8s", 1.0)
        assert [row.limits_cpu for row in message.quotas[:2]] == [10, 2.5]
        assert (message.quotas[2].storage, message.quotas[3].name) == (100, "fast")
        assert message.storage_classes[0].is_default
        assert (message.flavors, message.images, message.networks) == ((), (), ())
        assert message.unknown == ()


class TestMessagesAboutAClusterInVersionTwo:
    ABSENT = (
        *("region_name", "overbooking_cpu", "overbooking_ram"),
        *("bandwidth_in", "bandwidth_out"),
    )

    def test_have_no_region_no_overbooking_and_no_bandwidth(self) -> None:
        message = Feeder.model_validate(FOREIGN | {"provider_type": "kubernetes"})
        body = written(message)
        assert not body.keys() & set(self.ABSENT)
        assert Feeder.decode(json.dumps(body).encode()).key == message.key == "CLOUD/default/p1"
        older = written(message, "1.4.0")
        assert older.keys() > set(self.ABSENT)

    def test_have_a_region_where_the_key_needs_it(self) -> None:
        message = Feeder.model_validate(
            FOREIGN | {"provider_type": "kubernetes", "region_name": "north"}
        )
        assert Feeder.decode(message.encode()).key == "CLOUD/north/p1"
