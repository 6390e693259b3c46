"""A Faust application that is never started, with the product's settings."""

from pathlib import Path

import pytest

from paas_stream.durable.app import DurableApp
from paas_stream.durable.exits import Exit
from paas_stream.settings import Settings


class EndedError(BaseException):
    """Stands for the end of the process."""

    def __init__(self, code: Exit, reason: str) -> None:
        super().__init__(f"{code.name}: {reason}")
        self.code = code


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        state={"dir": tmp_path},
        kafka={"url": "127.0.0.1:1"},
        stream={"id": "unit", "partitions": 2},
    )


@pytest.fixture
async def app(settings: Settings, tmp_path: Path) -> DurableApp:
    return DurableApp(settings, datadir=tmp_path / "data")


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> type[EndedError]:
    """What is raised where the process would end."""

    def end(code: Exit, reason: str) -> None:
        raise EndedError(code, reason)

    for module in ("agents", "app", "changelog"):
        monkeypatch.setattr(f"paas_stream.durable.{module}.end_process", end)
    return EndedError
