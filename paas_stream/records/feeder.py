"""`feeder`: one provider, region and project, as last read."""

from typing import ClassVar

from paas_stream.records.base import Message, Record


class Quota(Record):
    """One row of a provider's quotas: the limits, or (`usage`) what is used of them."""

    type: str  # compute, block-storage, networking, object-store, storageclass
    usage: bool = False
    per_user: bool = False
    cores: float | None = None
    ram: float | None = None
    instances: float | None = None
    gigabytes: float | None = None
    volumes: float | None = None
    public_ips: float | None = None
    gpus: dict[str, int] | None = None


class Flavor(Record):
    """A size of machine."""

    name: str
    vcpus: float
    ram: float  # MiB
    disk: float = 0  # GiB
    gpus: int = 0
    gpu_vendor: str | None = None
    gpu_model: str | None = None
    infiniband: bool = False
    is_shared: bool = True
    iaas_uuid: str | None = None


class Image(Record):
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
    cuda_support: bool = False
    tags: tuple[str, ...] = ()


class Network(Record):
    """A network of a project."""

    name: str
    is_router_external: bool = False
    is_default: bool = False
    is_shared: bool = True
    iaas_uuid: str | None = None


class Feeder(Message):
    """`feeder` 2.0.0: one provider, region and project, as last read."""

    major: ClassVar[int] = 2

    msg_version: str = "2.0.0"
    provider_name: str
    provider_type: str
    provider_endpoint: str
    region_name: str = "default"
    project_id: str
    user_group: str
    issuer_endpoint: str = ""
    issuer_name: str = ""
    issuer_protocol: str | None = None
    overbooking_cpu: float = 1.0
    overbooking_ram: float = 1.0
    bandwidth_in: float = 0.0
    bandwidth_out: float = 0.0
    quotas: tuple[Quota, ...] = ()
    flavors: tuple[Flavor, ...] = ()
    images: tuple[Image, ...] = ()
    networks: tuple[Network, ...] = ()
    sla_start: str | None = None  # date; ours
    sla_end: str | None = None  # date; ours
    credentials: str | None = None  # name of configured credentials; ours

    @property
    def key(self) -> str:
        """Row key: provider/region/project."""
        return f"{self.provider_name}/{self.region_name}/{self.project_id}"
