"""The page about watching names every metric that there is, with its labels, and no other."""

import re
from pathlib import Path

import pytest

from paas_stream.durable.metrics import REGISTRY
from paas_stream.settings import Settings
from web import views

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "watching.md").read_text()
TABLE = PAGE.partition("| metric |")[2].partition("\n\n")[0]
ENDINGS = {"counter": "_total", "info": "_info"}


def existing() -> set[str]:
    """Metrics of the application; those of the process are the library's."""
    assert views
    return {
        family.name + ENDINGS.get(family.type, "")
        for family in REGISTRY.collect()
        if not family.name.startswith(("paas_stream_process_", "paas_stream_unit_"))
    }


def test_every_metric_is_explained() -> None:
    assert set(re.findall(r"`(paas_stream_[a-z_]*[a-z])`", TABLE)) == existing()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(PAAS_[A-Z_]+)`", PAGE))))
def test_every_setting_that_is_named_exists(name: str) -> None:
    _, subject, field = name.lower().split("_", 2)
    assert field in type(getattr(Settings(), subject)).model_fields
