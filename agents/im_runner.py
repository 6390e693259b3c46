"""When the effects of the dispatcher run: at once, or when a poll or an inspection is due."""

import time
from dataclasses import replace
from typing import Any

from agents import im_effects, im_limits
from agents.im_inspections import Inspections
from agents.im_polls import Polls
from paas_stream.app import app
from paas_stream.durable.effects import EffectRunner, Leased
from paas_stream.durable.metrics import EFFECTS, POLLS
from paas_stream.durable.ticks import INTERVAL_S
from paas_stream.lifecycle.attempt import Effect, EffectKind, Policy
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.records import DispatchEvent
from tables.dispatches import dispatches

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


def submit(effect: Effect, now: float) -> None:
    """Queue a call of the IM; where there is no room, the tick after its lease issues it again.

    A request for room at the provider is none: it is a message, see `im_holds`.
    """
    if effect.kind is not EffectKind.HOLD:
        runner.submit(Leased(effect.key, effect, now + policy.call_s))


def forget(row: DispatchRow) -> None:
    """Poll nothing of it any more."""
    polls.watch(replace(row, attempts=()), 0.0)


@app.timer(interval=INTERVAL_S)
async def poll() -> None:
    """Start the polls and inspections that are due."""
    if app.readiness.tables_ready:
        now = time.time()
        others_wait = runner.waiting > 0
        due = inspections.due(now, INTERVAL_S, others_wait=others_wait)
        for effect in (*polls.due(now, INTERVAL_S), *due):
            submit(effect, now)


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
