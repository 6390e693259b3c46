"""Deletes on the Infrastructure Manager what an attempt has, and looks whether more has come since."""

from agents.im_answers import event
from agents.im_place import Place
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
    even what was never made there.
    """
    authorization = await place.authorization()
    try:
        await im.delete(authorization, infrastructure, force=place.effect.force)
    except ImRefusedError as exc:
        # 409: it is at work with it, and what it makes may come to be known only then
        if place.effect.force or exc.status == 409:
            raise
        if not await _is_empty(im, authorization, infrastructure):
            raise
        await im.delete(authorization, infrastructure, force=True)


async def _is_empty(im: ImClient, authorization: str, infrastructure: str) -> bool:
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


async def recheck(place: Place, im: ImClient) -> DispatchEvent:
    """Whether the attempt has something after it was cleaned up: a create may come late."""
    left = await im.infrastructures(user_header(place.user))
    return event(place.effect, Outcome.LEFT if left else Outcome.CLEAN, infrastructures=left)
