"""What is asked of the Infrastructure Manager for each effect on an attempt.

Every effect first asks what the attempt's own user has: so a repeated create adopts what an earlier
one made, whatever became of its reply. What is done with a deployment that exists is in `im_jobs`, and
how an attempt ends that is given up in `im_cleanup`; one at rest is looked at in `im_at_rest`.
"""

import asyncio
import logging
import time

from agents import (
    cluster_looks,
    im_at_rest,
    im_cleanup,
    im_containers,
    im_jobs,
    im_limits,
    im_looks,
)
from agents.im_answers import event, sealed_outputs
from agents.im_place import Place
from paas_stream.app import app
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_containers import IncompleteError
from paas_stream.clients.im_login import OPENSTACK, user_header
from paas_stream.errors import PaasError, TemporaryError
from paas_stream.lifecycle import polling
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
    state, machines = await im_looks.state(place, im, effect.job)
    message, reason = None, ""
    if state in ("failed", "unconfigured"):
        message = await im.contextualization(authorization, infrastructure)
        if effect.job is None:
            im_limits.failed(place.name)
    has_containers = im_containers.has_containers(place)
    if has_containers and polling.is_to_be_explained(effect, state, machines, time.time()):
        why = await cluster_looks.why_not_running(place, im)
        message = reason = " ".join(filter(None, (message, why)))
    if not polling.is_news(effect, state, machines, reason):
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
    try:
        if im_containers.has_containers(place):
            unknown = await cluster_looks.check(place, im)
    except IncompleteError as exc:
        im_limits.failed(place.name)
        return event(
            place.effect, Outcome.REFUSED, message=exc.message, infrastructures=tuple(left)
        )
    outputs = sealed_outputs(await im_looks.outputs(place, im))
    im_limits.succeeded(place.name)
    told = {"outputs": outputs, "infrastructures": tuple(left), "message": unknown}
    return event(place.effect, Outcome.CONFIRMED, **told)


BY_KIND = {
    EffectKind.CREATE: create,
    EffectKind.POLL: poll,
    EffectKind.CONFIRM: confirm,
    EffectKind.CLEAN: im_cleanup.clean,
    EffectKind.RECHECK: im_at_rest.recheck,
    EffectKind.INSPECT: im_at_rest.inspect,
    EffectKind.CHANGE: im_jobs.change,
    EffectKind.READ: im_jobs.read,
    EffectKind.LOG: im_jobs.log,
}
