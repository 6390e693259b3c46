"""Whose deployments a list is about: `createdBy` and `userGroup`."""

from aiohttp import web

from paas_stream.access import Action, Caller, group_fault, may, same_issuer
from web.faults import ApiError

Who = tuple[str, str]
"""Issuer and subject."""


def wanted(request: web.Request, caller: Caller) -> Who | None:
    """Whose deployments are asked for; None: everyone's, which is what admins get by default.

    A slash at the end of an issuer does not matter: the caller's own is spelled as its login has it.

    Raises ApiError 400 for a `createdBy` that is neither `me` nor `sub@issuer`, and 403 for another
    user's deployments, or a `userGroup` that is not the caller's, unless the caller is an admin.
    """
    myself = (caller.issuer, caller.subject)
    is_admin = may(caller, Action.ADMINISTER)
    given = request.query.get("createdBy")
    who = None if not given and is_admin else myself
    if given and given != "me":
        who = _parsed(given)
        if who[1] == caller.subject and same_issuer(who[0], caller.issuer):
            who = myself
    if who != myself and not is_admin:
        raise ApiError(403, "Only admins can list the deployments of other users")
    group = request.query.get("userGroup")
    if group and not is_admin and (fault := group_fault(caller, group)):
        raise ApiError(403, fault)
    return who


def _parsed(text: str) -> Who:
    """Subjects may hold an @, issuers do not."""
    subject, _, issuer = text.rpartition("@")
    if not subject or not issuer:
        raise ApiError(400, f"createdBy must be 'me' or 'subject@issuer', not {text!r}")
    return issuer, subject
