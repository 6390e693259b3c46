"""Carries out on the Infrastructure Manager what is done with a deployment that exists."""

import asyncio
import time

from agents import cluster_looks, im_containers, im_looks
from agents.im_answers import event, sealed_log, sealed_outputs
from agents.im_place import Place
from paas_stream.app import app
from paas_stream.clients.im import ImClient, ImGoneError, ImRefusedError, ImSurplusError
from paas_stream.errors import TemporaryError
from paas_stream.lifecycle import machine_info
from paas_stream.lifecycle.attempt import Outcome
from paas_stream.lifecycle.job import ENDED_STATES, JobKind
from paas_stream.records import DispatchEvent, Machine

_AT_ONCE = 5  # machines that are read at the same time


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
            unknown = await cluster_looks.check(place, im)
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


async def read(place: Place, im: ImClient) -> DispatchEvent:
    """Read the outputs, and as many machines as can be read in the time of a call."""
    effect = place.effect
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    found_outputs = await im_looks.outputs(place, im)
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


async def log(place: Place, im: ImClient) -> DispatchEvent:
    """Read the contextualization log."""
    effect = place.effect
    text = await im.contextualization_log(await place.authorization(), effect.infrastructures[0])
    return event(effect, Outcome.LOG, log=sealed_log(text), request_id=effect.request_id)
