"""The dispatcher's agent, taken as far as a test needs it; the quota keeper has room."""

from typing import Any

from support import lifecycle as make
from support.bench import Bench, Runner
from support.lifecycle import UUID

from agents.im_dispatcher import im_dispatcher
from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Attempt, Effect, EffectKind, Outcome
from paas_stream.records import DispatchEvent, Message, QuotaRequest
from tables.dispatches import dispatches


async def give_all(bench: Bench, *messages: Message, has_room: bool = True) -> None:
    """One after the other; with `has_room` each request for room is granted at once."""
    for message in messages:
        for sent in await bench.give(im_dispatcher, message):
            if has_room and isinstance(sent, QuotaRequest) and sent.request == "hold":
                await bench.give(im_dispatcher, answered(sent, Outcome.GRANTED))


def answered(request: QuotaRequest, outcome: Outcome, **fields: Any) -> DispatchEvent:
    """The quota keeper's answer."""
    effect = Effect(UUID, request.attempt, request.issue, EffectKind.HOLD, 0)
    return make.answer(effect, outcome, **fields)


def attempt(number: int = 1) -> Attempt:
    """One attempt, as the row has it."""
    row = dispatches.get(UUID)
    found = row.attempt(number) if row is not None else None
    assert found is not None
    return found


async def creating(bench: Bench, runner: Runner, providers: int = 2) -> Effect:
    """As far as the first CREATE."""
    await give_all(bench, make.validated(), make.ranked(providers))
    (effect,) = runner.issued()
    bench.journal.clear()
    return effect


async def polling(bench: Bench, runner: Runner) -> Effect:
    """As far as the first poll that is due."""
    effect = await creating(bench, runner)
    await give_all(bench, make.answer(effect, Outcome.CREATED, infrastructures=("inf-1",)))
    bench.journal.clear()
    row = dispatches.get(UUID)
    assert row is not None
    (poll,) = dispatch.polls(row)
    return poll
