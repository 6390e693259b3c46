"""`feeder`: one provider, region and project, as last read.

The form in use is 2.0.0. Versions 1.x are read, and 1.4.0 is written on request: `feeder_v1` turns
one into the other. A null says the same as a field that is left out, except for a whole part of the
message (`PARTS`): that part is not known, which is not the same as empty, and it is written so.
A Kubernetes cluster has no regions, no overbooking and no bandwidth: what is not known of them is left
out in 2.0.0.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar, Final, TypeVar

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic_core import CoreSchema

from paas_stream.records import feeder_v1
from paas_stream.records.base import (
    LARGEST_QUANTITY,
    LARGEST_WHOLE,
    InReach,
    Message,
    Quantity,
    Record,
    Whole,
    as_json,
)
from paas_stream.records.quantity import Amount, Gibibytes, Mebibytes

QUOTA_TYPES: Final = ("compute", "block-storage", "networking", "object-store", "storageclass")
LISTS: Final = ("flavors", "images", "networks", "storage_classes")
_QUOTAS: Final = "quotas/"
PARTS: Final = (*LISTS, *(f"{_QUOTAS}{kind}" for kind in QUOTA_TYPES))
# Fields that a Kubernetes cluster does not have in 2.0.0, unless somebody gives them a value.
_RATES: Final = ("overbooking_cpu", "overbooking_ram", "bandwidth_in", "bandwidth_out")
_NOT_OF_CLUSTERS: Final = ("region_name", *_RATES)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


UtcDatetime = InReach[Annotated[datetime, AfterValidator(_utc)]]  # others leave the zone out
Size = Annotated[float, Field(ge=0, le=LARGEST_QUANTITY)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Part(Record):
    """Base of what a message lists. Other programs send versions as numbers, and nulls."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        return _without_nulls(data)


def _without_nulls(data: Any) -> Any:
    if isinstance(data, dict) and None in data.values():
        return {name: value for name, value in data.items() if value is not None}
    return data


class Quota(Part):
    """One row of a provider's quotas: the limits, or (`usage`) what is used of them.

    -1 = unlimited. A row says nothing about a resource that it does not name.
    """

    type: str  # one of QUOTA_TYPES
    usage: bool = False
    per_user: bool = False
    name: str | None = None  # of the storage class that a row of type storageclass is about; ours
    cores: Quantity | None = None
    ram: Quantity | None = None  # MiB
    instances: Quantity | None = None
    gigabytes: Quantity | None = None
    per_volume_gigabytes: Quantity | None = None
    volumes: Quantity | None = None
    public_ips: Quantity | None = None
    gpus: dict[str, Whole] | None = None  # by model, or by the resource's name in Kubernetes
    # A namespace's ResourceQuota, as numbers or as Kubernetes quantities; memory in MiB, storage in
    # GiB. Limits and requests bound the same containers.
    limits_cpu: Amount | None = None
    requests_cpu: Amount | None = None
    limits_memory: Mebibytes | None = None
    requests_memory: Mebibytes | None = None
    pods: Amount | None = None
    pvcs: Amount | None = None  # persistent volume claims
    storage: Gibibytes | None = None
    limits_ephemeral_storage: Gibibytes | None = None
    requests_ephemeral_storage: Gibibytes | None = None


class Flavor(Part):
    """A size of machine."""

    name: str
    vcpus: Size
    ram: Size  # MiB
    disk: Size = 0  # GiB
    gpus: int = Field(0, ge=0, le=LARGEST_WHOLE)
    gpu_vendor: str | None = None
    gpu_model: str | None = None
    infiniband: bool = False
    is_shared: bool = True
    iaas_uuid: str | None = None


class Image(Part):
    """A machine image."""

    name: str
    iaas_uuid: str | None = None
    os_type: str | None = None
    os_distro: str | None = None
    os_version: str | None = None
    architecture: str | None = None
    is_shared: bool = True
    created_at: str | None = None
    gpu_driver: bool = False
    gpu_driver_version: str | None = None
    cuda_support: bool = False
    cuda_version: str | None = None
    tags: tuple[str, ...] = ()


class Network(Part):
    """A network of a project."""

    name: str
    is_router_external: bool = False
    is_default: bool = False
    is_shared: bool = True
    role: str | None = None  # public or private: what it is there to be, whatever else it is; ours
    iaas_uuid: str | None = None
    proxy_host: str | None = None  # through which its machines are reached
    proxy_user: str | None = None
    tags: tuple[str, ...] = ()


