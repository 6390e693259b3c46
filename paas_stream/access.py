"""Who may do what: the policy of the REST API in one table.

A caller is known by issuer and subject. Owners may do everything with their deployments, members of
a deployment's user group may look at it, admins may do all of it.
"""

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    """What a request is about; one word for each kind of right."""

    INFORM = "inform"  # what the service is, how it is, its metrics and pages
    LOOK = "look"  # read a deployment, its template, resources, timeline and ranking
    CHANGE = "change"  # update, delete, reset, start, stop; read the log and the extra information
    CREATE = "create"  # a deployment, a dry run, a stored template
    LIST = "list"  # deployments and errors; what may not be looked at is not in it
    PROVIDERS = "providers"  # what is known of providers, and which components are alive
    OWN = "own"  # the caller's own things: the SSH key
    ADMINISTER = "administer"  # all deployments of all users, reconcile


@dataclass(frozen=True)
class Caller:
    """Who asks."""

    issuer: str
    subject: str
    username: str | None = None
    groups: tuple[str, ...] | None = None  # user groups; None: groups are not checked (no login)
    is_admin: bool = False


NOBODY = Caller("urn:paas-stream:none", "anonymous", "anonymous", is_admin=True)  # PAAS_AUTH=none


@dataclass(frozen=True)
class Thing:
    """What has an owner: a deployment, a stored template, an error."""

    issuer: str
    subject: str
    user_group: str | None = None


def may(caller: Caller, action: Action, thing: Thing | None = None) -> bool:
    """Whether `caller` may do it, to `thing` where it is about one."""
    if caller.is_admin:
        return True
    if action is Action.ADMINISTER:
        return False
    if thing is None:
        return True
    if (thing.issuer, thing.subject) == (caller.issuer, caller.subject):
        return True
    in_group = thing.user_group is not None and thing.user_group in (caller.groups or ())
    return action is Action.LOOK and in_group
