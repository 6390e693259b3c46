"""IM dispatcher: polls repeat in memory, and only news becomes an event."""

import pytest
from support import lifecycle as make
from support.bench import Bench, Clock, Runner
from support.dispatching import attempt, creating, give_all, polling
from support.lifecycle import T0, UUID

from agents import im_dispatcher as module
from agents import im_runner
from paas_stream.app import app
from paas_stream.durable.effects import Leased
from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome, Phase
from paas_stream.records import (
    DeploymentResult,
    DispatchEvent,
)
from tables.dispatches import dispatches

SETTINGS = app.settings.dispatch


@pytest.fixture
def line(bench: Bench, clock: Clock, runner: Runner) -> Bench:
    """A bench whose effects are noted in its journal."""
    return bench


async def test_what_the_im_has_accepted_is_told_and_polled(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    effect = await creating(line, runner)
    await give_all(line, make.answer(effect, Outcome.CREATED, infrastructures=("inf-1",)))
    assert line.order() == ["DeploymentResult", "dispatches", "Acknowledged"]
    assert line.sent(DeploymentResult)[0].kind == "accepted"
    assert len(im_runner.polls) == 1
    await line.run(im_runner.poll)
    assert runner.issued() == [], "not at once"
    clock.now += SETTINGS.poll_min_s
    await line.run(im_runner.poll)
    (poll,) = runner.issued()
    assert (poll.kind, poll.infrastructures) == (EffectKind.POLL, ("inf-1",))
    await line.run(im_runner.poll)
    assert len(runner.issued()) == 1, "one at a time"


async def test_a_poll_without_news_is_followed_by_one_after_a_growing_interval(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    poll = await polling(line, runner)
    waits = []
    for _ in range(100):
        await im_runner._report(Leased(poll.key, poll, 0.0), None)
        begun = clock.now
        while not runner.issued():
            clock.now += 0.5
            await line.run(im_runner.poll)
        waits.append(clock.now - begun)
        line.journal.clear()
    assert waits == sorted(waits)
    assert waits[0] <= SETTINGS.poll_min_s + 0.5
    assert SETTINGS.poll_max_s <= waits[-1] <= SETTINGS.poll_max_s + 0.5


async def test_a_poll_of_which_nothing_is_heard_is_started_again_after_its_lease(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    await polling(line, runner)
    clock.now += SETTINGS.poll_min_s
    await line.run(im_runner.poll)
    clock.now += im_runner.policy.call_s + im_runner.policy.margin_s
    await line.run(im_runner.poll)
    assert len(runner.issued()) == 2


async def test_news_of_a_poll_become_an_event_and_the_next_poll_knows_them(
    line: Bench, runner: Runner
) -> None:
    poll = await polling(line, runner)
    news = make.answer(poll, Outcome.STATE, state="running", machines=1)
    await im_runner._report(Leased(poll.key, poll, 0.0), news)
    (event,) = line.sent(DispatchEvent)
    await give_all(line, event)
    (later,) = dispatch.polls(dispatches.get(UUID))  # type: ignore[arg-type]
    assert (later.known_state, later.known_machines) == ("running", True)
    await im_runner._report(Leased(poll.key, poll, 0.0), None)
    assert len(im_runner.polls) == 1, "the answer to an older poll arms nothing else"


async def test_what_is_configured_is_not_polled_any_more(line: Bench, runner: Runner) -> None:
    poll = await polling(line, runner)
    await give_all(line, make.answer(poll, Outcome.STATE, state="configured", machines=1))
    assert attempt().phase is Phase.CONFIRMING
    assert len(im_runner.polls) == 0
    assert [one.kind for one in runner.issued()] == [EffectKind.CONFIRM]


async def test_a_delete_stops_the_polls_and_cleans_up(line: Bench, runner: Runner) -> None:
    await polling(line, runner)
    await give_all(line, make.command("delete", T0 + 9))
    assert len(im_runner.polls) == 0
    assert [one.kind for one in runner.issued()] == [EffectKind.CLEAN]


async def test_no_poll_is_started_before_the_tables_are_filled(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    await polling(line, runner)
    clock.now += 100.0
    line.ready.tables_ready = False
    await line.run(im_runner.poll)
    assert runner.issued() == []


async def test_partitions_that_are_revoked_take_polls_ticks_and_queued_effects_with_them(
    line: Bench, runner: Runner
) -> None:
    await polling(line, runner)
    await im_runner.revoked()
    await module.ticks._clear()
    assert len(im_runner.polls) == 0
    assert len(module.ticks) == 0
    assert runner.dropped == 1


async def test_whoever_gets_the_rows_polls_and_ticks_for_them(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    await polling(line, runner)
    await im_runner.revoked()
    await module.ticks._rebuild()
    assert len(im_runner.polls) == 1
    assert len(module.ticks) == 1
    clock.now += SETTINGS.poll_min_s
    await line.run(im_runner.poll)
    assert [one.kind for one in runner.issued()] == [EffectKind.POLL]


async def test_results_of_effects_are_sent_as_events(line: Bench, runner: Runner) -> None:
    effect = await creating(line, runner)
    result = make.answer(effect, Outcome.FAULT, message="connection refused")
    await im_runner._report(Leased(effect.key, effect, 0.0), result)
    assert line.sent(DispatchEvent) == [result]


@pytest.mark.parametrize("waiting", [0, 3])
async def test_inspections_hear_whether_other_effects_wait(
    line: Bench, runner: Runner, monkeypatch: pytest.MonkeyPatch, waiting: int
) -> None:
    heard = []

    def due(now: float, interval_s: float, *, others_wait: bool) -> list[Effect]:
        heard.append(others_wait)
        return []

    monkeypatch.setattr(im_runner.inspections, "due", due)
    runner.waiting = waiting
    await line.run(im_runner.poll)
    assert heard == [waiting > 0]
