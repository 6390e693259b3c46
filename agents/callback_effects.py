"""Calls the targets of callbacks, for the deployment tracker, which never waits for one.

Calls of one host share few places, so that one that hangs takes none from the others.
"""

import logging
import time
from contextlib import AbstractAsyncContextManager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import orjson

from paas_stream.app import app
from paas_stream.clients.callbacks import CallbackClient
from paas_stream.durable.effects import EffectRunner, Leased
from paas_stream.durable.metrics import CALLBACK_CALLS
from paas_stream.durable.rooms import Rooms
from paas_stream.errors import PermanentError, TemporaryError
from paas_stream.lifecycle import representation
from paas_stream.lifecycle.backoff import Backoff
from paas_stream.lifecycle.callbacks import CallbackPolicy, Tell
from paas_stream.records import TrackerEvent
from paas_stream.secrets import vault

log = logging.getLogger(__name__)

COMPONENT = "callbacks"

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
_box = app.boxes.box(COMPONENT)
_rooms = Rooms(_settings.concurrency, _settings.per_host)


@cache
def client() -> CallbackClient:
    """The client, made at the first call."""
    return CallbackClient(_settings)


async def perform(effect: Tell) -> TrackerEvent:
    """Call the target once."""
    with _box.work("call"):
        # Were the row lost after the call, another callback could come to have the same number.
        await app.producer.buffer.settled()
        event = f"{effect.uuid}.{effect.number}"
        try:
            await client().post(effect.url, event, body(effect), time.time())
        except TemporaryError as exc:
            return _ended(effect, "fault", message=exc.message, retry_after_s=exc.delay_s)
        except PermanentError as exc:
            return _ended(effect, "refused", message=exc.message)
    return _ended(effect, "delivered")


def body(effect: Tell) -> bytes:
    """The resource as it was then; its outputs, which may hold credentials, where they may go."""
    outputs = representation.outputs(None, vault().open_json)
    if effect.sealed_outputs is not None:
        if client().may_have_outputs(effect.url):
            outputs = representation.outputs(effect.sealed_outputs, vault().open_json)
        else:
            outputs = representation.without_outputs("outputs are not sent to this callback")
    return orjson.dumps(effect.resource | outputs)


def _ended(effect: Tell, outcome: str, **fields: Any) -> TrackerEvent:
    return TrackerEvent.model_validate(
        {
            "uuid": effect.uuid,
            "event": "callback",
            "number": effect.number,
            "issue": effect.issue,
            "outcome": outcome,
            **fields,
        }
    )


def _failed(effect: Tell, exc: BaseException) -> TrackerEvent:
    if isinstance(exc, TimeoutError):
        return _ended(effect, "fault", message="there was no answer in time")
    log.error("a callback of %s was not made", effect.uuid, exc_info=exc)
    return _ended(effect, "fault", message="the call was not made")


async def _report(leased: Leased[Tell], result: TrackerEvent) -> None:
    await app.emit(result)


def _host(effect: Tell) -> str:
    return urlsplit(effect.url).netloc.rpartition("@")[2].lower()


def _room(effect: Tell) -> AbstractAsyncContextManager[None]:
    return _rooms.place(_host(effect))


runner: EffectRunner[Tell, TrackerEvent] = EffectRunner(
    perform,
    _report,
    _failed,
    limit=_settings.waiting,
    room=_room,
    least_s=_LEAST_S,
)
CALLBACK_CALLS.add(lambda: {("running",): runner.running, ("waiting",): runner.waiting})


def submit(effect: Tell, now: float) -> bool:
    """Queue a call; False: there is no room for it, and the tick after its lease issues it again."""
    if _rooms.users(_host(effect)) >= _settings.waiting_per_host:
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
