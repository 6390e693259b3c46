"""What the model looks at: missing is missing, and a row survives its message."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.ranking import features
from paas_stream.ranking.rates import Memory
from paas_stream.records import Candidate, Target

TARGET = Target(type="dummy", endpoint="http://a.example.org", project="p")


def row(**fields: Any) -> dict[str, float]:
    given_ = {"provider_name": "a", "region_name": "r", "target": TARGET, **fields}
    (found,) = features.rows([Candidate.model_validate(given_)], "vm", Memory({}))
    return dict(zip(features.NAMES, found.tolist(), strict=True))


QUOTAS = ("vcpus", "ram_gb", "n_instances", "storage_gb", "n_volumes", "floating_ips")


@pytest.mark.parametrize("quota", QUOTAS)
def test_an_unlimited_quota_is_missing_and_no_number(quota: str) -> None:
    found = row(**{f"{quota}_quota": -1, f"{quota}_requ": 3})
    assert math.isnan(found[f"{quota}_free"])
    assert math.isnan(found[f"{quota}_free_share"])
    known = row(**{f"{quota}_quota": 10, f"{quota}_usage": 4, f"{quota}_requ": 3})
    assert known[f"{quota}_free"] == 3
    assert known[f"{quota}_free_share"] == pytest.approx(0.3)
    assert known["least_free_share"] == pytest.approx(0.3)


@pytest.mark.parametrize("days", ["1d", "7d", "30d"])
def test_a_window_of_rally_without_tests_is_missing(days: str) -> None:
    name = f"test_failure_perc_{days}"
    assert math.isnan(row(**{name: -1.0})[name])
    assert row(**{name: 0.0})[name] == 0.0


def test_nothing_known_is_missing_everywhere_where_it_is_unknown() -> None:
    found = row()
    assert math.isnan(found["least_free_share"])
    assert not any(value == -1.0 for value in found.values())


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6, width=32)), min_size=1, max_size=50))
def test_a_row_in_a_message_is_the_same_row(values: list[float | None]) -> None:
    given_ = np.array(features.read(values), dtype=np.float32)
    again = np.array(features.read(features.told(given_)), dtype=np.float32)
    assert np.array_equal(np.isnan(given_), np.isnan(again))
    assert np.allclose(given_, again, rtol=1e-5, equal_nan=True)
