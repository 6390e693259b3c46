"""Why a provider is left out: a stable code for programs, a sentence for people."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Area(StrEnum):
    """What a rule is about, in the order in which rules are told."""

    ACCESS = "who may use it"
    WISHES = "what the request and its template ask for"
    FRESHNESS = "how well it is known"
    KIND = "which kind of provider it is"
    OFFER = "what it offers"
    QUOTA = "what is left of its quotas"


class Code(StrEnum):
    """A rule of the selector that failed. Values are part of the messages: never renamed."""

    area: Area
    rule: str  # what has to be so; the source of docs/selection.md

    def __new__(cls, value: str, area: Area, rule: str) -> "Code":
        """A code with what it means."""
        made = str.__new__(cls, value)
        made._value_, made.area, made.rule = value, area, rule
        return made

    USER_GROUP = "user_group", Area.ACCESS, "the request's user group has a project there"
    ISSUER = "issuer", Area.ACCESS, "it is the group of that name of the caller's own issuer"
    ISSUER_NOT_TRUSTED = (
        "issuer_not_trusted",
        Area.ACCESS,
        "the group's issuer is in `PAAS_FEEDER_TRUSTED_ISSUERS`, where that is set",
    )
    PROVIDER_STATUS = "provider_status", Area.ACCESS, "the provider is active"
    SLA_DATES = "sla_dates", Area.ACCESS, "the dates of the agreement can be read"
    SLA_NOT_STARTED = (
        "sla_not_started",
        Area.ACCESS,
        "the agreement has begun; its first day is included",
    )
    SLA_EXPIRED = (
        "sla_expired",
        Area.ACCESS,
        "the agreement has not ended; its last day is included",
    )
    SLA_PLACEMENT = (
        "sla_placement",
        Area.WISHES,
        "it serves the agreement that the template's SlaPlacement policy names",
    )
    TARGET_PROVIDER = "target_provider", Area.WISHES, "it is the provider that the request names"
    TARGET_TYPE = "target_type", Area.WISHES, "it is of the type that the request names"
    TARGET_REGION = "target_region", Area.WISHES, "it is the region that the request names"
    STALE = (
        "stale",
        Area.FRESHNESS,
        "it was heard of within `PAAS_FEEDER_STALE_S`; with `PAAS_FEEDER_STALE=last` one that was not "
        "comes after all others instead",
    )
    NOT_READ = "not_read", Area.FRESHNESS, "its flavors, images and networks have been read once"
    PROVIDER_TYPE = "provider_type", Area.KIND, "machines or containers can be deployed to its type"
    NO_MACHINES = (
        "no_machines",
        Area.KIND,
        "for a template with machines: it hosts machines (Kubernetes hosts containers only)",
    )
    NO_CONTAINERS = (
        "no_containers",
        Area.KIND,
        "for a template with containers: it hosts containers (only Kubernetes does)",
    )
    NO_MIX = "no_mix", Area.KIND, "the template has machines or containers, not both"
    CONTAINER_COUNT = (
        "container_count",
        Area.KIND,
        "of each container one is asked for, or none: the IM makes no more",
    )
    CONTAINER_NAME = (
        "container_name",
        Area.KIND,
        "the cluster can name each container by its node: 50 small letters, digits, `-` and `_`, "
        "and no two that differ in these only",
    )
    FLAVOR = (
        "flavor",
        Area.OFFER,
        "one flavor has the vCPUs, RAM, disk, GPUs (vendor, model) and InfiniBand together, or the name "
        "that is asked for",
    )
    IMAGE = (
        "image",
        Area.OFFER,
        "one image has the name, or the system, version, GPU driver and CUDA that are asked for",
    )
    PUBLIC_NETWORK = (
        "public_network",
        Area.OFFER,
        "for a public address: it has a public network",
    )
    PRIVATE_NETWORK = (
        "private_network",
        Area.OFFER,
        "for a private address: it has a private network",
    )
    STORAGE_CLASS = (
        "storage_class",
        Area.OFFER,
        "for a container with a volume: one of its storage classes is the default",
    )
    GPU = (
        "gpu",
        Area.OFFER,
        "for a container with GPUs: its namespace may have those of this vendor and model",
    )
    QUOTA_CORES = "quota_cores", Area.QUOTA, "vCPUs of all nodes"
    QUOTA_RAM = "quota_ram", Area.QUOTA, "RAM of all nodes"
    QUOTA_INSTANCES = "quota_instances", Area.QUOTA, "machines, or pods"
    QUOTA_VOLUMES = "quota_volumes", Area.QUOTA, "volumes"
    QUOTA_STORAGE = (
        "quota_storage",
        Area.QUOTA,
        "the sizes of all volumes, the size of one volume, ephemeral storage",
    )
    QUOTA_PUBLIC_IPS = "quota_public_ips", Area.QUOTA, "public addresses"
    QUOTA_GPUS = "quota_gpus", Area.QUOTA, "GPUs, in all and of each model or maker"


class Reason(NamedTuple):
    """One rule that failed at one provider; its sentence is only made when somebody reads it."""

    code: Code
    tell: Callable[[], str]

    @property
    def sentence(self) -> str:
        """The rule that failed, with the numbers."""
        return self.tell()


def amount(number: float) -> str:
    """A number as it stands in a sentence: 8, 0.5, 1024."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def some(names: list[str], most: int = 5) -> str:
    """A list of names for a sentence, shortened to `most`."""
    if not names:
        return "none"
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
