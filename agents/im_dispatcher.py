"""IM dispatcher: `ranked-providers` -> one infrastructure at the first provider that can."""

import time
from collections.abc import Iterable

from agents import im_holds, im_inputs, im_runner
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.outbox import Outbox
from paas_stream.durable.ticks import Ticks
from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.lifecycle.reports import at
from paas_stream.records import DispatchEvent, caused_by
from tables.dispatches import dispatch_inputs, dispatches

COMPONENT = "im-dispatcher"


def _moments() -> Iterable[tuple[str, list[float]]]:
    for uuid, row in dispatches.items():
        im_runner.polls.watch(row, time.time())
        yield uuid, dispatch.moments(row, im_runner.policy)


def _tick(uuid: str) -> DispatchEvent:
    return DispatchEvent(uuid=uuid, event="tick", timestamp=at(time.time()))


ticks = Ticks(app, COMPONENT, _tick, _moments)
outbox = Outbox(app, COMPONENT)


@agent(
    app,
    COMPONENT,
    topics.VALIDATED_TEMPLATES,
    topics.RANKED_PROVIDERS,
    topics.DEPLOYMENT_COMMANDS,
    topics.DISPATCH_EVENTS,
)
async def im_dispatcher(received: Received) -> None:
    """One event, in this order, so that a crash between any two steps loses nothing:

    1. inputs are stored; 2. the pure step;
    3. results and requests for room are sent (a replay sends them again);
    4. the row is stored, with the intent; its changelog gets it after the results are confirmed;
    5. the effects are issued (a tick issues them again).
    """
    message, uuid, now = received.message, received.message.uuid, time.time()
    known, policy = dispatches.get(uuid), im_runner.policy
    im_inputs.store(message, known)
    if known is None and not dispatch.makes_row(message):
        return
    transition = dispatch.step(known or DispatchRow(uuid), message, now, policy)
    messages = (*transition.messages, *im_holds.requests(transition, policy))
    await outbox.post(received, *caused_by(received.id, messages))
    if transition.row is None:
        _forget(uuid, known)
        return
    if transition.row != known:
        dispatches.put(uuid, transition.row)
    ticks.arm(uuid, dispatch.moments(transition.row, policy, now), now)
    im_runner.polls.watch(transition.row, now)
    for effect in transition.effects:
        im_runner.submit(effect, now)


def _forget(uuid: str, known: DispatchRow | None) -> None:
    if known is not None:
        im_runner.forget(known)
    ticks.arm(uuid, [], 0.0)
    dispatches.delete(uuid)
    dispatch_inputs.delete(uuid)
