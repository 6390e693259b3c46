"""Rules on provider files that look at more than one entry; each fault names file and path."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from paas_stream.selection import provider_schema
from paas_stream.selection.provider_entries import SECTIONS, Entry, Files, Place, known, places
from paas_stream.selection.provider_schema import ProviderFile, Sla


@dataclass(frozen=True)
class Agreement:
    """An SLA with the group and the issuer that it belongs to."""

    sla: Sla
    user_group: str
    issuer: str


def agreements(files: Mapping[Path, ProviderFile]) -> dict[str, Agreement]:
    """All SLAs by `doc_uuid`."""
    return {
        sla.doc_uuid: Agreement(sla, group.name, idp.issuer)
        for content in files.values()
        for idp in content.trusted_idps
        for group in idp.user_groups
        for sla in group.slas
    }


@dataclass(frozen=True)
class _Named:
    """What providers may refer to; None: some of it cannot be read, and so all may be there."""

    slas: Mapping[str, str | None] | None  # by `doc_uuid`; the issuer, None: it cannot be read
    credentials: frozenset[str] | None


def faults(files: Files) -> list[str]:
    """Every rule that is broken, in the order of the files, by what can be read of them."""
    entries = [entry for entry in files.values() if entry is not None]
    found = [
        *_repeated(known(_slas(entries)), "the SLA"),
        *_repeated(known(_provider_names(entries)), "the provider"),
        *_repeated(known(_credentials(entries)), "the credentials"),
    ]
    is_whole = len(entries) == len(files)
    named = _Named(
        _issuers_of_slas(entries) if is_whole and None not in _slas(entries) else None,
        _names(_credentials(entries)) if is_whole and None not in _credentials(entries) else None,
    )
    for entry in entries:
        found.extend(_issuer_faults(entry))
        for section in SECTIONS:
            for provider in entry.each(section):
                if provider is not None:
                    found.extend(_provider_faults(section, provider, named))
    return found


def _repeated(some: Iterable[Place], what: str) -> Iterator[str]:
    first: dict[str, Place] = {}
    for place in some:
        before = first.setdefault(place.value, place)
        if before is not place:
            where = before.path if before.file == place.file else f"{before.file}: {before.path}"
            yield place.fault(f"{what} {place.value!r} is given before, at {where}")


def _names(some: Iterable[Place | None]) -> frozenset[str]:
    return frozenset(place.value for place in some if place is not None)


def _slas(entries: list[Entry]) -> list[Place | None]:
    return [
        place
        for entry in entries
        for place in places(entry.each("trusted_idps", "user_groups", "slas"), "doc_uuid")
    ]


def _provider_names(entries: list[Entry]) -> list[Place | None]:
    return [
        place
        for entry in entries
        for section in SECTIONS
        for place in places(entry.each(section), "name")
    ]


def _credentials(entries: list[Entry]) -> list[Place | None]:
    found: list[Place | None] = []
    for entry in entries:
        named = entry.data.get("credentials", {})
        if isinstance(named, Mapping):
            found += (Place(str(name), entry.file, f"credentials.{name}") for name in named)
        else:
            found.append(None)
    return found


def _issuers_of_slas(entries: list[Entry]) -> dict[str, str | None]:
    return {
        sla.value: issuer.value if issuer else None
        for entry in entries
        for idp in entry.each("trusted_idps")
        if idp is not None
        for issuer in [idp.place("issuer")]
        for sla in known(places(idp.each("user_groups", "slas"), "doc_uuid"))
    }


def _issuer_faults(entry: Entry) -> Iterator[str]:
    # Another file may name the same issuer and group again: each file can stand alone.
    yield from _repeated(known(places(entry.each("trusted_idps"), "issuer")), "the issuer")
    for idp in entry.each("trusted_idps"):
        if idp is not None:
            yield from _repeated(known(places(idp.each("user_groups"), "name")), "the user group")


def _provider_faults(section: str, provider: Entry, named: _Named) -> Iterator[str]:
    issuers = places(provider.each("identity_providers"), "endpoint")
    regions = places(provider.each("regions"), "name")
    slas = known(places(provider.each("projects"), "sla"))
    yield from _repeated(known(issuers), "the issuer")
    yield from _repeated(known(regions), "the region")
    yield from _repeated(known(places(provider.each("projects"), "id")), "the project")
    yield from _repeated(slas, "the SLA")
    if named.slas is not None:
        yield from _unknown_slas(slas, issuers, named.slas)
    if named.credentials is not None:
        for place in known(places(provider.each("projects"), "credentials")):
            if place.value not in named.credentials:
                yield place.fault(f"no credentials of the name {place.value!r} are configured")
    if None not in regions:
        here = _names(regions) if "regions" in provider.data else _DEFAULT_REGIONS[section]
        for place in known(places(provider.each("projects", "per_region_props"), "region_name")):
            if place.value not in here:
                yield place.fault(f"there is no region {place.value!r}")


def _unknown_slas(
    slas: list[Place], issuers: list[Place | None], named: Mapping[str, str | None]
) -> Iterator[str]:
    for place in slas:
        if place.value not in named:
            yield place.fault(f"no group of trusted_idps has the SLA {place.value!r}")
            continue
        issuer = named[place.value]
        if issuer and issuers and None not in issuers and issuer not in _names(issuers):
            yield place.fault(f"its issuer {issuer} is not among identity_providers")


def _default_regions(model: type[provider_schema.Entry]) -> frozenset[str]:
    return frozenset(region.name for region in model.model_fields["regions"].default)


_DEFAULT_REGIONS = {
    "openstack": _default_regions(provider_schema.OpenStackProvider),
    "kubernetes": _default_regions(provider_schema.KubernetesProvider),
    "static": _default_regions(provider_schema.StaticProvider),
}
