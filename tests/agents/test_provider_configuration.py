"""The provider files of a worker: the last good ones are in force."""

import os
from pathlib import Path

import pytest

from agents.provider_configuration import ProviderConfiguration
from paas_stream.errors import ConfigurationError
from paas_stream.selection import provider_files

FILE = """
trusted_idps:
  - issuer: https://iam.example.org/
    user_groups: [{name: g, slas: [{doc_uuid: s, start_date: 2025-01-01, end_date: 2030-01-01}]}]
static:
  - {name: SITE, type: dummy, endpoint: "https://a", projects: [{id: p, sla: s}]}
"""


class Files:
    """One provider file; each text is a change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.changes = 0

    def write(self, text: str) -> None:
        self.changes += 1
        self.path.write_text(text)
        os.utime(self.path, (self.changes, self.changes))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    made = Files(tmp_path / "providers.yaml")
    made.write(FILE)
    return made


def names(configuration: ProviderConfiguration) -> list[str]:
    return [one.name for one in configuration.federation().static]


def test_files_are_read_again_when_they_have_changed(files: Files) -> None:
    configuration = ProviderConfiguration([files.path])
    assert names(configuration) == ["SITE"]
    assert not configuration.reload()
    files.write(FILE.replace("SITE", "OTHER"))
    assert names(configuration) == ["SITE"]
    assert configuration.reload()
    assert names(configuration) == ["OTHER"]


@pytest.mark.parametrize("fault", ["static: [", "static: [{}]", None])
def test_a_fault_is_told_once_and_the_last_good_files_stay(files: Files, fault: str | None) -> None:
    configuration = ProviderConfiguration([files.path])
    assert names(configuration) == ["SITE"]
    if fault is None:
        files.path.unlink()
    else:
        files.write(fault)
    with pytest.raises(ConfigurationError, match=str(files.path)):
        configuration.reload()
    assert not configuration.reload()
    assert names(configuration) == ["SITE"]
    files.write(FILE.replace("SITE", "OTHER"))
    assert configuration.reload()
    assert names(configuration) == ["OTHER"]


def test_files_that_were_never_good_are_refused_each_time_and_read_when_they_have_changed(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    files.write("static: [")
    configuration = ProviderConfiguration([files.path])
    reads = []
    read = provider_files.read
    monkeypatch.setattr(provider_files, "read", lambda some: (reads.append(1), read(some))[1])
    for _ in range(2):
        with pytest.raises(ConfigurationError, match=str(files.path)):
            configuration.federation()
    assert len(reads) == 1
    assert configuration.fault is not None
    files.write(FILE)
    assert names(configuration) == ["SITE"]
    assert configuration.fault is None
