"""What the quota keeper is told of an attempt: that it wants room, that its machines are there, that it
needs no room any more.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

from paas_stream.lifecycle.attempt import LIVE, Attempt, Effect, Phase, Policy
from paas_stream.lifecycle.dispatch_row import DispatchRow
from paas_stream.lifecycle.reports import at
from paas_stream.records import QuotaRequest

_GONE = frozenset({Phase.RECHECKING, Phase.CLEAN})
# The IM names a state so when every machine is there, whatever became of its configuration.
_ALL_THERE = frozenset({"running", "configured", "unconfigured"})


def told(before: DispatchRow, after: DispatchRow, now: float) -> Iterator[QuotaRequest]:
    """What of a step concerns the quota keeper."""
    for one in after.attempts:
        was = before.attempt(one.number)
        if _is_gone(one) and not _is_gone(was):
            yield _request(after.uuid, one, "release", now)
        elif _is_there(one) and not _is_there(was):
            yield _request(after.uuid, one, "created", now)


def wanted(
    row: DispatchRow, effect: Effect, demand: Mapping[str, float], owner: str, policy: Policy
) -> QuotaRequest | None:
    """The request for room that `effect` is. It expires once the attempt is over and cleaned up.

    None: the attempt is not there.
    """
    one = row.attempt(effect.attempt)
    if one is None:
        return None
    asked = _request(row.uuid, one, "hold", one.started_at)
    expires_at = at(one.deadline + policy.delete_timeout_s + policy.last_s)
    return asked.model_copy(
        update={
            "issue": effect.issue,
            "demand": dict(demand),
            "owner": owner,
            "expires_at": expires_at,
        }
    )


def _is_gone(one: Attempt | None) -> bool:
    return one is not None and one.phase in _GONE


def _is_there(one: Attempt | None) -> bool:
    return one is not None and (one.phase in LIVE or one.im_state in _ALL_THERE)


def _request(
    uuid: str, one: Attempt, request: Literal["hold", "created", "release"], now: float
) -> QuotaRequest:
    return QuotaRequest(
        uuid=uuid,
        timestamp=at(now),
        attempt=one.number,
        request=request,
        provider_name=one.provider_name,
        region_name=one.region_name,
        project_id=one.project,
    )
