"""Carries out the dispatcher's effects on the Infrastructure Manager.

Called by the effect runner, never by an agent directly. Whatever goes wrong becomes an event, too: the
dispatcher's row decides what follows from it.
"""

from agents import im_calls, im_limits
from agents.im_answers import COMPONENT, event
from agents.im_place import Place, place_of
from paas_stream.app import app
from paas_stream.clients.im import ImClient, ImGoneError, ImTemplateError
from paas_stream.durable.metrics import observe_im_call
from paas_stream.errors import PaasError, PermanentError, TemporaryError
from paas_stream.lifecycle.attempt import Effect, EffectKind, Outcome
from paas_stream.records import DispatchEvent

_settings = app.settings.im
_box = app.boxes.box(COMPONENT)
_OF_A_MACHINE = frozenset({EffectKind.CHANGE, EffectKind.POLL})  # where it belongs to an action


async def perform(effect: Effect) -> DispatchEvent | None:
    """Carry out one effect. None: a poll that brought no news."""
    place = place_of(effect)
    if place is None:
        return _fault(effect, message="the inputs are not there yet")
    im = ImClient(app.http_client, _settings.endpoint, _settings.call_timeout_s, observe_im_call)
    with _box.work(effect.kind.value):
        return await _performed(effect, place, im)


async def _performed(effect: Effect, place: Place, im: ImClient) -> DispatchEvent | None:
    try:
        return await im_calls.BY_KIND[effect.kind](place, im)
    except TemporaryError as exc:
        return _fault(effect, message=exc.message, retry_after_s=exc.delay_s)
    except ImGoneError as exc:
        if effect.kind is EffectKind.LOG:
            return None
        if (
            effect.kind in _OF_A_MACHINE
            and effect.job is not None
            and effect.job.machine is not None
        ):
            return event(effect, Outcome.REFUSED, message=exc.message)
        return event(effect, Outcome.GONE)
    except PermanentError as exc:
        return _refused(place, exc)


def failed(effect: Effect, exc: BaseException) -> DispatchEvent | None:
    """What is reported for an effect that ended by an error of ours or outlived its lease."""
    match exc:
        case TimeoutError():
            text = "the IM did not answer in time"
        case PaasError():
            text = exc.message
        case _:
            text = repr(exc)
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
    im_limits.failed(place.name)
    return event(place.effect, Outcome.REFUSED, message=exc.message)
