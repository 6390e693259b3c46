"""What is known of one provider, region and project: the last message, completed by earlier ones.

A message that could not read a part (flavors, a kind of quotas...) says so; the last good value of
that part is kept, with the time from which it is.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from paas_stream.clocks import not_ahead
from paas_stream.records import Feeder, Quota
from paas_stream.records.feeder import LISTS

_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class LastKnown:
    """The state after a message."""

    feeder: Feeder  # its `unknown` names the parts that were never read
    received_at: datetime  # the last message, whether partial or not
    kept: dict[str, datetime] = field(default_factory=dict)  # part -> when it was read last


def join(before: LastKnown | None, message: Feeder, received_at: datetime) -> LastKnown | None:
    """The state after `message`; None: it is older than what is known, and changes nothing.

    It is not from later than `received_at`, and what has no time (1.2.0) is from then.
    """
    timestamp = received_at
    if "timestamp" in message.model_fields_set:
        timestamp = not_ahead(message.timestamp, received_at)
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
        update["quotas"] = _kept_quotas(part.removeprefix("quotas/"), feeder.quotas, before.quotas)
    else:
        return state  # a part that only a later version knows
    return replace(state, feeder=feeder.model_copy(update=update), kept=state.kept | {part: since})


def _kept_quotas(kind: str, now: tuple[Quota, ...], before: tuple[Quota, ...]) -> tuple[Quota, ...]:
    """The rows with those of `kind` as they were; limits of users that are told now take the place."""
    others = [row for row in now if row.type != kind]
    of_users = [row for row in now if row.type == kind and row.per_user]
    old = [row for row in before if row.type == kind and not (of_users and row.per_user)]
    return (*others, *of_users, *old)


def is_news(before: LastKnown, message: Feeder, now: datetime) -> bool:
    """Whether `message` says more than that all is as it was."""
    after = join(before, message, now)
    return after is not None and (
        after.kept.keys() != before.kept.keys() or _said(after.feeder) != _said(before.feeder)
    )


def _said(feeder: Feeder) -> Feeder:
    return feeder.model_copy(update={"msg_version": "", "timestamp": _NEVER, "cause": None})