class StorageClass(Part):
    """A kind of volume of a Kubernetes cluster."""

    name: str
    is_default: bool = False
    provisioner: str | None = None


class _OrNull:
    """In the JSON Schema: the list, or null where it is not known."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [handler(core_schema), {"type": "null"}]}


_Row = TypeVar("_Row")
_Listed = Annotated[tuple[_Row, ...], _OrNull]


class Feeder(Message):
    """`feeder` 2.0.0: one provider, region and project, as last read.

    1.2.0, 1.3.0 and 1.4.0 are read, too; 1.4.0 is written on request.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    major: ClassVar[int] = 2

    msg_version: str = "2.0.0"  # 1.4.0: that is how it is written
    timestamp: UtcDatetime = Field(default_factory=lambda: datetime.now(UTC))
    provider_name: Name
    provider_type: Name
    provider_endpoint: str
    region_name: Name = "default"  # Kubernetes has none
    project_id: Name
    project_name: str | None = None  # as the cloud has it; ours
    user_group: str
    issuer_endpoint: str = ""
    issuer_name: str = ""
    issuer_protocol: str | None = None
    issuer_audience: str | None = None
    overbooking_cpu: Quantity = 1.0
    overbooking_ram: Quantity = 1.0
    bandwidth_in: Quantity = 0.0
    bandwidth_out: Quantity = 0.0
    quotas: _Listed[Quota] = ()  # null: not known
    flavors: _Listed[Flavor] = ()  # null: not known
    images: _Listed[Image] = ()  # null: not known
    networks: _Listed[Network] = ()  # null: not known
    storage_classes: _Listed[StorageClass] = ()  # null: not known
    unknown: tuple[str, ...] = ()  # PARTS that could not be read: the message is partial; ours
    status: str = "active"  # of the provider: only an active one is offered; ours
    sla_id: str | None = None  # of the agreement that the project serves; ours
    sla_start: str | None = None  # date; ours
    sla_end: str | None = None  # date; ours
    credentials: str | None = None  # name of configured credentials; ours
    apps_dns: str | None = None  # domain in which a cluster's applications get their names; ours

    @model_validator(mode="before")
    @classmethod
    def _null_parts_are_unknown(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {name: value for name, value in data.items() if value is not None}
        told = known.get("unknown", ())
        if isinstance(told, list | tuple):
            missing = [name for name in LISTS if name in data and data[name] is None]
            if "quotas" in data and data["quotas"] is None and not any(map(_is_of_quotas, told)):
                missing += filter(_is_of_quotas, PARTS)
            known["unknown"] = [*told, *sorted(part for part in missing if part not in told)]
        if known.get("region_name") == "":
            del known["region_name"]
        return known

    @property
    def key(self) -> str:
        """Row key: provider/region/project."""
        return row_key(self.provider_name, self.region_name, self.project_id)

    def encode(self) -> bytes:
        """JSON in the form of `msg_version`, without fields that have no value in 2.0.0.

        A part that is not known is null, for readers that do not know our `unknown`.
        """
        data = self.model_dump(mode="json", exclude_none=True)
        if self.msg_version.startswith("1."):
            data = feeder_v1.from_2_0_0(data)
        elif self.provider_type.casefold() == "kubernetes":
            for name in _NOT_OF_CLUSTERS:
                if data[name] == type(self).model_fields[name].default:
                    del data[name]
        return as_json(data | {name: None for name in self._unknown_lists() if name in data})

    def _unknown_lists(self) -> Iterator[str]:
        """The lists of which nothing is known. Rows of quotas that are known stand for themselves."""
        for name in LISTS:
            if name in self.unknown and not getattr(self, name):
                yield name
        if not self.quotas and any(map(_is_of_quotas, self.unknown)):
            yield "quotas"

    @classmethod
    def _from_major(cls, major: str, data: dict[str, Any]) -> dict[str, Any] | None:
        return feeder_v1.to_2_0_0(data) if major == "1" else super()._from_major(major, data)


def _is_of_quotas(part: Any) -> bool:
    return isinstance(part, str) and part.startswith(_QUOTAS)


def row_key(*names: str) -> str:
    """Names as the key of a row. A name may hold the "/" that divides them."""
    return "/".join(name.replace("%", "%25").replace("/", "%2F") for name in names)
