"""Calls the target of a callback, once. Called by `callback_runner`, never by an agent directly."""

import logging
import time
from functools import cache
from typing import Literal

import orjson

from paas_stream.app import app
from paas_stream.clients.callbacks import CallbackClient
from paas_stream.errors import PermanentError, TemporaryError
from paas_stream.lifecycle import representation
from paas_stream.lifecycle.callbacks import Tell
from paas_stream.records import TrackerEvent
from paas_stream.secrets import vault

log = logging.getLogger(__name__)

COMPONENT = "callbacks"

_box = app.boxes.box(COMPONENT)


@cache
def client() -> CallbackClient:
    """The client, made at the first call."""
    return CallbackClient(app.settings.callback)


async def perform(effect: Tell) -> TrackerEvent:
    """Call the target once."""
    with _box.work("call"):
        # Were the row lost after the call, another callback could come to have the same number.
        await app.producer.buffer.settled()
        event = f"{effect.uuid}.{effect.number}"
        try:
            await client().post(effect.url, event, body(effect), time.time())
        except TemporaryError as exc:
            return _ended(effect, "fault", exc.message, exc.delay_s)
        except PermanentError as exc:
            return _ended(effect, "refused", exc.message)
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


def _ended(
    effect: Tell,
    outcome: Literal["delivered", "fault", "refused"],
    message: str | None = None,
    retry_after_s: float | None = None,
) -> TrackerEvent:
    """The event that tells what became of a call."""
    return TrackerEvent(
        uuid=effect.uuid,
        event="callback",
        number=effect.number,
        issue=effect.issue,
        outcome=outcome,
        message=message,
        retry_after_s=retry_after_s,
    )


def failed(effect: Tell, exc: BaseException) -> TrackerEvent:
    """What is reported for a call that ended by an error of ours or outlived its lease."""
    if isinstance(exc, TimeoutError):
        return _ended(effect, "fault", "there was no answer in time")
    log.error("a callback of %s was not made", effect.uuid, exc_info=exc)
    return _ended(effect, "fault", "the call was not made")
