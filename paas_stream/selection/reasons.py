"""Why a provider is left out: a stable code for programs, a sentence for people."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """A rule of the selector that failed. Values are part of the messages: never renamed."""

    USER_GROUP = "user_group"  # not open to the request's group
    ISSUER = "issuer"  # the group is there, but of another issuer
    ISSUER_NOT_TRUSTED = "issuer_not_trusted"  # the operator does not trust the group's issuer
    PROVIDER_STATUS = "provider_status"  # the provider is not active
    SLA_PLACEMENT = "sla_placement"  # the template's policy names another agreement
    SLA_DATES = "sla_dates"  # a start or end date that cannot be read
    SLA_NOT_STARTED = "sla_not_started"
    SLA_EXPIRED = "sla_expired"
    TARGET_PROVIDER = "target_provider"  # the user asked for another provider
    TARGET_TYPE = "target_type"  # the user asked for another type of provider
    TARGET_REGION = "target_region"  # the user asked for another region
    STALE = "stale"  # the provider has been silent for too long
    PROVIDER_TYPE = "provider_type"  # a type that cannot be deployed to
    NO_MACHINES = "no_machines"  # hosts containers only, and the template has a machine
    NO_CONTAINERS = "no_containers"  # hosts machines only, and the template has a container
    NO_MIX = "no_mix"  # the template has machines and containers, and no provider hosts both
    STORAGE_CLASS = "storage_class"  # a container has a volume, there is no default storage class
    GPU = "gpu"  # containers cannot have GPUs of this vendor and model here
    NOT_READ = "not_read"  # flavors, images or networks could never be read
    FLAVOR = "flavor"  # no flavor is large enough, or the one asked for is not there
    IMAGE = "image"  # no image fits
    PUBLIC_NETWORK = "public_network"  # a public address is needed, there is no public network
    PRIVATE_NETWORK = "private_network"  # there is no private network
    QUOTA_CORES = "quota_cores"
    QUOTA_RAM = "quota_ram"
    QUOTA_INSTANCES = "quota_instances"
    QUOTA_VOLUMES = "quota_volumes"
    QUOTA_STORAGE = "quota_storage"
    QUOTA_PUBLIC_IPS = "quota_public_ips"
    QUOTA_GPUS = "quota_gpus"


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
