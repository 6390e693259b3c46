"""The rules that need nothing of the template: group, issuer, SLA dates, wishes, silence.

They are the cheap ones, so they come first. A provider that is not open to the request's group is
not examined further.
"""

from collections.abc import Collection, Iterator
from datetime import date, datetime

from paas_stream.access import same_issuer
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
    return not wanted or same_issuer(wanted, feeder.issuer_endpoint)


def closed_reason(feeder: Feeder, request: Request) -> Reason:
    """Why `feeder` is not open; other groups are not named."""
    group, issuer = request.user_group, request.user_group_issuer
    if feeder.user_group == group:
        return Reason(Code.ISSUER, lambda: f"open to the user group {group!r}, not of {issuer}")
    return Reason(Code.USER_GROUP, lambda: f"not open to the user group {group!r}")


def status_reasons(feeder: Feeder, trusted_issuers: Collection[str]) -> Iterator[Reason]:
    """Why nothing is deployed there now: the provider's status, or an issuer that is not trusted.

    `trusted_issuers` end without "/"; none at all means that every issuer is trusted.
    """
    if feeder.status.casefold() != "active":
        yield Reason(
            Code.PROVIDER_STATUS, lambda: f"the provider's status is {feeder.status!r}, not active"
        )
    if trusted_issuers:
        issuer = feeder.issuer_endpoint.rstrip("/")
        if issuer not in trusted_issuers:
            yield Reason(Code.ISSUER_NOT_TRUSTED, lambda: f"the issuer {issuer!r} is not trusted")


def placement_reasons(feeder: Feeder, sla_id: str | None) -> Iterator[Reason]:
    """Whether the template's placement policy names another agreement."""
    if sla_id and sla_id != feeder.sla_id:
        yield Reason(
            Code.SLA_PLACEMENT,
            lambda: f"the policy asks for the SLA {sla_id!r}, this one is {feeder.sla_id!r}",
        )


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


def is_stale(received_at: datetime, now: datetime, stale_s: float) -> bool:
    """Whether the last message, received at `received_at`, is too old; `stale_s` in seconds."""
    return (now - received_at).total_seconds() > stale_s


def stale_reasons(received_at: datetime, now: datetime, stale_s: float) -> Iterator[Reason]:
    """Why the last message is too old, as in `is_stale`."""
    if is_stale(received_at, now, stale_s):
        silent_s = (now - received_at).total_seconds()
        yield Reason(
            Code.STALE, lambda: f"silent for {silent_s:.0f} s, {amount(stale_s)} s are allowed"
        )
