"""Queues at the end of a recovery: agents' are cleared, the changelogs' after an assignment only."""

from types import SimpleNamespace
from typing import Any

import pytest
from mode.utils.queues import FlowControlQueue

from paas_stream.durable.flow import FlowControl


class Queues:
    """Flow control with a queue of each kind."""

    def __init__(self) -> None:
        self.tables = SimpleNamespace(changelog_queue=None)
        app: Any = SimpleNamespace(loop=None, tables=self.tables)
        self.flow = FlowControl(app)
        self.agent: Any = FlowControlQueue(flow_control=self.flow, clear_on_resume=True)
        self.changelog: Any = FlowControlQueue(flow_control=self.flow, clear_on_resume=True)
        self.tables.changelog_queue = self.changelog

    def fill(self) -> None:
        self.agent.force_put_nowait("event")
        self.changelog.force_put_nowait("record")

    @property
    def sizes(self) -> tuple[int, int]:
        return self.agent.qsize(), self.changelog.qsize()


@pytest.fixture
async def queues() -> Queues:
    return Queues()


async def test_what_is_left_from_before_an_assignment_is_cleared(queues: Queues) -> None:
    queues.flow.resume()
    queues.fill()
    queues.flow.suspend()
    queues.flow.begin()
    queues.flow.resume()
    assert queues.sizes == (0, 0)


async def test_what_is_read_in_a_recovery_stays_for_the_tables(queues: Queues) -> None:
    queues.flow.begin()
    queues.flow.resume()
    queues.fill()
    queues.flow.resume()
    assert queues.sizes == (0, 1)


async def test_all_is_cleared_when_partitions_are_revoked(queues: Queues) -> None:
    queues.flow.resume()
    queues.fill()
    queues.flow.clear()
    assert queues.sizes == (0, 0)


async def test_it_holds_records_back_while_it_is_suspended(queues: Queues) -> None:
    assert not queues.flow.is_active()
    queues.flow.resume()
    assert queues.flow.is_active()
    queues.flow.suspend()
    assert not queues.flow.is_active()
