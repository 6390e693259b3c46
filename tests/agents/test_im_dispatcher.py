"""IM dispatcher: inputs, messages, row and effects of each event, in the order that a crash needs."""

import pytest
from support import lifecycle as make
from support.bench import Acknowledged, Bench, Clock, Runner, Sent, Stored, content
from support.dispatching import answered, attempt, creating, give_all
from support.lifecycle import T0, UUID

from agents import im_dispatcher as module
from agents import im_runner
from agents.im_dispatcher import im_dispatcher
from paas_stream.app import app
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome, Phase
from paas_stream.records import (
    Command,
    DeploymentResult,
    DispatchEvent,
    ProcedureStatus,
    QuotaRequest,
)
from tables.dispatches import dispatch_inputs

UNHEARD_OF = Effect(UUID, 1, 1, EffectKind.CLEAN, 0)


@pytest.fixture
def line(bench: Bench, clock: Clock, runner: Runner) -> Bench:
    """A bench whose effects are noted in its journal."""
    return bench


# -- inputs


@pytest.mark.parametrize("turned", [False, True], ids=["template first", "ranking first"])
async def test_template_and_ranking_are_joined_in_any_order(
    line: Bench, runner: Runner, turned: bool
) -> None:
    first, second = make.validated(), make.ranked(2)
    await give_all(line, *((second, first) if turned else (first, second)))
    assert [one.kind for one in runner.issued()] == [EffectKind.CREATE]
    inputs = dispatch_inputs.get(UUID)
    assert inputs is not None
    assert inputs.template == {}
    assert inputs.owner == "alice"
    assert [one["provider_name"] for one in inputs.candidates or ()] == ["p1", "p2"]


async def test_inputs_are_written_once(line: Bench, runner: Runner) -> None:
    await creating(line, runner)
    changed = make.validated().model_copy(update={"template": {"another": 1}})
    await give_all(line, changed, make.ranked(3))
    assert [one for one in line.journal if isinstance(one, Stored)] == []
    inputs = dispatch_inputs.get(UUID)
    assert inputs is not None
    assert (inputs.template, len(inputs.candidates or ())) == ({}, 2)


async def test_a_sealed_token_is_kept_for_the_effects(line: Bench) -> None:
    asked = make.request().model_copy(update={"access_token": "sealed"})
    await give_all(line, make.validated().model_copy(update={"request": asked}))
    inputs = dispatch_inputs.get(UUID)
    assert inputs is not None
    assert inputs.access_token == "sealed"
    assert "sealed" not in str(line.rows("dispatches"))


# -- the order of things


async def test_inputs_messages_row_and_effects_come_in_this_order(
    line: Bench, clock: Clock
) -> None:
    await give_all(line, make.validated())
    line.journal.clear()
    await give_all(line, make.ranked())
    assert line.order() == [
        "dispatch_inputs",
        "ProcedureStatus",
        "QuotaRequest",
        "dispatches",
        "Acknowledged",
        "dispatches",
        "Issued",
        "Acknowledged",
    ]
    (begun,) = line.sent(ProcedureStatus)
    assert begun.message == "attempt 1: p1 (default) is tried"
    row, issued = line.journal[5], line.journal[6]
    assert row.value["attempts"][0]["in_flight"] is True, "the row awaits what is issued after it"
    assert issued.effect.key == (UUID, 1)
    assert issued.lease_until == clock.now + im_runner.policy.call_s


