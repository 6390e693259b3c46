"""Texts of provider files, and what becomes of them."""

from datetime import date
from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError
from paas_stream.selection import provider_files
from paas_stream.selection.provider_checks import Agreement
from paas_stream.selection.provider_files import Federation
from paas_stream.selection.provider_schema import KubernetesProvider, Sla
from paas_stream.selection.readings import Site

IDPS = """
trusted_idps:
  - issuer: https://iam.example.org/
    user_groups:
      - name: physics
        slas:
          - {doc_uuid: sla-1, start_date: 2025-01-01, end_date: 2027-12-31}
          - {doc_uuid: sla-2, start_date: "2025-01-01", end_date: "2025-12-31"}
"""
STATIC = """
static:
  - name: site-a
    type: dummy
    endpoint: https://a.example.org:5000/v3
    projects: [{id: p, sla: sla-1}]
"""


def read(folder: Path, *texts: str) -> Federation:
    """The federation of files with these texts, `1.yaml` and so on."""
    files = []
    for number, text in enumerate(texts, 1):
        file = folder / f"{number}.yaml"
        file.write_text(text, encoding="utf-8")
        files.append(file)
    return provider_files.read(files)


def faults(folder: Path, *texts: str) -> list[str]:
    """What they are refused for, without the folder."""
    with pytest.raises(ConfigurationError) as caught:
        read(folder, *texts)
    return [line.removeprefix(f"{folder}/") for line in caught.value.message.splitlines()]


def cluster(name: str, status: str = "active") -> Site:
    """A cluster with one project, as a provider file has it."""
    provider = KubernetesProvider.model_validate(
        {
            "name": name,
            "status": status,
            "auth_url": "https://k8s",
            "identity_providers": [{"endpoint": "https://iam/", "name": "iam"}],
            "projects": [{"id": "physics", "sla": "s"}],
        },
        strict=False,
    )
    sla = Sla(doc_uuid="s", start_date=date(2025, 1, 1), end_date=date(2099, 12, 31))
    agreement = Agreement(sla, "physics", "https://iam/")
    return Site(provider, provider.regions[0], provider.projects[0], agreement)
