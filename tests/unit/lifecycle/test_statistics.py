"""Statistics of deployments: counted on each worker, and the same when they are added up."""

from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.lifecycle import T0, UUID

from paas_stream.lifecycle.deployment import DeploymentRow, Ending
from paas_stream.lifecycle.statistics import LEAST_S, Statistics

ROW = DeploymentRow(UUID, T0, T0, created=T0, template_name="vm")


def completed(seconds: float) -> DeploymentRow:
    return replace(ROW, create_end=Ending(True, T0 + seconds), provider_name="site-a")


def counted(rows: list[DeploymentRow]) -> Statistics:
    made = Statistics()
    for row in rows:
        made.count(row)
    return made


rows = st.lists(
    st.sampled_from([ROW, replace(ROW, create_end=Ending(False, T0 + 5)), completed(9)])
    | st.floats(0, 1e6).map(completed),
    max_size=20,
)


@given(rows, rows)
def test_of_two_workers_they_are_those_of_all_their_deployments(
    here: list[DeploymentRow], there: list[DeploymentRow]
) -> None:
    both = counted(here)
    both.add([Statistics.read(orjson.loads(orjson.dumps(counted(there).data())))])
    assert both == counted(here + there)


@given(st.lists(st.floats(LEAST_S, 1e6), min_size=1, max_size=50), st.sampled_from([0.5, 0.95, 1]))
def test_percentiles_are_right_to_within_a_twentieth(times: list[float], share: float) -> None:
    exact = sorted(times)[max(0, -int(-share * len(times) // 1) - 1)]
    found = counted([completed(one) for one in times]).percentile(share)
    assert found == pytest.approx(exact, rel=0.05)


def test_without_a_success_there_is_no_percentile() -> None:
    assert counted([ROW, replace(ROW, create_end=Ending(False, T0))]).percentile(0.5) is None


@pytest.mark.parametrize("seconds", [0.0, -3.0])
def test_a_duration_that_a_clock_has_spoilt_counts_as_the_least(seconds: float) -> None:
    assert counted([completed(seconds)]).percentile(0.5) == pytest.approx(LEAST_S, rel=0.05)
