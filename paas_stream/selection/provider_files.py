"""Provider files: which providers there are, for whom, and how they are entered.

`read` takes all files or none: a federation is made of files without any fault, so that the one in
force is never half of two. Credentials are resolved when they are asked for, so that a rotated
password needs no restart.
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from paas_stream.errors import ConfigurationError
from paas_stream.records import Feeder, Flavor, Image, Network, Quota, StorageClass
from paas_stream.selection import (
    credentials,
    provider_checks,
    provider_entries,
    readings,
    yaml_text,
)
from paas_stream.selection.credentials import Credentials
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_entries import Entry
from paas_stream.selection.provider_schema import (
    CredentialsEntry,
    KubernetesProvider,
    OpenStackProvider,
    ProviderFile,
    Region,
    StaticProject,
    StaticProvider,
)
from paas_stream.selection.readings import Site


@dataclass(frozen=True)
class Federation:
    """All provider files together, without any fault."""

    agreements: Mapping[str, Agreement] = field(default_factory=dict)  # by SLA
    openstack: tuple[OpenStackProvider, ...] = ()
    kubernetes: tuple[KubernetesProvider, ...] = ()
    static: tuple[StaticProvider, ...] = ()
    # name -> entry, and the folder of its file
    credential_entries: Mapping[str, tuple[CredentialsEntry, Path]] = field(default_factory=dict)

    def static_feeders(self, now: datetime) -> tuple[Feeder, ...]:
        """One message per static provider, region and project, as read at `now`."""
        return tuple(
            _static_feeder(provider, region, project, self.agreements[project.sla], now)
            for provider in self.static
            for region in provider.regions
            for project in provider.projects
        )

    def sites(self) -> tuple[Site, ...]:
        """What is read at once: each project in each region of the providers whose API is read."""
        providers: tuple[OpenStackProvider | KubernetesProvider, ...]
        providers = (*self.openstack, *self.kubernetes)
        return tuple(
            Site(provider, region, project, self.agreements[project.sla])
            for provider in providers
            for region in provider.regions
            for project in provider.projects
        )

    def credentials(self, name: str, env: Mapping[str, str] = os.environ) -> Credentials:
        """The credentials `name`, read now.

        Raises ConfigurationError when there are none of this name, or when a variable or a file
        is missing or empty.
        """
        if name not in self.credential_entries:
            raise ConfigurationError(
                f"credentials {name!r} are not configured", code="credentials_missing"
            )
        entry, folder = self.credential_entries[name]
        return credentials.resolve(name, entry, folder, env)


def read(files: Iterable[Path]) -> Federation:
    """The federation that these files describe.

    Raises ConfigurationError with every fault of every file, one a line: file, path in the YAML,
    sentence. Rules across entries are checked by what can be read of files with other faults.
    """
    contents: dict[Path, ProviderFile] = {}
    entries: dict[Path, Entry | None] = {}
    faults: list[str] = []
    for file in dict.fromkeys(files):
        entries[file], content = _read_file(file, faults)
        if content:
            contents[file] = content
    faults += [*provider_checks.faults(entries), *_missing_files(entries)]
    if faults:
        raise ConfigurationError("\n".join(faults), code="provider_files")
    return Federation(
        agreements=provider_checks.agreements(contents),
        openstack=tuple(p for c in contents.values() for p in c.openstack),
        kubernetes=tuple(
            _beside(file, provider)
            for file, content in contents.items()
            for provider in content.kubernetes
        ),
        static=tuple(p for c in contents.values() for p in c.static),
        credential_entries={
            name: (entry, file.parent)
            for file, content in contents.items()
            for name, entry in content.credentials.items()
        },
    )


def _beside(file: Path, provider: KubernetesProvider) -> KubernetesProvider:
    """With the path of its authorities as it is seen from here; it is given from its file's folder."""
    if provider.ca_path is None:
        return provider
    return provider.model_copy(update={"ca_path": file.parent / provider.ca_path})


def _missing_files(entries: provider_entries.Files) -> Iterator[str]:
    for file, entry in entries.items():
        for provider in entry.each("kubernetes") if entry else ():
            place = provider.place("ca_path") if provider else None
            if place is not None and not (ca := file.parent / place.value).is_file():
                yield place.fault(f"there is no file {ca}")


def _read_file(file: Path, faults: list[str]) -> tuple[Entry | None, ProviderFile | None]:
    try:
        data, sentences = yaml_text.load(file.read_text(encoding="utf-8"))
    except OSError as exc:
        data, sentences = None, [f"cannot be read ({exc.strerror})"]
    except UnicodeDecodeError:
        data, sentences = None, ["not UTF-8 text"]
    entry = content = None
    if not sentences:
        entry = provider_entries.top(file, data)
        content, sentences = _validated({} if data is None else data)
    faults.extend(f"{file}: {sentence}" for sentence in sentences)
    return entry, content


def _validated(data: Any) -> tuple[ProviderFile | None, list[str]]:
    try:
        # As JSON, because pydantic's strict mode then takes lists for tuples and text for dates.
        # Not orjson: it would turn infinity into null, and so into a quota that is not known.
        return ProviderFile.model_validate_json(json.dumps(data, default=_plain)), []
    except ValidationError as exc:
        return None, list(_sentences(exc))
    except (TypeError, ValueError, RecursionError) as exc:
        return None, [f"a value that JSON does not have: {exc}"]


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a value of type {type(value).__name__}")


def _sentences(exc: ValidationError) -> Iterator[str]:
    errors = exc.errors(include_url=False, include_input=False)
    for error in errors:
        place = error["loc"]
        # pydantic calls a list too short when it has dropped a faulty item, which is told already
        if error["type"] == "too_short" and any(
            len(other["loc"]) > len(place) and other["loc"][: len(place)] == place
            for other in errors
        ):
            continue
        yield f"{_path(place)}: {error['msg'].removeprefix('Value error, ')}"


def _path(parts: tuple[int | str, ...]) -> str:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return path.removeprefix(".") or "(top level)"


def _static_feeder(
    provider: StaticProvider,
    region: Region,
    project: StaticProject,
    agreement: Agreement,
    now: datetime,
) -> Feeder:
    quotas = provider.quotas if project.quotas is None else project.quotas
    networks = provider.networks if project.networks is None else project.networks
    return Feeder(
        timestamp=now,
        provider_type=provider.type,
        provider_endpoint=provider.endpoint,
        quotas=tuple(Quota(**dict(row)) for row in quotas),
        flavors=tuple(Flavor(**dict(row)) for row in provider.flavors),
        images=tuple(Image(**dict(row)) for row in provider.images),
        networks=tuple(Network(**dict(row)) for row in networks),
        storage_classes=tuple(StorageClass(**dict(row)) for row in provider.storage_classes),
        **readings.said(provider, region, project, agreement),
    )
