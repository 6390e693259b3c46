"""What is asked of the Infrastructure Manager for each effect on an attempt.

Every effect first asks what the attempt's own user has: so a repeated create adopts what an earlier
one made, whatever became of its reply. The effects on a deployment that exists are in `im_jobs`.
"""

import asyncio
import logging

from agents import im_containers, im_jobs, im_limits
from agents.im_answers import event, sealed_outputs
from agents.im_place import Place
from paas_stream.app import app
from paas_stream.clients.im import ImClient, ImRefusedError
from paas_stream.clients.im_login import OPENSTACK, user_header
from paas_stream.errors import PaasError, TemporaryError
from paas_stream.lifecycle.attempt import EffectKind, Outcome
from paas_stream.records import DispatchEvent

log = logging.getLogger(__name__)


async def create(place: Place, im: ImClient) -> DispatchEvent:
    """Create an infrastructure, unless the attempt has one."""
    found = await im.infrastructures(user_header(place.user))
    if found:
        return event(place.effect, Outcome.CREATED, infrastructures=found[:1])
    wait = im_limits.pause_s(place.name)
    if wait:
        text = f"{place.name} is left alone for {wait:.0f} s: its last attempts failed"
        return event(place.effect, Outcome.PAUSED, message=text, retry_after_s=wait)
    # Were it lost with its row, a delete that comes first after a crash would know nothing of it.
    await app.producer.buffer.settled()
    authorization = await place.authorization()
    if place.asks_cloud_first:
        await _try_login(im, authorization)
    created = await im.create(authorization, place.template())
    return event(place.effect, Outcome.CREATED, infrastructures=(created,))


async def _try_login(im: ImClient, authorization: str) -> None:
    """Let what the cloud refuses be told at once. With a cloud that does not answer it goes on: the
    attempt has its own time for that.
    """
    try:
        async with asyncio.timeout(app.settings.im.call_timeout_s / 2):
            await im.log_in(authorization, OPENSTACK)
    except (TimeoutError, TemporaryError) as exc:
        log.info("whether the cloud takes the login is not known: %s", exc)


async def poll(place: Place, im: ImClient) -> DispatchEvent | None:
    """The state of what is being made or changed; None: it is as before."""
    effect = place.effect
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    state, machines = await im_jobs.state(place, im, effect.job)
    known = (effect.known_state, effect.known_machines, effect.known_fault)
    is_news = (state, machines > 0, False) != known
    message = None
    if state in ("failed", "unconfigured"):
        message = await im.contextualization(authorization, infrastructure)
        if effect.job is None:
            im_limits.failed(place.name)
    if im_containers.is_to_be_explained(place, state, machines):
        message = " ".join(filter(None, (message, await im_containers.why_not_running(place, im))))
        is_news = is_news or message not in ("", effect.known_reason)
    if not is_news:
        return None
    return event(effect, Outcome.STATE, state=state, machines=machines, message=message or None)


async def confirm(place: Place, im: ImClient) -> DispatchEvent:
    """That the infrastructure is there, and no other one of this attempt; its outputs."""
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
    unknown = None
    if im_containers.has_containers(place):
        unknown = await im_containers.check(place, im)
    outputs = sealed_outputs(await im_jobs.outputs(place, im))
    im_limits.succeeded(place.name)
    told = {"outputs": outputs, "infrastructures": tuple(left), "message": unknown}
    return event(place.effect, Outcome.CONFIRMED, **told)


async def clean(place: Place, im: ImClient) -> DispatchEvent:
    """Delete whatever the attempt has."""
    lister = user_header(place.user)
    found = await im.infrastructures(lister)
    for one in found:
        await _delete(place, im, one)
    left = await im.infrastructures(lister) if found else ()
    if left:
        text = f"the IM still lists {', '.join(left)}"
        return event(place.effect, Outcome.LEFT, infrastructures=left, message=text)
    return event(place.effect, Outcome.CLEAN, infrastructures=found)


async def _delete(place: Place, im: ImClient, infrastructure: str) -> None:
    """Delete one infrastructure; by force also where the provider has nothing of it.

    With a login that the provider refuses, or one that does not answer, the IM deletes nothing, not
    even what was never made there.
    """
    authorization = await place.authorization()
    try:
        await im.delete(authorization, infrastructure, force=place.effect.force)
    except ImRefusedError:
        if place.effect.force or not await im_jobs.is_empty(im, authorization, infrastructure):
            raise
        await im.delete(authorization, infrastructure, force=True)


async def recheck(place: Place, im: ImClient) -> DispatchEvent:
    """Whether the attempt has something after it was cleaned up: a create may come late."""
    left = await im.infrastructures(user_header(place.user))
    return event(place.effect, Outcome.LEFT if left else Outcome.CLEAN, infrastructures=left)


async def inspect(place: Place, im: ImClient) -> DispatchEvent | None:
    """What an attempt at rest has; None: it is as it should be."""
    effect = place.effect
    found = await im.infrastructures(user_header(place.user))
    known = effect.infrastructures[:1]
    strays = tuple(one for one in found if one not in known)
    if strays:
        return event(effect, Outcome.LEFT, infrastructures=strays)
    if known and known[0] not in found:
        return None if effect.known_fault else event(effect, Outcome.GONE)
    return event(effect, Outcome.CONFIRMED) if effect.known_fault else None


BY_KIND = {
    EffectKind.CREATE: create,
    EffectKind.POLL: poll,
    EffectKind.CONFIRM: confirm,
    EffectKind.CLEAN: clean,
    EffectKind.RECHECK: recheck,
    EffectKind.INSPECT: inspect,
    EffectKind.CHANGE: im_jobs.change,
    EffectKind.READ: im_jobs.read,
    EffectKind.LOG: im_jobs.log,
}
