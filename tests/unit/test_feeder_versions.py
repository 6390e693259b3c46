"""`feeder` 1.2.0 to 2.0.0: all are read as one form, and 1.4.0 is written without loss."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.errors import InvalidMessageError
from paas_stream.records import Feeder, Flavor, Image, Network, Quota, StorageClass
from paas_stream.records.feeder import PARTS, QUOTA_TYPES

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "messages" / "feeder-1.3.0.json"

NOVA: dict[str, Any] = {
    "name": "org.openstack.nova",
    "type": "compute",
    "endpoint": "https://nova.example.org/v2.1",
    "flavors": [
        {"name": "small", "uuid": "f1", "vcpus": 2, "ram": 4096, "disk": 40, "gpu_model": None}
    ],
    "images": [
        {
            "name": "ubuntu",
            "uuid": "i1",
            "os_type": None,
            "os_version": 22.04,
            "tags": ["infn-cloud"],
            "gpu_driver": True,
        }
    ],
    "quotas": [
        {"type": "compute", "cores": 120, "ram": None, "usage": False, "per_user": False},
        {"type": "compute", "cores": 100, "usage": True},
        {"type": "compute", "cores": 8, "per_user": True},
    ],
}
V1: dict[str, Any] = {
    "msg_version": "1.4.0",
    "timestamp": "2025-10-03T07:05:33+00:00",
    "provider_name": "SITE",
    "provider_type": "openstack",
    "region_name": "tier1",
    "project_id": "p1",
    "identity_endpoint": "https://keystone.example.org:5000/v3",
    "issuer_endpoint": "https://iam.example.org/",
    "issuer_name": "iam",
    "issuer_protocol": "openid",
    "issuer_audience": "aud",
    "user_group": "admins/catchall",
    "overbooking_cpu": 2.0,
    "overbooking_ram": None,
    "bandwidth_in": 10.0,
    "bandwidth_out": 10.0,
    "block_storage_services": [{"quotas": [{"type": None, "gigabytes": 500, "volumes": None}]}],
    "compute_services": [NOVA],
    "network_services": [
        {
            "networks": [
                {
                    "name": "net",
                    "uuid": "n1",
                    "is_default": None,
                    "tags": ["a"],
                    "proxy_host": "bastion",
                    "proxy_user": None,
                }
            ],
            "quotas": [{"type": "network", "public_ips": 50}],
        }
    ],
    "object_store_services": [],
}


def read(**fields: Any) -> Feeder:
    """A 1.4.0 message with other fields; `...` takes a field away."""
    body = {name: value for name, value in (V1 | fields).items() if value is not ...}
    return Feeder.decode(json.dumps(body).encode())


def nova(**fields: Any) -> list[dict[str, Any]]:
    return [{name: value for name, value in (NOVA | fields).items() if value is not ...}]


class TestVersionsOneAreRead:
    def test_as_the_form_of_2_0_0(self) -> None:
        message = read()
        assert message.msg_version == "2.0.0"
        assert message.key == "SITE/tier1/p1"
        assert message.provider_endpoint == "https://keystone.example.org:5000/v3"
        assert (message.issuer_audience, message.overbooking_cpu) == ("aud", 2.0)
        assert message.flavors == (
            Flavor(name="small", iaas_uuid="f1", vcpus=2, ram=4096, disk=40),
        )
        (image,) = message.images
        assert (image.iaas_uuid, image.os_version, image.gpu_driver) == ("i1", "22.04", True)
        (network,) = message.networks
        assert (network.iaas_uuid, network.proxy_host, network.tags) == ("n1", "bastion", ("a",))
        assert [row.type for row in message.quotas] == [
            "block-storage",
            "compute",
            "compute",
            "compute",
            "networking",
        ]
        assert [row.per_user for row in message.quotas].count(True) == 1
        assert message.unknown == ()

    @pytest.mark.parametrize(
        ("version", "without"),
        [
            ("1.2.0", ["timestamp", "issuer_audience"]),
            ("1.3.0", ["issuer_audience"]),
            ("1.4.0", []),
            ("1.9.0", []),
        ],
    )
    def test_in_every_minor_version(self, version: str, without: list[str]) -> None:
        message = read(msg_version=version, **dict.fromkeys(without, ...))
        assert message.key == "SITE/tier1/p1"
        assert ("timestamp" in message.model_fields_set) is (version != "1.2.0")

    def test_with_several_services_of_a_kind_merged(self) -> None:
        other = {"flavors": [{"name": "x", "vcpus": 1, "ram": 1}], "images": [], "quotas": []}
        message = read(compute_services=[NOVA, other])
        assert [one.name for one in message.flavors] == ["small", "x"]
        assert message.unknown == ()

    @pytest.mark.parametrize("value", [None, "", ...])
    def test_without_a_region_as_the_default_one(self, value: Any) -> None:
        assert read(region_name=value).region_name == "default"

    def test_from_a_kubernetes_cluster_that_has_no_services(self) -> None:
        message = read(
            provider_type="kubernetes",
            region_name=...,
            compute_services=...,
            network_services=...,
            block_storage_services=...,
            object_store_services=...,
            storage_classes=[{"name": "fast", "is_default": True}],
        )
        assert message.unknown == ()
        assert message.storage_classes == (StorageClass(name="fast", is_default=True),)

    @pytest.mark.parametrize(
        ("fields", "parts"),
        [
            (
                {"compute_services": None},
                {"flavors", "images", "quotas/compute"},
            ),
            ({"network_services": ...}, {"networks", "quotas/networking"}),
            ({"compute_services": nova(flavors=None)}, {"flavors"}),
            ({"compute_services": nova(quotas=...)}, {"quotas/compute"}),
            ({"compute_services": nova(flavors=[])}, set()),
            ({"compute_services": []}, set()),
        ],
    )
    def test_and_what_is_null_or_missing_is_unknown_but_what_is_empty_is_empty(
        self, fields: dict[str, Any], parts: set[str]
    ) -> None:
        assert set(read(**fields).unknown) == parts

    @pytest.mark.parametrize(
        ("fields", "sentence"),
        [
            ({"compute_services": {}}, "compute_services: a list of objects was expected"),
            ({"compute_services": [1]}, "compute_services: a list of objects was expected"),
            (
                {"compute_services": nova(flavors=["small"])},
                "compute_services.0.flavors: a list of objects was expected",
            ),
            ({"compute_services": nova(flavors=[{"vcpus": 1, "ram": 1}])}, "flavors.0.name"),
            ({"identity_endpoint": ...}, "provider_endpoint"),
            ({"user_group": None}, "user_group"),
        ],
    )
    def test_and_what_cannot_be_read_is_refused_in_a_sentence(
        self, fields: dict[str, Any], sentence: str
    ) -> None:
        with pytest.raises(InvalidMessageError) as caught:
            read(**fields)
        assert sentence in caught.value.message

    @pytest.mark.skipif(not REAL.exists(), reason="the message from the field is not here")
    def test_from_the_field(self) -> None:
        message = Feeder.decode(REAL.read_bytes())
        assert message.key == "CLOUD-CNAF-T1/tier1/4dd93340f51f4206a8dfd0569d4eb812"
        assert len(message.flavors) == 6
        assert len(message.images) == 3
        assert message.unknown == ()
        limits = next(row for row in message.quotas if row.type == "compute" and not row.usage)
        assert (limits.cores, limits.ram, limits.instances) == (120, 204800, 50)


class TestVersionTwo:
    def test_tells_a_null_list_from_an_empty_one(self) -> None:
        body = json.loads(read().encode()) | {"flavors": None, "images": [], "quotas": None}
        message = Feeder.decode(json.dumps(body).encode())
        assert set(message.unknown) == {"flavors", *(f"quotas/{kind}" for kind in QUOTA_TYPES)}

    @pytest.mark.parametrize("value", ["2025-10-03T07:05:33", "2025-10-03T07:05:33Z"])
    def test_takes_a_time_without_zone_as_utc(self, value: str) -> None:
        assert read(timestamp=value).timestamp == datetime(2025, 10, 3, 7, 5, 33, tzinfo=UTC)

    def test_keys_cannot_be_mistaken_for_one_another(self) -> None:
        one = read(provider_name="a/b", region_name="c")
        other = read(provider_name="a", region_name="b/c")
        assert one.key != other.key

    @pytest.mark.parametrize(
        ("field", "text", "amount"),
        [
            ("limits_cpu", "500m", 0.5),
            ("requests_cpu", "2", 2),
            ("limits_memory", "10Gi", 10240),
            ("requests_memory", "512M", 512e6 / 2**20),
            ("limits_memory", 10, 10),
            ("pods", "2k", 2000),
            ("storage", "1Ti", 1024),
            ("limits_ephemeral_storage", "-1", -1),
        ],
    )
    def test_reads_quantities_as_kubernetes_means_them(
        self, field: str, text: object, amount: float
    ) -> None:
        row = Quota.model_validate({"type": "compute", field: text})
        assert getattr(row, field) == pytest.approx(amount)

    @pytest.mark.parametrize("text", ["512 MB", "", "ten", "10gi", "1e9999", "NaN"])
    def test_refuses_text_that_is_no_quantity(self, text: str) -> None:
        with pytest.raises(ValueError, match=r"quantity|finite"):
            Quota.model_validate({"type": "compute", "limits_memory": text})


names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P"]), min_size=1, max_size=9)
maybe = st.none() | names
amounts = st.none() | st.integers(-1, 10**6) | st.floats(-1, 1e6).map(lambda x: round(x, 3))
quotas = st.builds(
    Quota,
    type=st.sampled_from(QUOTA_TYPES),
    usage=st.booleans(),
    per_user=st.booleans(),
    cores=amounts,
    ram=amounts,
    gigabytes=amounts,
    public_ips=amounts,
    gpus=st.none() | st.dictionaries(names, st.integers(-1, 9), max_size=2),
    limits_cpu=amounts,
    name=maybe,
)
messages = st.builds(
    Feeder,
    timestamp=st.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    provider_name=names,
    provider_type=st.sampled_from(["openstack", "kubernetes", "dummy"]),
    provider_endpoint=names,
    region_name=names,
    project_id=names,
    user_group=names,
    issuer_protocol=maybe,
    issuer_audience=maybe,
    overbooking_cpu=st.floats(0.1, 10),
    quotas=st.lists(quotas, max_size=4).map(
        lambda rows: tuple(sorted(rows, key=lambda row: row.type))
    ),
    flavors=st.lists(
        st.builds(
            Flavor,
            name=names,
            vcpus=st.integers(0, 99),
            ram=st.floats(0, 1e6),
            gpu_model=maybe,
            is_shared=st.booleans(),
            iaas_uuid=maybe,
        ),
        max_size=3,
    ).map(tuple),
    images=st.lists(
        st.builds(
            Image,
            name=names,
            os_version=maybe,
            cuda_support=st.booleans(),
            cuda_version=maybe,
            iaas_uuid=maybe,
            tags=st.lists(names, max_size=2).map(tuple),
        ),
        max_size=3,
    ).map(tuple),
    networks=st.lists(
        st.builds(Network, name=names, is_default=st.booleans(), proxy_host=maybe), max_size=3
    ).map(tuple),
    storage_classes=st.lists(
        st.builds(StorageClass, name=names, is_default=st.booleans()), max_size=2
    ).map(tuple),
    unknown=st.sets(st.sampled_from(PARTS), max_size=3).map(lambda parts: tuple(sorted(parts))),
    sla_id=maybe,
    sla_end=maybe,
    credentials=maybe,
)


class TestVersion140IsWritten:
    @given(messages)
    def test_and_read_without_loss(self, message: Feeder) -> None:
        written = message.model_copy(update={"msg_version": "1.4.0"}).encode()
        again = Feeder.decode(written)
        by_type = {"quotas": tuple(sorted(again.quotas, key=lambda row: row.type))}
        assert again.model_copy(update=by_type) == message

    @given(messages)
    def test_as_2_0_0_is(self, message: Feeder) -> None:
        assert Feeder.decode(message.encode()) == message

    def test_with_the_fields_that_its_readers_look_up(self) -> None:
        body = json.loads(read().model_copy(update={"msg_version": "1.4.0"}).encode())
        assert body["msg_version"] == "1.4.0"
        assert body.keys() >= V1.keys()
        (compute,) = body["compute_services"]
        assert compute.keys() >= {"name", "type", "endpoint", "description"}
        (flavor,) = compute["flavors"]
        assert (flavor["uuid"], flavor["ram"], flavor["gpu_model"]) == ("f1", 4096, None)
        assert isinstance(flavor["ram"], int)
        (network,) = body["network_services"]
        assert network["quotas"][0]["type"] == "network"
        assert network["networks"][0]["projects"] == ["p1"]
        assert body["object_store_services"] == []


def written(message: Feeder, version: str = "2.0.0") -> dict[str, Any]:
    body: dict[str, Any] = json.loads(message.model_copy(update={"msg_version": version}).encode())
    return body


class TestAnUnknownPart:
    """What other programs read, that do not know our field `unknown`."""

    PARTS = ("flavors", "networks", "quotas/compute", "quotas/networking", "storage_classes")

    def partial(self, *unknown: str) -> Feeder:
        quotas = tuple(row for row in read().quotas if f"quotas/{row.type}" not in unknown)
        empty = {part: () for part in unknown if not part.startswith("quotas/")}
        return read().model_copy(update=empty | {"quotas": quotas, "unknown": unknown})

    def test_an_unknown_part_is_null_for_other_readers(self) -> None:
        body = written(self.partial(*self.PARTS))
        assert (body["flavors"], body["networks"], body["storage_classes"]) == (None, None, None)
        assert [one["name"] for one in body["images"]] == ["ubuntu"]
        assert [row["type"] for row in body["quotas"]] == ["block-storage"]
        assert body["unknown"] == list(self.PARTS)

    def test_is_null_within_the_services_of_1_4_0(self) -> None:
        body = written(self.partial(*self.PARTS, "quotas/object-store"), "1.4.0")
        (compute,) = body["compute_services"]
        assert (compute["flavors"], compute["quotas"]) == (None, None)
        assert [one["name"] for one in compute["images"]] == ["ubuntu"]
        (network,) = body["network_services"]
        assert (network["networks"], network["quotas"]) == (None, None)
        (storage,) = body["block_storage_services"]
        assert len(storage["quotas"]) == 1
        assert body["object_store_services"][0]["quotas"] is None

    @pytest.mark.parametrize("version", ["2.0.0", "1.4.0"])
    def test_is_unknown_for_us_and_no_other_is(self, version: str) -> None:
        kinds = tuple(f"quotas/{kind}" for kind in ("block-storage", "compute", "networking"))
        for unknown in (self.PARTS, ("flavors",), kinds):
            body = written(self.partial(*unknown), version)
            assert Feeder.decode(json.dumps(body).encode()) == self.partial(*unknown)

    def test_of_quotas_is_null_when_no_kind_of_them_is_known(self) -> None:
        kinds = tuple(f"quotas/{kind}" for kind in ("block-storage", "compute", "networking"))
        assert written(self.partial(*kinds))["quotas"] is None

    def test_leaves_the_limits_of_users_that_the_provider_file_has(self) -> None:
        limits = Quota(type="compute", per_user=True, cores=4)
        kinds = tuple(f"quotas/{kind}" for kind in QUOTA_TYPES)
        body = written(self.partial(*kinds).model_copy(update={"quotas": (limits,)}))
        assert [row["per_user"] for row in body["quotas"]] == [True]

    @pytest.mark.parametrize("told", [5, [[5]], ["flavors", None]])
    def test_that_has_no_name_is_refused(self, told: Any) -> None:
        body = written(read()) | {"unknown": told, "images": None}
        with pytest.raises(InvalidMessageError, match="unknown"):
            Feeder.decode(json.dumps(body).encode())
