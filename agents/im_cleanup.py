"""Deletes on the Infrastructure Manager what an attempt has."""

from collections.abc import Iterable, Mapping
from typing import Any

from agents import cluster_looks
from agents.im_answers import event
from agents.im_containers import has_containers
from agents.im_place import Place
from paas_stream.clients import im_containers
from paas_stream.clients.im import ImClient, ImRefusedError
from paas_stream.clients.im_login import user_header
from paas_stream.lifecycle.attempt import Outcome
from paas_stream.records import DispatchEvent


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
    even what was never made there. And it never deletes a container whose Deployment is gone, be it
    that somebody has deleted it, or that an infrastructure comes back after its delete (IM 2.0.0).
    """
    authorization = await place.authorization()
    try:
        await im.delete(authorization, infrastructure, force=place.effect.force)
    except ImRefusedError as exc:
        # 409: it is at work with it, and what it makes may come to be known only then
        if place.effect.force or exc.status == 409:
            raise
        if not await _is_empty(place, im, authorization, infrastructure):
            raise
        await im.delete(authorization, infrastructure, force=True)


async def _is_empty(place: Place, im: ImClient, authorization: str, infrastructure: str) -> bool:
    """Whether there is nothing of it at the provider, and nothing will come.

    A machine or container that was made has an identifier there, and none before; then one may still
    come, unless the IM has given it up. Of a container that was made the cluster is asked.
    Raises TemporaryError when that cannot be asked, and ImRefusedError with what a cluster still has
    of a container whose Deployment is gone.
    """
    has_failed = (await im.state(authorization, infrastructure))[0] == "failed"
    machines = await im.machines(authorization, infrastructure)
    for machine in machines:
        described = await im.machine(authorization, infrastructure, machine)
        if any(one.get("instance_id") for one in described):
            if not await _is_gone(place, machine, described):
                return False
        elif not has_failed:
            return False
    return bool(machines) or has_failed


async def _is_gone(place: Place, machine: str, described: Iterable[Mapping[str, Any]]) -> bool:
    if not has_containers(place):
        return False
    left = await cluster_looks.left(place, im_containers.of(machine, described, place.nodes()))
    if left:
        text = (
            "the IM deletes nothing of a container whose Deployment is gone; the cluster still has"
        )
        raise ImRefusedError(f"{text} {', '.join(left)}")
    return left is not None
