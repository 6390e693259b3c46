"""What one reading of a provider's API gives, and the message that it becomes.

A part that could not be read is not known, which is not the same as empty: the message says so, and the
catalog keeps the last good value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from paas_stream.records import Feeder, Quota
from paas_stream.records.feeder import LISTS
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_schema import (
    AnyProvider,
    KubernetesProvider,
    OpenStackProvider,
    Project,
    Region,
    StaticProject,
    StaticProvider,
    limits_of_users,
)


@dataclass(frozen=True)
class Reading:
    """Parts by name, as in `records.feeder.PARTS`; of those that failed a sentence each."""

    parts: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    project_name: str | None = None  # as the cloud has it

    @property
    def fault(self) -> str | None:
        """All faults in one sentence, each with its parts; None: everything was read."""
        by_sentence: dict[str, list[str]] = {}
        for part, sentence in self.faults.items():
            by_sentence.setdefault(sentence, []).append(part)
        told = [f"{', '.join(parts)}: {sentence}" for sentence, parts in by_sentence.items()]
        return "; ".join(told) or None


@dataclass(frozen=True)
class Site:
    """What is read at once: one project in one region of a provider."""

    provider: OpenStackProvider | KubernetesProvider
    region: Region
    project: Project
    agreement: Agreement

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.provider.name} ({self.region.name}, {self.project.id})"

    @property
    def key(self) -> tuple[str, str, str]:
        """Which one it is."""
        return self.provider.name, self.region.name, self.project.id


def message(site: Site, reading: Reading, now: datetime) -> Feeder:
    """The message about a site that was read at `now`."""
    quotas = [
        row for part, rows in reading.parts.items() if part.startswith("quotas/") for row in rows
    ]
    return Feeder(
        timestamp=now,
        provider_type="kubernetes" if _is_cluster(site.provider) else "openstack",
        provider_endpoint=site.provider.auth_url,
        project_name=reading.project_name,
        quotas=(*quotas, *per_user(site)),
        unknown=tuple(sorted(reading.faults)),
        **said(site.provider, site.region, site.project, site.agreement),
        **{name: reading.parts.get(name, ()) for name in LISTS},
    )


def said(
    provider: AnyProvider, region: Region, project: Project | StaticProject, agreement: Agreement
) -> dict[str, Any]:
    """What the provider file says of a project in a region, as fields of a message.

    Messages about a cluster have no overbooking and no bandwidth.
    """
    idps = {idp.endpoint: idp for idp in provider.identity_providers}
    idp = idps.get(agreement.issuer)
    rates = {
        "overbooking_cpu": region.overbooking_cpu,
        "overbooking_ram": region.overbooking_ram,
        "bandwidth_in": region.bandwidth_in,
        "bandwidth_out": region.bandwidth_out,
    }
    return ({} if _is_cluster(provider) else rates) | {
        "provider_name": provider.name,
        "region_name": region.name,
        "project_id": project.id,
        "user_group": agreement.user_group,
        "issuer_endpoint": agreement.issuer,
        "issuer_name": idp.name if idp else "",
        "issuer_protocol": idp.protocol if idp else None,
        "issuer_audience": idp.audience if idp else None,
        "status": provider.status,
        "sla_id": agreement.sla.doc_uuid,
        "sla_start": agreement.sla.start_date.isoformat(),
        "sla_end": agreement.sla.end_date.isoformat(),
        "credentials": project.credentials,
        "apps_dns": getattr(provider, "apps_dns", None),
    }


def _is_cluster(provider: AnyProvider) -> bool:
    return isinstance(provider, KubernetesProvider) or (
        isinstance(provider, StaticProvider) and provider.type == "kubernetes"
    )


def per_user(site: Site) -> tuple[Quota, ...]:
    """The limits of each user, which the provider file has; the region's go before the project's."""
    limits = dict(site.project.per_user_limits)
    for props in site.project.per_region_props:
        if props.region_name == site.region.name:
            limits |= props.per_user_limits
    return limits_of_users(limits)
