"""Texts of provider files, and what becomes of them."""

from pathlib import Path

import pytest

from paas_stream.errors import ConfigurationError
from paas_stream.selection import provider_files
from paas_stream.selection.provider_files import Federation

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