async def test_the_lease_in_the_row_lasts_longer_than_that_of_the_effect(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    await creating(line, runner)
    assert attempt().due == clock.now + im_runner.policy.call_s + im_runner.policy.margin_s


async def test_a_replay_after_a_kill_before_the_row_was_stored_does_the_same_again(
    line: Bench, runner: Runner
) -> None:
    await give_all(line, make.validated())
    before = line.snapshot()
    first = await line.give(im_dispatcher, make.ranked())
    line.restore(before)
    again = await line.give(im_dispatcher, make.ranked(), offset=line.last_offset)
    assert [type(one) for one in first] == [ProcedureStatus, QuotaRequest]
    assert content(again) == content(first)
    assert None not in [one.cause for one in first]


async def test_what_an_attempt_takes_is_asked_for_before_the_im_is(
    line: Bench, runner: Runner
) -> None:
    ranking = make.ranked(2)
    takes = {"cores": 4.0, "gpus:a100": 1.0}
    target = ranking.ranked_providers[0].target
    target = target.model_copy(update={"project": "p/1", "demand": takes})
    first = ranking.ranked_providers[0].model_copy(update={"target": target})
    ranking = ranking.model_copy(update={"ranked_providers": (first, ranking.ranked_providers[1])})
    await give_all(line, make.validated(), ranking, has_room=False)
    (asked,) = line.sent(QuotaRequest)
    assert (asked.request, asked.key, asked.owner) == ("hold", "p1/default/p%2F1", "alice")
    assert asked.demand == takes
    assert asked.expires_at is not None
    assert asked.expires_at.timestamp() > attempt().deadline
    assert runner.issued() == []
    no_room = answered(asked, Outcome.REFUSED, message="4 vCPUs are needed, 1 of 8 are free")
    await give_all(line, no_room, has_room=False)
    assert (attempt().failure, attempt().phase) == ("quota", Phase.CLEAN)
    assert line.sent(DeploymentResult)[-1].reason == "4 vCPUs are needed, 1 of 8 are free"
    assert line.sent(QuotaRequest)[-1].provider_name == "p2"
    await give_all(line, answered(line.sent(QuotaRequest)[-1], Outcome.GRANTED))
    assert [(one.attempt, one.kind) for one in runner.issued()] == [(2, EffectKind.CREATE)]


async def test_a_replay_after_the_row_was_stored_issues_nothing(
    line: Bench, runner: Runner
) -> None:
    await creating(line, runner)
    rows = line.snapshot()
    assert await line.give(im_dispatcher, make.ranked(2), offset=line.last_offset) == []
    assert line.order() == ["Acknowledged"]
    assert line.snapshot() == rows


async def test_a_send_that_fails_leaves_the_row_as_it_was_and_issues_nothing(
    line: Bench, runner: Runner
) -> None:
    await give_all(line, make.validated())
    row = line.rows("dispatches")
    line.refused = {ProcedureStatus}
    await give_all(line, make.ranked())
    assert line.rows("dispatches") == row
    assert runner.issued() == []
    assert (line.error().component, line.error().code) == ("im-dispatcher", "record_too_large")
    line.refused = set()
    await give_all(line, make.ranked())
    assert len(runner.issued()) == 1


async def test_each_message_of_an_event_is_told_apart_by_its_cause(
    line: Bench, runner: Runner
) -> None:
    effect = await creating(line, runner)
    refused = make.answer(effect, Outcome.REFUSED, message="no quota")
    await give_all(line, refused, make.command("delete", T0 + 9))
    causes = [one.message.cause for one in line.journal if isinstance(one, Sent)]
    assert None not in causes
    assert len(set(causes)) == len(causes)


async def test_events_of_a_deployment_that_is_not_known_leave_no_row(
    line: Bench, runner: Runner
) -> None:
    await give_all(line, make.tick(), make.answer(UNHEARD_OF, Outcome.CLEAN))
    assert line.order() == ["Acknowledged"] * 2
    assert runner.issued() == []


async def test_a_cancel_is_acted_upon_behind_the_results_that_are_there(
    line: Bench, runner: Runner
) -> None:
    await creating(line, runner)
    (in_place,) = await line.give(im_dispatcher, make.command("cancel", T0 + 5, reason="too late"))
    assert attempt().active
    assert isinstance(in_place, DispatchEvent)
    await give_all(line, in_place)
    assert (attempt().phase, attempt().failure) == (Phase.CLEANING, "cancelled")


async def test_a_cancel_finds_its_place_also_when_the_row_is_lost(line: Bench) -> None:
    before = line.snapshot()
    (in_place,) = await line.give(im_dispatcher, make.command("cancel", T0 + 5))
    line.restore(before)
    (failed,) = await line.give(im_dispatcher, in_place)
    assert isinstance(failed, DeploymentResult)
    assert failed.success is False


async def test_a_record_that_cannot_be_read_goes_to_errors(line: Bench) -> None:
    await line.give(im_dispatcher, b"{}", topic="ranked-providers", key=UUID)
    assert line.error().step == "decode"
    assert isinstance(line.journal[-1], Acknowledged)


# -- ticks


async def test_an_effect_of_which_nothing_is_heard_is_issued_again_by_a_tick(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    first = await creating(line, runner)
    assert len(module.ticks) == 1
    await module.ticks.run()
    assert line.sent(DispatchEvent) == []
    clock.now += im_runner.policy.call_s + im_runner.policy.margin_s
    await module.ticks.run()
    (tick,) = line.sent(DispatchEvent)
    await give_all(line, tick)
    (again,) = runner.issued()
    assert (again.kind, again.issue) == (EffectKind.CREATE, first.issue + 1)
    assert attempt().doubtful, "the first one may still be carried out"


async def test_a_tick_is_produced_again_when_it_leads_to_no_event(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    await creating(line, runner)
    clock.now += 100.0
    await module.ticks.run()
    await module.ticks.run()
    assert len(line.sent(DispatchEvent)) == 1
    clock.now += 30.0
    await module.ticks.run()
    assert len(line.sent(DispatchEvent)) == 2


async def test_no_tick_is_produced_before_the_tables_are_filled(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    await creating(line, runner)
    clock.now += 100.0
    line.ready.tables_ready = False
    await module.ticks.run()
    assert line.sent(DispatchEvent) == []


# -- the end


async def test_a_forget_deletes_all_rows_once_nothing_is_left_at_a_provider(
    line: Bench, runner: Runner, clock: Clock
) -> None:
    effect = await creating(line, runner)
    await give_all(
        line,
        make.answer(effect, Outcome.REFUSED, message="no quota"),
        make.command("delete", T0 + 9),
    )
    clean = runner.issued()[-1]
    await give_all(line, make.answer(clean, Outcome.CLEAN))
    assert [one.operation for one in line.sent(DeploymentResult) if one.kind == "final"] == [
        "delete"
    ]
    line.journal.clear()
    await give_all(line, make.command("forget", T0 + 99))
    assert line.rows("dispatches").keys() == {UUID}, "one more look at the provider is due"
    clock.now += app.settings.dispatch.recheck_s
    await give_all(line, make.tick())
    look = runner.issued()[-1]
    assert look.kind is EffectKind.RECHECK
    await give_all(line, make.answer(look, Outcome.CLEAN))
    assert line.rows("dispatches") == line.rows("dispatch_inputs") == {}
    assert len(module.ticks) == 0


async def test_a_forgotten_deployment_leaves_no_row_no_tick_and_no_poll(
    line: Bench, runner: Runner
) -> None:
    await give_all(line, make.validated())
    assert line.rows("dispatches").keys() == line.rows("dispatch_inputs").keys() == {UUID}
    line.journal.clear()
    await give_all(line, make.command("forget", T0 + 99))
    assert line.order() == ["dispatches", "dispatch_inputs", "Acknowledged"]
    assert line.rows("dispatches") == line.rows("dispatch_inputs") == {}
    assert len(module.ticks) == 0
    assert len(im_runner.polls) == 0


async def test_a_forget_of_a_deployment_that_is_not_known_is_no_fault(line: Bench) -> None:
    await give_all(line, Command(uuid=UUID, command="forget"))
    assert line.rows("dispatches") == {}
    assert isinstance(line.journal[-1], Acknowledged)


async def test_a_template_alone_issues_nothing(line: Bench, runner: Runner) -> None:
    assert await line.give(im_dispatcher, make.validated()) == []
    assert runner.issued() == []
    assert line.order() == ["dispatch_inputs", "dispatches", "Acknowledged"]
