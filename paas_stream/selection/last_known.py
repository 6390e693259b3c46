"""What is known of one provider, region and project: the last message, completed by earlier ones.

A message that could not read a part (flavors, a kind of quotas...) says so; the last good value of
that part is kept, with the time from which it is.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime

from paas_stream.records import Feeder
from paas_stream.records.feeder import LISTS


@dataclass(frozen=True)
class LastKnown:
    """The state after a message."""

    feeder: Feeder  # its `unknown` names the parts that were never read
    received_at: datetime  # the last message, whether partial or not
    kept: dict[str, datetime] = field(default_factory=dict)  # part -> when it was read last


def join(before: LastKnown | None, message: Feeder, received_at: datetime) -> LastKnown | None:
    """The state after `message`; None: it is older than what is known, and changes nothing.

    Times of other machines may be wrong: what claims to be from the future is from `received_at`,
    and so is what has no time (1.2.0).
    """
    timestamp = received_at
    if "timestamp" in message.model_fields_set:
        timestamp = min(message.timestamp, received_at)
    message = message.model_copy(update={"timestamp": timestamp})
    if before is None:
        return LastKnown(message, received_at)
    if timestamp < before.feeder.timestamp:
        return None
    after = LastKnown(message, received_at)
    for part in message.unknown:
        if part not in before.feeder.unknown:
            since = before.kept.get(part, before.feeder.timestamp)
            after = _keep(after, part, before.feeder, since)
    return after


def _keep(state: LastKnown, part: str, before: Feeder, since: datetime) -> LastKnown:
    feeder = state.feeder
    update: dict[str, object] = {"unknown": tuple(p for p in feeder.unknown if p != part)}
    if part in LISTS:
        update[part] = getattr(before, part)
    elif part.startswith("quotas/"):
        kind = part.removeprefix("quotas/")
        others = [row for row in feeder.quotas if row.type != kind]
        update["quotas"] = (*others, *(row for row in before.quotas if row.type == kind))
    else:
        return state  # a part that only a later version knows
    return replace(state, feeder=feeder.model_copy(update=update), kept=state.kept | {part: since})
