"""The form of a provider file: pydantic models, strict, no field beside these.

`trusted_idps`, `openstack` and `kubernetes` have the format of the field's feeder; `static` and
`credentials` are ours. Rules that look at more than one entry are in `provider_files`.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from paas_stream.records import Flavor, Image, Network, Quota, StorageClass
from paas_stream.records.base import LARGEST_QUANTITY

# A name becomes part of a row key, which "/" divides.
Name = Annotated[str, StringConstraints(pattern=r"^[^/\s\x00-\x1f][^/\x00-\x1f]{0,199}$")]
Text = Annotated[str, StringConstraints(min_length=1)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s/]+\S*$")]
Domain = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]{0,198}[a-z0-9])?$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

Status = Literal[
    "draft",
    "submitted",
    "ready",
    "evaluation",
    "pre_production",
    "active",  # the only one that is offered
    "deprecated",
    "removed",
    "degraded",
    "maintenance",
    "re_evaluation",
]

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Entry(BaseModel):
    """Base of all parts of a provider file."""

    model_config = _STRICT


class Sla(Entry):
    """An agreement between a user group and the providers; both days are included."""

    doc_uuid: Text
    start_date: date
    end_date: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        return self


class UserGroup(Entry):
    """A group of users at one issuer."""

    name: Text
    slas: tuple[Sla, ...] = ()


class TrustedIdp(Entry):
    """An issuer of tokens, and its groups."""

    issuer: Url
    group_claim: Text = "groups"
    user_groups: tuple[UserGroup, ...] = Field(min_length=1)


class CredentialsEntry(Entry):
    """Where one set of credentials is found: names of variables or files, never values.

    `tenant` (a project by name), `domain` (of the user, by name) and `tenant_domain` (of the project, by
    its identifier) say where the user is known; they are no secrets.
    """

    method: Literal["password", "application_credential", "token"] = "password"
    username_env: Variable | None = None
    username_file: Path | None = None
    password_env: Variable | None = None
    password_file: Path | None = None
    token_env: Variable | None = None
    token_file: Path | None = None
    tenant: Text | None = None
    domain: Text | None = None
    tenant_domain: Text | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = {"token"} if self.method == "token" else {"username", "password"}
        for what in ("username", "password", "token"):
            sources = [getattr(self, f"{what}_{kind}") for kind in ("env", "file")]
            if all(sources):
                raise ValueError(f"{what}_env and {what}_file exclude each other")
            if what in needed and not any(sources):
                raise ValueError(f"method {self.method!r} needs {what}_env or {what}_file")
            if what not in needed and any(sources):
                raise ValueError(f"method {self.method!r} takes no {what}")
        return self


class IdentityProvider(Entry):
    """How an issuer is called at one cloud."""

    endpoint: Url
    name: Text
    protocol: Text | None = None
    audience: Text | None = None


class Location(Entry):
    """Where a region is."""

    site: Text
    country: Text
    latitude: float | None = None
    longitude: float | None = None


class Region(Entry):
    """A region of a provider. Overbooking: share of promised to real capacity; Gbit/s."""

    name: Name
    location: Location | None = None
    overbooking_cpu: float = Field(1.0, gt=0, le=LARGEST_QUANTITY)
    overbooking_ram: float = Field(1.0, gt=0, le=LARGEST_QUANTITY)
    bandwidth_in: float = Field(10.0, ge=0, le=LARGEST_QUANTITY)
    bandwidth_out: float = Field(10.0, ge=0, le=LARGEST_QUANTITY)


class StaticQuota(Quota):
    """A row of quotas, as in a `feeder` message: limits, or (`usage`) what is used of them."""

    model_config = _STRICT

    type: Literal["compute", "block-storage", "networking", "object-store", "storageclass"]


_LIMIT_KINDS: Final = {"block_storage": "block-storage", "network": "networking"}  # other spellings


def limits_of_users(given: Mapping[str, Mapping[str, float]]) -> tuple[Quota, ...]:
    """The rows of `per_user_limits`, by kind of quota. Raises ValueError for what no quota has."""
    return tuple(
        StaticQuota.model_validate(
            {"type": _LIMIT_KINDS.get(kind, kind), "per_user": True} | dict(fields)
        )
        for kind, fields in given.items()
    )


def _are_quotas(value: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    try:
        limits_of_users(value)
    except ValidationError as exc:
        told = [f"{error['loc'][-1]}: {error['msg']}" for error in exc.errors()]
        raise ValueError(f"no quota has this: {'; '.join(told)}") from exc
    return value


UserLimits = Annotated[dict[str, dict[str, float]], AfterValidator(_are_quotas)]


class Proxy(Entry):
    """The host through which machines of a private network are reached."""

    host: Text
    user: Text | None = None


class RegionProps(Entry):
    """What differs in one region of a project."""

    region_name: Name
    default_public_net: Text | None = None
    default_private_net: Text | None = None
    private_net_proxy: Proxy | None = None
    per_user_limits: UserLimits = {}  # kind of quota -> resource -> limit


class Project(Entry):
    """A project (tenant, namespace) at a provider, and the agreement it serves."""

    id: Name
    sla: Text
    credentials: Text | None = None
    default_public_net: Text | None = None
    default_private_net: Text | None = None
    private_net_proxy: Proxy | None = None
    per_user_limits: UserLimits = {}  # kind of quota -> resource -> limit
    per_region_props: tuple[RegionProps, ...] = ()


class Provider(Entry):
    """What all providers whose API is read have in common."""

    name: Name
    status: Status = "active"
    is_public: bool = False
    support_emails: tuple[Text, ...] = ()
    auth_url: Url
    image_tags: tuple[Text, ...] = ()
    network_tags: tuple[Text, ...] = ()
    identity_providers: tuple[IdentityProvider, ...] = Field(min_length=1)
    projects: tuple[Project, ...] = Field(min_length=1)


class OpenStackProvider(Provider):
    """An OpenStack cloud."""

    regions: tuple[Region, ...] = (Region(name="RegionOne"),)
    block_storage_vol_types: dict[str, str] = {}


class KubernetesProvider(Provider):
    """A Kubernetes cluster."""

    ca_path: Path | None = None
    apps_dns: Domain | None = None  # in which the IM names ingresses of applications; ours
    regions: tuple[Region, ...] = (Region(name="default"),)


class StaticFlavor(Flavor):
    """A flavor, as in a `feeder` message."""

    model_config = _STRICT


class StaticImage(Image):
    """An image, as in a `feeder` message."""

    model_config = _STRICT


class StaticNetwork(Network):
    """A network, as in a `feeder` message."""

    model_config = _STRICT


class StaticStorageClass(StorageClass):
    """A storage class, as in a `feeder` message."""

    model_config = _STRICT


class StaticProject(Entry):
    """A project of a static provider; its quotas and networks, when given, replace the site's."""

    id: Name
    sla: Text
    credentials: Text | None = None
    quotas: tuple[StaticQuota, ...] | None = None
    networks: tuple[StaticNetwork, ...] | None = None


