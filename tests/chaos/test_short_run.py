"""A short chaos run; `make chaos` makes long ones. A failure says how to play it again."""

from pathlib import Path

import pytest
from chaos.run import Plan, carry_out

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.im,
    pytest.mark.chaos,
    pytest.mark.timeout(1400),  # SETTLE_S twice, and the run
]

PLAN = Plan(deployments=25, faults=8, seed=3, duration_s=40.0)


async def test_nothing_is_lost_nothing_is_done_twice(tmp_path: Path) -> None:
    result = await carry_out(PLAN, tmp_path)
    again = f"--deployments {PLAN.deployments} --faults {PLAN.faults} --seed {PLAN.seed}"
    assert result.violations == [], f'make chaos ARGS="{again} --seconds {PLAN.duration_s:.0f}"'
    assert sum(result.injected.values()) == PLAN.faults
    assert result.recoveries, "workers were restarted"
