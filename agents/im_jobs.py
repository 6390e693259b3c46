"""Carries out on the Infrastructure Manager what is done with a deployment that exists."""

import asyncio
import json
import time
from typing import Any

from agents.im_answers import event
from agents.im_place import Place
from paas_stream.clients.im import ImClient, ImGoneError
from paas_stream.lifecycle.attempt import Outcome
from paas_stream.lifecycle.job import Job, JobKind
from paas_stream.records import DispatchEvent, Machine
from paas_stream.secrets import vault

INFO_MAX = 200 * 1024  # bytes of all descriptions; they must fit into a message
LOG_MAX = 200 * 1024  # characters of a log; the end counts
_AT_ONCE = 5  # machines that are read at the same time
_SECRETS = ("password", "private_key", "public_key", "token", "secret")


async def change(place: Place, im: ImClient) -> DispatchEvent:
    """Go on from what is there: all of it may have been done before."""
    effect, job = place.effect, place.effect.job
    if job is None:
        raise AssertionError("a change belongs to a job")
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    if job.kind is JobKind.UPDATE:
        for machine in job.removals:
            await im.remove(authorization, infrastructure, machine)
        await im.add(authorization, infrastructure, place.template())
    elif job.machine is not None:
        await im.power(authorization, infrastructure, job.machine, job.kind.value)
    return event(effect, Outcome.CHANGED)


async def state(place: Place, im: ImClient, job: Job | None) -> tuple[str, int]:
    """What a poll is to look at: the machine of an action, else the infrastructure."""
    authorization, infrastructure = await place.authorization(), place.effect.infrastructures[0]
    if job is not None and job.machine is not None:
        return await im.machine_state(authorization, infrastructure, job.machine), 1
    return await im.state(authorization, infrastructure)


async def read(place: Place, im: ImClient, seconds: float) -> DispatchEvent:
    """Read the machines, as many as can be read in `seconds`, and the outputs."""
    effect = place.effect
    authorization, infrastructure = await place.authorization(), effect.infrastructures[0]
    ids = await im.machines(authorization, infrastructure)
    outputs = await im.outputs(authorization, infrastructure)
    slots, until = asyncio.Semaphore(_AT_ONCE), time.monotonic() + seconds

    async def one(machine: str) -> Machine | None:
        async with slots:
            if time.monotonic() >= until:
                return Machine(id=machine, state="unknown")
            try:
                described = await im.machine(authorization, infrastructure, machine)
            except ImGoneError:
                return None
        return _machine(machine, described)

    found = [each for each in await asyncio.gather(*map(one, ids)) if each is not None]
    return event(
        effect,
        Outcome.READ,
        machine_list=tuple(_bounded(found)),
        outputs=vault().seal_json(outputs),
    )


def _machine(machine: str, described: list[dict[str, Any]]) -> Machine:
    system = next((one for one in described if one.get("class") == "system"), {})
    properties = [_readable(one) for one in described]
    return Machine(
        id=machine,
        node=str(system.get("id") or ""),
        state=str(system.get("state") or "unknown"),
        info=json.dumps({"vmProperties": properties}, separators=(",", ":")),
    )


def _readable(part: dict[str, Any]) -> dict[str, Any]:
    """Without credentials; `x_min` stands for `x` where that is missing."""
    kept = {
        name: value
        for name, value in part.items()
        if not any(secret in name.rpartition(".")[2] for secret in _SECRETS)
    }
    least = {
        name.removesuffix("_min"): value for name, value in kept.items() if name.endswith("_min")
    }
    readable = least | kept
    if part.get("class") == "system":  # clients divide it
        readable["memory.size"] = _number(readable.get("memory.size"))
    return readable


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _bounded(machines: list[Machine]) -> list[Machine]:
    """With as many descriptions as a message has room for."""
    left, kept = INFO_MAX, []
    for one in machines:
        left -= len(one.info or "")
        kept.append(one if left >= 0 else one.model_copy(update={"info": None}))
    return kept


async def log(place: Place, im: ImClient) -> DispatchEvent:
    """Read the contextualization log."""
    effect = place.effect
    text = await im.contextualization_log(await place.authorization(), effect.infrastructures[0])
    sealed = vault().seal(text[-LOG_MAX:])
    return event(effect, Outcome.LOG, log=sealed, request_id=effect.request_id)
