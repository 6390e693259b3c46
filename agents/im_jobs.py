"""Carries out on the Infrastructure Manager what is done with a deployment that exists."""

import asyncio
import time
from typing import Any

from agents import im_containers
from agents.im_answers import event, sealed_log, sealed_outputs
from agents.im_place import Place
from paas_stream.app import app
from paas_stream.clients.im import ImClient, ImGoneError, ImRefusedError, ImSurplusError
from paas_stream.errors import TemporaryError
from paas_stream.lifecycle import machine_info
from paas_stream.lifecycle.attempt import Outcome
from paas_stream.lifecycle.job import ENDED_STATES, Job, JobKind
from paas_stream.lifecycle.outputs import is_whole
from paas_stream.records import DispatchEvent, Machine

_AT_ONCE = 5  # machines that are read at the same time
_AGAIN_S = 1.0  # between two looks at outputs of which one is not there yet


async def change(place: Place, im: ImClient) -> DispatchEvent:
    """Go on from what is there: all of it may have been done before."""
    effect, job = place.effect, place.effect.job
    if job is None:
        raise AssertionError("a change belongs to a job")
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    unknown = None
    if job.kind is JobKind.UPDATE:
        for machine in job.removals:
            await im.remove(authorization, infrastructure, machine)
        if im_containers.has_containers(place):
            await im_containers.alter(place, im, authorization, infrastructure)
        try:
            await im.add(authorization, infrastructure, place.template())
        except ImSurplusError as exc:  # what is there is read again, and the newest go
            raise TemporaryError(exc.message, code=exc.code) from exc
        if im_containers.has_containers(place):
            unknown = await im_containers.check(place, im)
    elif job.kind is JobKind.RECONFIGURE:
        await im.reconfigure(authorization, infrastructure, job.machine)
    elif job.machine is not None:
        await _power(im, authorization, infrastructure, job.machine, job.kind)
    return event(effect, Outcome.CHANGED, message=unknown)


async def _power(
    im: ImClient, authorization: str, infrastructure: str, machine: str, kind: JobKind
) -> None:
    """Start or stop. A cloud refuses what was done already, before a reply that was lost."""
    try:
        await im.power(authorization, infrastructure, machine, kind.value)
    except ImRefusedError:
        if await im.machine_state(authorization, infrastructure, machine) not in ENDED_STATES[kind]:
            raise


async def state(place: Place, im: ImClient, job: Job | None) -> tuple[str, int]:
    """What a poll is to look at: the machine that is started or stopped, else all of them.

    The IM configures all together, so that one which is configured again is waited for with the others.
    """
    authorization, infrastructure = await place.authorization(), place.effect.infrastructures[0]
    if job is None:
        return await im.state(authorization, infrastructure)
    if job.kind is not JobKind.RECONFIGURE and job.machine is not None:
        return await im.machine_state(authorization, infrastructure, job.machine), 1
    return await im.state_of_running(authorization, infrastructure)


async def outputs(place: Place, im: ImClient) -> dict[str, Any]:
    """The outputs. A public address is waited for: an OpenStack's comes after the machine runs, and the
    IM calls it configured before.
    """
    authorization, infrastructure = await place.authorization(), place.effect.infrastructures[0]
    waits = place.candidate.target.type == "openstack" and place.has_public_address
    until = time.monotonic() + app.settings.im.call_timeout_s
    while True:
        found = await im.outputs(authorization, infrastructure)
        if not waits or is_whole(found) or time.monotonic() >= until:
            return found
        await asyncio.sleep(_AGAIN_S)
        await im.state(authorization, infrastructure)  # the IM looks at the machines for this only


async def read(place: Place, im: ImClient) -> DispatchEvent:
    """Read the outputs, and as many machines as can be read in the time of a call."""
    effect = place.effect
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    found_outputs = await outputs(place, im)
    ids = await im.machines(authorization, infrastructure)
    nodes = place.nodes()
    slots, until = asyncio.Semaphore(_AT_ONCE), time.monotonic() + app.settings.im.call_timeout_s

    async def one(machine: str) -> Machine | None:
        async with slots:
            if time.monotonic() >= until:
                return Machine(id=machine, state="unknown")
            try:
                described = await im.machine(authorization, infrastructure, machine)
            except ImGoneError:
                return None
        return machine_info.machine(machine, described, nodes)

    found = [each for each in await asyncio.gather(*map(one, ids)) if each is not None]
    return event(
        effect,
        Outcome.READ,
        machine_list=machine_info.bounded(found),
        outputs=sealed_outputs(found_outputs),
    )


async def is_empty(im: ImClient, authorization: str, infrastructure: str) -> bool:
    """Whether the IM has given it up, and knows of nothing that a provider has ever made of it.

    A machine or container that was made has an identifier there, and none before.
    """
    if (await im.state(authorization, infrastructure))[0] != "failed":
        return False
    machines = await im.machines(authorization, infrastructure)
    for machine in machines:
        described = await im.machine(authorization, infrastructure, machine)
        if any(one.get("instance_id") for one in described):
            return False
    return True


async def log(place: Place, im: ImClient) -> DispatchEvent:
    """Read the contextualization log."""
    effect = place.effect
    text = await im.contextualization_log(await place.authorization(), effect.infrastructures[0])
    return event(effect, Outcome.LOG, log=sealed_log(text), request_id=effect.request_id)
