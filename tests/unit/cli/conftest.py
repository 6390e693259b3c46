"""The command line in process, with settings of its own and a stand-in for the REST API."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.rest_stub import RestStub

from paas_stream.cli.main import cli
from paas_stream.settings import get_settings

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No setting of the surroundings, an empty folder, and nothing kept for later tests."""
    for name in [name for name in os.environ if name.startswith("PAAS_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


@pytest.fixture
def run() -> Run:
    """`run("show", uuid, PAAS_WEB_PORT="7000")`: a command of ours, to its end."""

    def invoke(*words: str, **environment: str) -> Result:
        get_settings.cache_clear()
        return CliRunner(env=environment).invoke(cli, words, prog_name="paas-stream")

    return invoke


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[RestStub]:
    """The REST API that the commands ask."""
    with RestStub() as stub:
        monkeypatch.setenv("PAAS_URL", stub.url)
        yield stub
