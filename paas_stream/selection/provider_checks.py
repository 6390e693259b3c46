"""Rules on provider files that look at more than one entry; each fault names file and path."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from paas_stream.selection.provider_schema import AnyProvider, ProviderFile, Sla, StaticProvider


@dataclass(frozen=True)
class Agreement:
    """An SLA with the group and the issuer that it belongs to."""

    sla: Sla
    user_group: str
    issuer: str


@dataclass(frozen=True)
class Place:
    """An entry's value and where it stands."""

    value: str
    file: Path
    path: str

    def fault(self, sentence: str) -> str:
        """One line of the list of faults."""
        return f"{self.file}: {self.path}: {sentence}"


Files = dict[Path, ProviderFile]


def agreements(files: Files) -> dict[str, Agreement]:
    """All SLAs by `doc_uuid`."""
    return {
        sla.doc_uuid: Agreement(sla, group.name, idp.issuer)
        for content in files.values()
        for idp in content.trusted_idps
        for group in idp.user_groups
        for sla in group.slas
    }


def faults(files: Files) -> list[str]:
    """Every rule that is broken, in the order of the files."""
    found = [
        *_repeated(_sla_places(files), "the SLA"),
        *_repeated(_provider_places(files), "the provider"),
        *_repeated(_credentials_places(files), "the credentials"),
    ]
    known = agreements(files)
    names = {place.value for place in _credentials_places(files)}
    for file, content in files.items():
        found.extend(_issuer_faults(file, content))
        for path, provider in providers(content):
            found.extend(_provider_faults(file, path, provider, known, names))
    return found


def providers(content: ProviderFile) -> Iterator[tuple[str, AnyProvider]]:
    """Every provider of a file with its path."""
    sections: dict[str, tuple[AnyProvider, ...]] = {
        "openstack": content.openstack,
        "kubernetes": content.kubernetes,
        "static": content.static,
    }
    for section, entries in sections.items():
        for number, provider in enumerate(entries):
            yield f"{section}[{number}]", provider


def _repeated(places: Iterable[Place], what: str) -> Iterator[str]:
    first: dict[str, Place] = {}
    for place in places:
        before = first.setdefault(place.value, place)
        if before is not place:
            where = before.path if before.file == place.file else f"{before.file}: {before.path}"
            yield place.fault(f"{what} {place.value!r} is given before, at {where}")


def _sla_places(files: Files) -> Iterator[Place]:
    for file, content in files.items():
        for i, idp in enumerate(content.trusted_idps):
            for j, group in enumerate(idp.user_groups):
                for k, sla in enumerate(group.slas):
                    path = f"trusted_idps[{i}].user_groups[{j}].slas[{k}].doc_uuid"
                    yield Place(sla.doc_uuid, file, path)


def _provider_places(files: Files) -> Iterator[Place]:
    for file, content in files.items():
        for path, provider in providers(content):
            yield Place(provider.name, file, f"{path}.name")


def _credentials_places(files: Files) -> Iterator[Place]:
    for file, content in files.items():
        for name in content.credentials:
            yield Place(name, file, f"credentials.{name}")


def _issuer_faults(file: Path, content: ProviderFile) -> Iterator[str]:
    # Another file may name the same issuer and group again: each file can stand alone.
    places = [
        Place(idp.issuer, file, f"trusted_idps[{i}].issuer")
        for i, idp in enumerate(content.trusted_idps)
    ]
    yield from _repeated(places, "the issuer")
    for i, idp in enumerate(content.trusted_idps):
        groups = [
            Place(group.name, file, f"trusted_idps[{i}].user_groups[{j}].name")
            for j, group in enumerate(idp.user_groups)
        ]
        yield from _repeated(groups, "the user group")


def _provider_faults(
    file: Path,
    path: str,
    provider: AnyProvider,
    known: dict[str, Agreement],
    credentials: set[str],
) -> Iterator[str]:
    def places(section: str, field: str, values: Iterable[str]) -> list[Place]:
        return [Place(v, file, f"{path}.{section}[{i}].{field}") for i, v in enumerate(values)]

    projects = provider.projects
    issuers = [idp.endpoint for idp in provider.identity_providers]
    slas = places("projects", "sla", (project.sla for project in projects))
    yield from _repeated(places("identity_providers", "endpoint", issuers), "the issuer")
    yield from _repeated(
        places("regions", "name", (region.name for region in provider.regions)), "the region"
    )
    yield from _repeated(places("projects", "id", (p.id for p in projects)), "the project")
    yield from _repeated(slas, "the SLA")
    yield from _unknown_slas(slas, issuers, known)
    for place in places("projects", "credentials", (p.credentials or "" for p in projects)):
        if place.value and place.value not in credentials:
            yield place.fault(f"no credentials of the name {place.value!r} are configured")
    if not isinstance(provider, StaticProvider):
        regions = {region.name for region in provider.regions}
        for i, project in enumerate(provider.projects):
            names = (props.region_name for props in project.per_region_props)
            for place in places(f"projects[{i}].per_region_props", "region_name", names):
                if place.value not in regions:
                    yield place.fault(f"there is no region {place.value!r}")


def _unknown_slas(
    slas: list[Place], issuers: list[str], known: dict[str, Agreement]
) -> Iterator[str]:
    for place in slas:
        agreement = known.get(place.value)
        if agreement is None:
            yield place.fault(f"no group of trusted_idps has the SLA {place.value!r}")
        elif issuers and agreement.issuer not in issuers:
            yield place.fault(f"its issuer {agreement.issuer} is not among identity_providers")
