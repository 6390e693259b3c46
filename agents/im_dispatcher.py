"""IM dispatcher: `ranked-providers` -> one infrastructure at the first provider that can."""

import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from agents import im_effects
from paas_stream import topics
from paas_stream.app import app
from paas_stream.durable.agents import Received, agent
from paas_stream.durable.due import DueHeap
from paas_stream.durable.effects import EffectRunner, Leased
from paas_stream.durable.ticks import INTERVAL_S, Ticks
from paas_stream.lifecycle import dispatch
from paas_stream.lifecycle.attempt import Effect, Policy
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.records import DispatchEvent, RankedProviders, ValidatedTemplate, caused_by
from tables.dispatches import DispatchInputs, dispatch_inputs, dispatches

COMPONENT = "im-dispatcher"

_settings = app.settings.dispatch
policy = Policy(
    call_s=app.settings.im.call_timeout_s * 2,  # an effect makes several calls
    margin_s=_settings.call_margin_s,
    pending_s=_settings.pending_s,
    unknown_s=_settings.unknown_s,
    cleanup_beside_s=_settings.cleanup_beside_s,
    delete_timeout_s=_settings.delete_timeout_s,
    recheck_s=_settings.recheck_s,
    backoff=Backoff(_settings.retry_min_s, _settings.retry_max_s),
)
_polls: dict[str, dict[int, Effect]] = {}  # by uuid and attempt
_poll_due: DueHeap[tuple[str, int]] = DueHeap()


def _moments() -> Iterable[tuple[str, list[float]]]:
    for uuid, row in dispatches.items():
        _watch(row, time.time())
        yield uuid, dispatch.moments(row, policy)


ticks = Ticks(app, COMPONENT, lambda uuid: DispatchEvent(uuid=uuid, event="tick"), _moments)


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

    1. inputs are stored; 2. the pure step; 3. results are sent (a replay sends them again);
    4. the row is stored, with the intent; 5. the effects are issued (a tick issues them again).
    """
    message, uuid, now = received.message, received.message.uuid, time.time()
    _store_inputs(message)
    known = dispatches.get(uuid)
    if known is None and isinstance(message, DispatchEvent):
        return
    transition = dispatch.step(known or DispatchRow(uuid), message, now, policy)
    await app.emit(*caused_by(received.id, transition.messages))
    if transition.row is None:
        _forget(uuid, known)
        return
    if transition.row != known:
        dispatches.put(uuid, transition.row)
    ticks.arm(uuid, dispatch.moments(transition.row, policy), now)
    _watch(transition.row, now)
    for effect in transition.effects:
        _submit(effect, now)


def _store_inputs(message: Any) -> None:
    if not isinstance(message, ValidatedTemplate | RankedProviders):
        return
    inputs = dispatch_inputs.get(message.uuid) or DispatchInputs()
    if isinstance(message, ValidatedTemplate) and inputs.template is None:
        request = message.request
        inputs = replace(
            inputs,
            template=message.template,
            owner=request.owner.subject,
            access_token=request.access_token,
        )
    elif isinstance(message, RankedProviders) and inputs.candidates is None:
        ranked = tuple(
            one.model_dump(mode="json", exclude_none=True) for one in message.ranked_providers
        )
        inputs = replace(inputs, candidates=ranked)
    else:
        return
    dispatch_inputs.put(message.uuid, inputs)


def _forget(uuid: str, known: DispatchRow | None) -> None:
    if known is not None:
        _watch(replace(known, attempts=()), 0.0)
    ticks.arm(uuid, [], 0.0)
    dispatches.delete(uuid)
    dispatch_inputs.delete(uuid)


def _watch(row: DispatchRow, now: float) -> None:
    """Poll what is to be polled, and nothing else of this row."""
    known = _polls.pop(row.uuid, {})
    wanted = {effect.attempt: effect for effect in dispatch.polls(row)}
    for attempt in known.keys() - wanted.keys():
        _poll_due.arm((row.uuid, attempt), None)
    for attempt, effect in wanted.items():
        if known.get(attempt) != effect:
            _poll_due.arm(effect.key, now + _settings.poll_min_s)
    if wanted:
        _polls[row.uuid] = wanted


def _polled(key: tuple[str, int]) -> Effect | None:
    return _polls.get(key[0], {}).get(key[1])


def _submit(effect: Effect, now: float) -> bool:
    return runner.submit(Leased(effect.key, effect, now + policy.call_s))


async def _report(leased: Leased[Effect], result: DispatchEvent | None) -> None:
    if result is not None:
        await app.emit(result)
    elif _polled(leased.effect.key) == leased.effect:
        age = time.time() - leased.effect.since
        wait = dispatch.poll_interval_s(age, _settings.poll_min_s, _settings.poll_max_s)
        _poll_due.arm(leased.effect.key, time.time() + wait)


runner: EffectRunner[Effect, DispatchEvent | None] = EffectRunner(
    im_effects.perform, _report, im_effects.failed, limit=app.settings.im.waiting
)


@app.timer(interval=INTERVAL_S)
async def polls() -> None:
    """Start the polls that are due, at most the rate for the IM server."""
    if not app.readiness.tables_ready:
        return
    now = time.time()
    for key in _poll_due.pop_due(now, max(1, int(_settings.polls_per_s * INTERVAL_S))):
        effect = _polled(key)
        if effect is None:
            continue
        # asked again after its lease, if nothing comes back
        _poll_due.arm(key, now + policy.call_s + policy.margin_s)
        _submit(effect, now)


@app.on_partitions_revoked.connect(weak=False)
async def revoked(*_: Any, **__: Any) -> None:
    """Other workers may poll and issue effects from now on; what runs already comes to its end."""
    _polls.clear()
    _poll_due.clear()
    runner.drop_queued()


@app.on_before_shutdown.connect(weak=False)
async def drain(*_: Any, **__: Any) -> None:
    """Let running effects end: an interrupted create is one of unknown result."""
    await runner.drain(app.settings.im.call_timeout_s)
