"""When the targets of callbacks are called, for the deployment tracker, which never waits for one.

Calls of one host share few places, so that one that hangs takes none from the others.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any

from agents import callback_effects
from paas_stream.app import app
from paas_stream.durable.effects import EffectRunner, Leased
from paas_stream.durable.metrics import CALLBACK_CALLS
from paas_stream.durable.rooms import Rooms
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.callbacks import CallbackPolicy, Tell
from paas_stream.records import TrackerEvent

_settings = app.settings.callback
_LEAST_S = _settings.timeout_s + 2.0  # what a call needs, with the wait for the row before it
_LEASE_S = _LEAST_S + _settings.timeout_s + 8.0  # so long it may wait for its place besides
policy = CallbackPolicy(
    lease_s=_LEASE_S,
    margin_s=app.settings.dispatch.call_margin_s,
    tries=_settings.tries,
    max_age_s=_settings.max_age_s,
    backoff=Backoff(_settings.retry_min_s, _settings.retry_max_s),
)
_rooms = Rooms(_settings.concurrency, _settings.per_host)


async def _report(leased: Leased[Tell], result: TrackerEvent) -> None:
    await app.emit(result)


def _room(effect: Tell) -> AbstractAsyncContextManager[None]:
    return _rooms.place(effect.host)


runner: EffectRunner[Tell, TrackerEvent] = EffectRunner(
    callback_effects.perform,
    _report,
    callback_effects.failed,
    limit=_settings.waiting,
    room=_room,
    least_s=_LEAST_S,
)
CALLBACK_CALLS.add(lambda: {("running",): runner.running, ("waiting",): runner.waiting})


def submit(effect: Tell, now: float) -> bool:
    """Queue a call; False: there is no room for it, and the tick after its lease issues it again."""
    if _rooms.users(effect.host) >= _settings.waiting_per_host:
        return False
    return runner.submit(Leased(effect.uuid, effect, now + policy.lease_s))


@app.on_partitions_revoked.connect(weak=False)
async def revoked(*_: Any, **__: Any) -> None:
    """Other workers may make the calls from now on; those that run already come to their end."""
    runner.drop_queued()


@app.on_before_shutdown.connect(weak=False)
async def drain(*_: Any, **__: Any) -> None:
    """Let running calls end: what was interrupted would be made again."""
    await runner.drain(_settings.timeout_s)
