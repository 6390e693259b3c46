"""Dispatcher: room in a provider's quota is asked for before each create, and given back."""

import pytest
from support.lifecycle import POLICY, T0, Dispatcher, command, ranked, tick, validated

from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome, Phase
from paas_stream.records import QuotaRequest

LEASE_S = POLICY.call_s + POLICY.margin_s


@pytest.fixture
def it() -> Dispatcher:
    return Dispatcher(has_room=False)


def asked(it: Dispatcher, providers: int = 2, **options: int) -> Effect:
    """As far as the first request for room."""
    it.feed(validated(**options))
    it.feed(ranked(providers))
    return it.only(EffectKind.HOLD)


def told(it: Dispatcher) -> list[tuple[int, str]]:
    """What the quota keeper was told besides requests for room."""
    return [(one.attempt, one.request) for one in it.said if isinstance(one, QuotaRequest)]


class TestWhoIsGrantedRoom:
    def test_creates(self, it: Dispatcher) -> None:
        it.reply(asked(it), Outcome.GRANTED)
        assert it.only(EffectKind.CREATE).attempt == 1

    def test_creates_once_however_often_it_is_granted(self, it: Dispatcher) -> None:
        hold = asked(it)
        it.reply(hold, Outcome.GRANTED)
        row = it.row
        it.reply(hold, Outcome.GRANTED)
        it.reply(hold, Outcome.REFUSED, message="a replay has found less")
        assert (it.row, it.effects) == (row, [])

    def test_tells_once_that_all_its_machines_are_there(self, it: Dispatcher) -> None:
        it.reply(asked(it), Outcome.GRANTED)
        poll = it.created(it.only())
        it.state(poll, "pending", machines=0)
        assert told(it) == []
        it.state(it.polls()[-1], "running")
        assert told(it) == [(1, "created")]
        it.state(it.polls()[-1], "configured")
        it.reply(it.only(EffectKind.CONFIRM), Outcome.CONFIRMED, outputs="sealed")
        assert told(it) == [(1, "created")]

    def test_gives_it_back_when_nothing_is_left(self, it: Dispatcher) -> None:
        it.reply(asked(it), Outcome.GRANTED)
        it.reply(it.only(EffectKind.CREATE), Outcome.REFUSED, message="no quota")
        assert told(it) == []
        it.clean()
        assert told(it) == [(1, "release")]

    def test_gives_it_back_after_a_delete(self, it: Dispatcher) -> None:
        it.reply(asked(it), Outcome.GRANTED)
        it.succeed(it.only())
        it.feed(command("delete", it.now + 1), 1.0)
        it.clean()
        assert told(it) == [(1, "created"), (1, "release")]


class TestWhoIsRefusedRoom:
    def test_goes_to_the_next_provider_at_once_and_says_why(self, it: Dispatcher) -> None:
        it.reply(asked(it), Outcome.REFUSED, message="2 vCPUs are needed, 0 of 4 are free")
        assert it.attempt(1).phase is Phase.CLEAN
        assert it.only(EffectKind.HOLD).attempt == 2
        results = [one for one in it.said if getattr(one, "kind", "") == "attempt"]
        assert [(one.failure, one.reason) for one in results] == [
            ("quota", "2 vCPUs are needed, 0 of 4 are free")
        ]

    def test_has_not_tried_a_provider(self, it: Dispatcher) -> None:
        """`maxProvidersRetry` counts those that were asked to create something."""
        it.reply(asked(it, 3, max_providers=1), Outcome.REFUSED, message="no room")
        it.reply(it.only(EffectKind.HOLD), Outcome.GRANTED)
        it.reply(it.only(EffectKind.CREATE), Outcome.REFUSED, message="no quota")
        it.clean()
        assert it.effects == []
        assert it.final().success is False

    def test_everywhere_fails_with_all_reasons(self, it: Dispatcher) -> None:
        it.reply(asked(it), Outcome.REFUSED, message="no vCPUs")
        it.reply(it.only(EffectKind.HOLD), Outcome.REFUSED, message="no RAM")
        reason = it.final().reason or ""
        assert "1. p1 (default): no vCPUs; 2. p2 (default): no RAM" in reason


class TestARequestThatIsNotAnswered:
    def test_is_made_again_after_its_lease(self, it: Dispatcher) -> None:
        first = asked(it)
        it.tick()
        assert it.now >= T0 + LEASE_S
        assert it.only(EffectKind.HOLD).issue == first.issue + 1

    def test_ends_with_the_attempt_and_nothing_is_cleaned(self, it: Dispatcher) -> None:
        asked(it, 1, provider_min=1)
        it.tick_until(it.attempt().deadline + 1)
        it.feed(tick())
        assert (it.attempt().failure, it.attempt().phase) == ("timeout", Phase.CLEAN)
        assert told(it) == [(1, "release")]
        assert it.final().success is False

    @pytest.mark.parametrize("name", ["cancel", "delete"])
    def test_is_taken_back_by_a_command(self, it: Dispatcher, name: str) -> None:
        hold = asked(it)
        it.feed(command(name, it.now + 1), 1.0)
        assert told(it) == [(1, "release")]
        assert it.effects == []
        it.reply(hold, Outcome.GRANTED)
        assert it.effects == []
        assert it.attempt().phase is Phase.CLEAN
        assert it.finals()[-1].success is (name == "delete")
