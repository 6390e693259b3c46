"""Carries out the dispatcher's effects on the Infrastructure Manager.

Called by the effect runner, never by an agent directly. Every effect first asks the IM what the
attempt's own user has: so a repeated create adopts what an earlier one made, whatever became of its
reply.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from agents import im_jobs
from agents.im_answers import COMPONENT, event
from agents.im_place import Place, place_of
from paas_stream.app import app
from paas_stream.clients.im import ImClient, ImGoneError, ImTemplateError
from paas_stream.clients.im_login import user_header
from paas_stream.durable.metrics import observe_im_call
from paas_stream.errors import PaasError, PermanentError, TemporaryError
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome
from paas_stream.lifecycle.breaker import Breaker, BreakerPolicy
from paas_stream.records import DispatchEvent
from paas_stream.secrets import vault

OUTPUTS_MAX = 256 * 1024  # bytes of JSON; sealed, and with its row, it must fit into a message

settings = app.settings
breaker_policy = BreakerPolicy(settings.dispatch.breaker_failures, settings.dispatch.breaker_open_s)

_box = app.boxes.box(COMPONENT)
_breakers: defaultdict[str, Breaker] = defaultdict(Breaker)
_server_slots = asyncio.Semaphore(settings.im.concurrency)
_provider_slots: defaultdict[str, asyncio.Semaphore] = defaultdict(
    lambda: asyncio.Semaphore(settings.im.per_provider)
)


def client() -> ImClient:
    """The client of the configured IM server."""
    return ImClient(
        app.http_client, settings.im.endpoint, settings.im.call_timeout_s, observe_im_call
    )


@asynccontextmanager
async def room(effect: Effect) -> AsyncIterator[None]:
    """A place among the calls to the provider, and among those to the IM."""
    place = place_of(effect)
    if place is None:
        yield
        return
    async with _provider_slots[place.name], _server_slots:
        yield


async def perform(effect: Effect) -> DispatchEvent | None:
    """Carry out one effect. None: a poll that brought no news."""
    place = place_of(effect)
    if place is None:
        return _fault(effect, message="the inputs are not there yet")
    with _box.work(effect.kind.value):
        return await _performed(effect, place)


async def _performed(effect: Effect, place: Place) -> DispatchEvent | None:
    try:
        return await _PERFORM[effect.kind](place, client())
    except TemporaryError as exc:
        return _fault(effect, message=exc.message, retry_after_s=exc.delay_s)
    except ImGoneError as exc:
        if effect.kind is EffectKind.LOG:
            return None
        if effect.job is not None and effect.job.machine is not None:
            return event(effect, Outcome.REFUSED, message=exc.message)
        return event(effect, Outcome.GONE)
    except PermanentError as exc:
        return _refused(place, exc)


def failed(effect: Effect, exc: BaseException) -> DispatchEvent | None:
    """What is reported for an effect that ended by an error of ours or outlived its lease."""
    text = "the IM did not answer in time" if isinstance(exc, TimeoutError) else repr(exc)
    return _fault(effect, message=text)


def _fault(effect: Effect, **fields: object) -> DispatchEvent | None:
    """A temporary fault; of a poll only the first in a row is news, of what is only read none."""
    is_known = effect.kind is EffectKind.POLL and effect.known_fault
    if is_known or effect.kind in (EffectKind.INSPECT, EffectKind.LOG):
        return None
    return event(effect, Outcome.FAULT, **fields)


def _refused(place: Place, exc: PermanentError) -> DispatchEvent | None:
    if place.effect.kind is EffectKind.CHANGE:
        return event(place.effect, Outcome.REFUSED, message=exc.message)
    if place.effect.kind is not EffectKind.CREATE:
        return _fault(place.effect, message=exc.message)
    if isinstance(exc, ImTemplateError):
        return event(place.effect, Outcome.REFUSED_TEMPLATE, message=exc.message)
    _provider_failed(place)
    return event(place.effect, Outcome.REFUSED, message=exc.message)


def _provider_failed(place: Place) -> None:
    _breakers[place.name] = _breakers[place.name].failed(time.time(), breaker_policy)


async def _create(place: Place, im: ImClient) -> DispatchEvent:
    found = await im.infrastructures(user_header(place.user))
    if found:
        return event(place.effect, Outcome.CREATED, infrastructures=found[:1])
    wait = _breakers[place.name].wait_s(time.time())
    if wait:
        text = f"{place.name} is left alone for {wait:.0f} s: its last attempts failed"
        return event(place.effect, Outcome.PAUSED, message=text, retry_after_s=wait)
    # Were it lost with its row, a delete that comes first after a crash would know nothing of it.
    await app.producer.buffer.settled()
    created = await im.create(await place.authorization(), place.template())
    return event(place.effect, Outcome.CREATED, infrastructures=(created,))


async def _poll(place: Place, im: ImClient) -> DispatchEvent | None:
    effect = place.effect
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    state, machines = await im_jobs.state(place, im, effect.job)
    if (state, machines > 0, False) == (
        effect.known_state,
        effect.known_machines,
        effect.known_fault,
    ):
        return None
    message = None
    if state in ("failed", "unconfigured"):
        message = await im.contextualization(authorization, infrastructure)
        if effect.job is None:
            _provider_failed(place)
    return event(effect, Outcome.STATE, state=state, machines=machines, message=message)


async def _confirm(place: Place, im: ImClient) -> DispatchEvent:
    known = place.effect.infrastructures[0]
    found = await im.infrastructures(user_header(place.user))
    authorization = await place.authorization()
    left = []
    for stray in found:
        try:
            if stray != known:
                await im.delete(authorization, stray)
        except PaasError:
            left.append(stray)  # it is tried again; the known one is a success all the same
    if known not in found:
        return event(place.effect, Outcome.GONE)
    outputs = vault().seal_json(await im.outputs(authorization, known))
    _breakers[place.name] = Breaker()
    return event(place.effect, Outcome.CONFIRMED, outputs=outputs, infrastructures=tuple(left))


async def _clean(place: Place, im: ImClient) -> DispatchEvent:
    lister = user_header(place.user)
    found = await im.infrastructures(lister)
    for one in found:
        await im.delete(await place.authorization(), one, force=place.effect.force)
    left = await im.infrastructures(lister) if found else ()
    if left:
        text = f"the IM still lists {', '.join(left)}"
        return event(place.effect, Outcome.LEFT, infrastructures=left, message=text)
    return event(place.effect, Outcome.CLEAN, infrastructures=found)


async def _recheck(place: Place, im: ImClient) -> DispatchEvent:
    left = await im.infrastructures(user_header(place.user))
    return event(place.effect, Outcome.LEFT if left else Outcome.CLEAN, infrastructures=left)


async def _inspect(place: Place, im: ImClient) -> DispatchEvent | None:
    effect = place.effect
    found = await im.infrastructures(user_header(place.user))
    known = effect.infrastructures[:1]
    strays = tuple(one for one in found if one not in known)
    if strays:
        return event(effect, Outcome.LEFT, infrastructures=strays)
    if known and known[0] not in found:
        return None if effect.known_fault else event(effect, Outcome.GONE)
    return event(effect, Outcome.CONFIRMED) if effect.known_fault else None


async def _read(place: Place, im: ImClient) -> DispatchEvent:
    return await im_jobs.read(place, im, settings.im.call_timeout_s)


async def _log(place: Place, im: ImClient) -> DispatchEvent:
    return await im_jobs.log(place, im)


_PERFORM = {
    EffectKind.CREATE: _create,
    EffectKind.POLL: _poll,
    EffectKind.CONFIRM: _confirm,
    EffectKind.CLEAN: _clean,
    EffectKind.RECHECK: _recheck,
    EffectKind.INSPECT: _inspect,
    EffectKind.CHANGE: im_jobs.change,
    EffectKind.READ: _read,
    EffectKind.LOG: _log,
}
