"""The rules that need nothing of the template: group, issuer, SLA dates, wishes, silence.

They are the cheap ones, so they come first. A provider that is not open to the request's group is
not examined further.
"""

from collections.abc import Iterator
from datetime import date, datetime

from paas_stream.records import Feeder, Request
from paas_stream.selection.reasons import Code, Reason, amount


def is_open(feeder: Feeder, request: Request) -> bool:
    """Whether `feeder` is open to the request's group.

    A request without group is open to every group (that occurs without authentication only: with
    it, the REST API refuses such a request). Groups of the same name at two issuers differ.
    """
    group = request.user_group
    return group is None or (feeder.user_group == group and _same_issuer(feeder, request))


def _same_issuer(feeder: Feeder, request: Request) -> bool:
    wanted = request.user_group_issuer
    return not wanted or wanted.rstrip("/") == feeder.issuer_endpoint.rstrip("/")


def closed_reason(feeder: Feeder, request: Request) -> Reason:
    """Why `feeder` is not open; other groups are not named."""
    group, issuer = request.user_group, request.user_group_issuer
    if feeder.user_group == group:
        return Reason(Code.ISSUER, lambda: f"open to the user group {group!r}, not of {issuer}")
    return Reason(Code.USER_GROUP, lambda: f"not open to the user group {group!r}")


def sla_reasons(feeder: Feeder, today: date) -> Iterator[Reason]:
    """Why the SLA is not valid today; both dates are included, a missing one sets no limit."""
    start, end = feeder.sla_start, feeder.sla_end
    try:
        if start and today < date.fromisoformat(start):
            sentence = f"the SLA begins on {start}, today is {today}"
            yield Reason(Code.SLA_NOT_STARTED, lambda: sentence)
        elif end and today > date.fromisoformat(end):
            sentence = f"the SLA ended on {end}, today is {today}"
            yield Reason(Code.SLA_EXPIRED, lambda: sentence)
    except ValueError:
        yield Reason(Code.SLA_DATES, lambda: f"the SLA's dates {start} to {end} cannot be read")


def wish_reasons(feeder: Feeder, request: Request) -> Iterator[Reason]:
    """The user's wishes that this provider does not meet."""
    name = request.target_provider_name
    if name and name != feeder.provider_name:
        yield Reason(Code.TARGET_PROVIDER, lambda: f"the provider {name!r} is asked for")
    kind = request.target_provider_type
    if kind and kind.casefold() != feeder.provider_type.casefold():
        yield Reason(
            Code.TARGET_TYPE,
            lambda: f"type {kind!r} is asked for, this provider is {feeder.provider_type!r}",
        )
    region = request.target_region_name
    if region and region != feeder.region_name:
        yield Reason(
            Code.TARGET_REGION,
            lambda: f"the region {region!r} is asked for, this one is {feeder.region_name!r}",
        )


def stale_reasons(received_at: datetime, now: datetime, stale_s: float) -> Iterator[Reason]:
    """Why the last message, received at `received_at`, is too old; `stale_s` in seconds."""
    silent_s = (now - received_at).total_seconds()
    if silent_s > stale_s:
        yield Reason(
            Code.STALE, lambda: f"silent for {silent_s:.0f} s, {amount(stale_s)} s are allowed"
        )
