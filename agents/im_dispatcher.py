"""IM dispatcher: `ranked-providers` -> one infrastructure at the first provider that can."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agents import im_effects, im_holds, im_inputs, im_limits
from agents.im_inspections import Inspections
from agents.im_polls import Polls
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.effects import EffectRunner, Leased
from paas_stream.durable.metrics import EFFECTS, POLLS
from paas_stream.durable.outbox import Outbox
from paas_stream.durable.ticks import INTERVAL_S, Ticks
from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Effect, EffectKind, Policy
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.lifecycle.reports import at
from paas_stream.records import DispatchEvent, caused_by
from tables.dispatches import dispatch_inputs, dispatches

COMPONENT = "im-dispatcher"

_settings = app.settings.dispatch
policy = Policy(
    call_s=app.settings.im.call_timeout_s * 2,  # an effect makes several calls
    margin_s=_settings.call_margin_s,
    pending_s=_settings.pending_s,
    starting_s=_settings.starting_s,
    unknown_s=_settings.unknown_s,
    cleanup_beside_s=_settings.cleanup_beside_s,
    delete_timeout_s=_settings.delete_timeout_s,
    recheck_s=_settings.recheck_s,
    backoff=Backoff(_settings.retry_min_s, _settings.retry_max_s),
    action_s=_settings.action_timeout_s,
    reconfigure_s=_settings.reconfigure_timeout_s,
)
polls = Polls(_settings, lease_s=policy.call_s + policy.margin_s)
inspections = Inspections(dispatches.items, _settings.inspect_per_s, _settings.inspect_pause_s)


def _moments() -> Iterable[tuple[str, list[float]]]:
    for uuid, row in dispatches.items():
        polls.watch(row, time.time())
        yield uuid, dispatch.moments(row, policy)


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
    known = dispatches.get(uuid)
    im_inputs.store(message, known)
    if known is None and isinstance(message, DispatchEvent):
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
    polls.watch(transition.row, now)
    for effect in transition.effects:
        if effect.kind is not EffectKind.HOLD:
            _submit(effect, now)


def _forget(uuid: str, known: DispatchRow | None) -> None:
    if known is not None:
        polls.watch(replace(known, attempts=()), 0.0)
    ticks.arm(uuid, [], 0.0)
    dispatches.delete(uuid)
    dispatch_inputs.delete(uuid)


def _submit(effect: Effect, now: float) -> bool:
    return runner.submit(Leased(effect.key, effect, now + policy.call_s))


async def _report(leased: Leased[Effect], result: DispatchEvent | None) -> None:
    if result is not None:
        await app.emit(result)
    else:
        polls.no_news(leased.effect, time.time())


runner: EffectRunner[Effect, DispatchEvent | None] = EffectRunner(
    im_effects.perform,
    _report,
    im_effects.failed,
    limit=app.settings.im.waiting,
    room=im_limits.room,
    least_s=app.settings.im.call_timeout_s,
)


EFFECTS.add(lambda: {("running",): runner.running, ("waiting",): runner.waiting})
POLLS.add(lambda: {(): len(polls)})


@app.timer(interval=INTERVAL_S)
async def poll() -> None:
    """Start the polls and inspections that are due."""
    if app.readiness.tables_ready:
        now = time.time()
        for effect in (*polls.due(now, INTERVAL_S), *inspections.due(now, INTERVAL_S)):
            _submit(effect, now)


@app.on_partitions_revoked.connect(weak=False)
async def revoked(*_: Any, **__: Any) -> None:
    """Other workers may poll and issue effects from now on; what runs already comes to its end."""
    polls.clear()
    inspections.clear()
    runner.drop_queued()


@app.on_before_shutdown.connect(weak=False)
async def drain(*_: Any, **__: Any) -> None:
    """Let running effects end: an interrupted create is one of unknown result."""
    await runner.drain(app.settings.im.call_timeout_s)