class StaticProvider(Entry):
    """A provider that is described here instead of being read."""

    name: Name
    type: Literal["dummy", "openstack", "kubernetes"]
    status: Status = "active"
    endpoint: Url
    apps_dns: Domain | None = None  # of a cluster, as above
    identity_providers: tuple[IdentityProvider, ...] = ()
    regions: tuple[Region, ...] = Field((Region(name="default"),), min_length=1)
    projects: tuple[StaticProject, ...] = Field(min_length=1)
    flavors: tuple[StaticFlavor, ...] = ()
    images: tuple[StaticImage, ...] = ()
    networks: tuple[StaticNetwork, ...] = ()
    storage_classes: tuple[StaticStorageClass, ...] = ()
    quotas: tuple[StaticQuota, ...] = ()


AnyProvider = OpenStackProvider | KubernetesProvider | StaticProvider


class ProviderFile(Entry):
    """One provider file."""

    trusted_idps: tuple[TrustedIdp, ...] = ()
    credentials: dict[str, CredentialsEntry] = {}
    openstack: tuple[OpenStackProvider, ...] = ()
    kubernetes: tuple[KubernetesProvider, ...] = ()
    static: tuple[StaticProvider, ...] = ()


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a provider file, of its form: `provider_checks` has the rest."""
    schema = ProviderFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:paas-stream:provider-file",
        **schema,
        "title": "Provider file",
    }
