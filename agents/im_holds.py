"""The dispatcher's requests for room, which go to the quota keeper and not to the IM."""

import logging
from collections.abc import Iterator

from paas_stream.lifecycle import room
from paas_stream.lifecycle.attempt import EffectKind, Policy
from paas_stream.lifecycle.dispatch import Transition
from paas_stream.records import QuotaRequest, Target
from tables.dispatches import dispatch_inputs

log = logging.getLogger(__name__)


def requests(transition: Transition, policy: Policy) -> Iterator[QuotaRequest]:
    """The requests among a transition's effects. They are sent as its messages are: the quota keeper
    grants again what it has granted.
    """
    row = transition.row
    for effect in transition.effects:
        if effect.kind is not EffectKind.HOLD or row is None:
            continue
        inputs = dispatch_inputs.get(effect.uuid)
        if inputs is None or inputs.candidates is None:
            log.warning("%s: its ranking is not there yet; a tick asks again", effect.uuid)
            continue
        target = Target.model_validate(inputs.candidates[effect.candidate]["target"])
        asked = room.wanted(row, effect, target.demand, inputs.owner, policy)
        if asked is not None:
            yield asked
