"""What the IM shows of an infrastructure: to an attempt that is being made, and to a job."""

import asyncio
import time
from typing import Any

from agents import cluster_looks, im_containers
from agents.im_place import Place
from paas_stream.app import app
from paas_stream.clients.im import ImClient
from paas_stream.lifecycle.job import Job, JobKind
from paas_stream.lifecycle.outputs import is_whole

_AGAIN_S = 1.0  # between two looks at outputs of which one is not there yet


async def state(place: Place, im: ImClient, job: Job | None) -> tuple[str, int]:
    """What a poll is to look at: the machine that is started or stopped, else all of them.

    The IM configures all together, so that one which is configured again is waited for with the others.
    Containers of before an update may run until the new ones do: those are waited for.
    """
    authorization, infrastructure = await place.authorization(), place.effect.infrastructures[0]
    if job is None:
        return await im.state(authorization, infrastructure)
    if job.kind is not JobKind.RECONFIGURE and job.machine is not None:
        return await im.machine_state(authorization, infrastructure, job.machine), 1
    found, machines = await im.state_of_running(authorization, infrastructure)
    is_update = job.kind is JobKind.UPDATE and im_containers.has_containers(place)
    if is_update and found == "configured" and await cluster_looks.is_rolling_out(place, im):
        return "pending", machines
    return found, machines


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
