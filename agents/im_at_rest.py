"""Looks at what the Infrastructure Manager has of an attempt that is at rest."""

from agents.im_answers import event
from agents.im_place import Place
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_login import user_header
from paas_stream.lifecycle import inspection
from paas_stream.lifecycle.attempt import Outcome
from paas_stream.records import DispatchEvent


async def recheck(place: Place, im: ImClient) -> DispatchEvent:
    """Whether the attempt has something after it was cleaned up: a create may come late."""
    left = await im.infrastructures(user_header(place.user))
    return event(place.effect, Outcome.LEFT if left else Outcome.CLEAN, infrastructures=left)


async def inspect(place: Place, im: ImClient) -> DispatchEvent | None:
    """What an attempt at rest has; None: it is as it should be."""
    effect, lister = place.effect, user_header(place.user)
    found = await im.infrastructures(lister)
    outcome = inspection.difference(effect, found)
    if outcome is Outcome.LEFT:
        return event(effect, outcome, infrastructures=inspection.strays(effect, found))
    if outcome is not None:
        return event(effect, outcome)
    if not (effect.infrastructures and found):
        return None
    machines = await im.machines(lister, effect.infrastructures[0])
    if set(machines) == set(effect.machines):
        return None
    return event(effect, Outcome.CHANGED, message=inspection.lost_machines(effect, machines))
