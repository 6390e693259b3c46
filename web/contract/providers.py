"""`/providers`: what Feeder and Rally said last."""

from pydantic import Field

from paas_stream.access import Action
from paas_stream.records.feeder import Flavor, Image, Network, StorageClass
from web.contract.base import Moment, Page, Reply
from web.contract.operation import Operation, Tag, in_json
from web.contract.queries import ProvidersQuery


class Sla(Reply):
    """The agreement that a project serves; both days are included."""

    id: str | None = None
    start: str | None = None
    end: str | None = None


class Overbooking(Reply):
    """Of a region."""

    cpu: float
    ram: float


class Bandwidth(Reply):
    """Of a region, Gbit/s."""

    inward: float = Field(alias="in")
    outward: float = Field(alias="out")


class QuotaLine(Reply):
    """RAM in MiB, storage in GiB; -1 = unlimited."""

    resource: str
    limit: float
    used: float
    free: float
    perUser: bool


class Counts(Reply):
    """How many a provider offers."""

    flavors: int
    images: int
    networks: int
    storageClasses: int


class HealthReport(Reply):
    """The last report of Rally."""

    at: Moment
    passed: bool
    tag: str | None = None
    failingScenario: str | None = None
    durationSeconds: float | None = None


class Health(Reply):
    """Share of failed Rally tasks, 0 to 1; -1 = unknown."""

    failureShare1d: float
    failureShare7d: float
    failureShare30d: float
    lastReport: HealthReport | None = None


class _Entry(Reply):
    """What is known of one provider, region and project."""

    name: str
    region: str
    project: str
    type: str
    status: str
    endpoint: str
    userGroup: str
    issuer: str | None = None
    sla: Sla | None = None
    readAt: Moment = Field(description="when its site was read")
    receivedAt: Moment
    ageSeconds: float
    stale: bool = Field(description="silent for so long that it is left out")
    unknownParts: list[str] | None = Field(None, description="what was never read")
    keptParts: dict[str, Moment] | None = Field(None, description="what is older than the message")
    overbooking: Overbooking
    bandwidth: Bandwidth
    quotas: list[QuotaLine]
    health: Health


class ProviderEntry(_Entry):
    """One provider, region and project, in short."""

    counts: Counts


class ProviderDetails(_Entry):
    """One provider, region and project with all that it offers."""

    flavors: list[Flavor]
    images: list[Image]
    networks: list[Network]
    storageClasses: list[StorageClass]


class ProviderPage(Page[ProviderEntry]):
    """Providers in the order of their names."""


class Provider(Reply):
    """All regions and projects of one provider."""

    name: str
    entries: list[ProviderDetails]


OPERATIONS = (
    Operation(
        "GET",
        "/providers",
        "listProviders",
        Tag.PROVIDERS,
        "The providers, in the order of their names",
        {200: in_json("a page", ProviderPage)},
        Action.PROVIDERS,
        query=ProvidersQuery,
        aliases=("/providers/",),
    ),
    Operation(
        "GET",
        "/providers/{name}",
        "getProvider",
        Tag.PROVIDERS,
        "One provider with flavors, images and networks",
        {200: in_json("its regions and projects", Provider)},
        Action.PROVIDERS,
        errors=(404,),
    ),
)
