"""What a poll of the IM tells the row of its attempt."""

from typing import Any

import pytest
from support.lifecycle import UUID

from paas_stream.lifecycle.attempt import Effect, EffectKind
from paas_stream.lifecycle.polling import SLOW_S, is_news, is_to_be_explained

SINCE = 100.0


def poll(**known: Any) -> Effect:
    return Effect(UUID, 1, 1, EffectKind.POLL, 0, ("inf-1",), since=SINCE, **known)


class TestContainersThatDoNotRun:
    @pytest.mark.parametrize(
        ("state", "machines", "after_s", "asked"),
        [
            ("pending", 1, SLOW_S - 0.1, False),  # it may be about to run
            ("pending", 1, SLOW_S, True),
            ("pending", 0, SLOW_S, False),  # the cluster has none of them
            ("failed", 1, 0.0, True),
            ("failed", 0, 0.0, False),
            ("configured", 1, 1000.0, False),
            ("unconfigured", 1, 1000.0, False),
        ],
    )
    def test_are_asked_about_when_they_take_long_or_have_failed(
        self, state: str, machines: int, after_s: float, *, asked: bool
    ) -> None:
        assert is_to_be_explained(poll(), state, machines, SINCE + after_s) is asked


class TestNews:
    KNOWN = poll(known_state="pending", known_machines=True, known_reason="no image")

    @pytest.mark.parametrize(
        ("state", "machines", "reason", "told"),
        [
            ("pending", 1, "", False),
            ("pending", 3, "", False),  # how many there are is none
            ("pending", 1, "no image", False),
            ("pending", 1, "no room", True),
            ("pending", 0, "", True),
            ("running", 1, "", True),
        ],
    )
    def test_are_another_state_the_first_machine_and_another_reason(
        self, state: str, machines: int, reason: str, *, told: bool
    ) -> None:
        assert is_news(self.KNOWN, state, machines, reason) is told

    def test_is_an_answer_after_a_fault(self) -> None:
        assert is_news(poll(known_state="pending", known_fault=True), "pending", 0)
