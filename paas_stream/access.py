"""Who may do what: the policy of the REST API as two tables, and the only place where it stands.

`RIGHTS` says what each kind of caller may do; `ENDPOINTS` says which right each request needs. A
caller is known by issuer and subject, so users of two issuers are never the same one; nor are their
groups, whatever they are called. Tests run through both tables, with real tokens, and find every
route of the application in the second one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What a request is about; one word for each kind of right."""

    INFORM = "inform"  # what the service is, how it is, its metrics and pages
    LOOK = "look"  # read a deployment, its template, resources, timeline and ranking
    CHANGE = "change"  # update, delete, reset, actions; read the log and the extra information
    CREATE = "create"  # a deployment, a dry run, a stored template
    LIST = "list"  # deployments and errors; what may not be looked at is not in it
    PROVIDERS = "providers"  # what is known of providers, and which components are alive
    OWN = "own"  # the caller's own things: the SSH key
    ADMINISTER = "administer"  # all deployments of all users, reconcile


class Kind(StrEnum):
    """What a caller is to the thing that a request is about."""

    NOBODY = "nobody"  # no login, or one that is refused
    USER = "user"  # a login; to a thing: neither owner nor in its group
    MEMBER = "member"  # in the thing's user group, which is of the owner's issuer
    OWNER = "owner"
    ADMIN = "admin"  # in an admin group of its own issuer


_ALL: Final = frozenset(Kind)
_LOGGED_IN: Final = _ALL - {Kind.NOBODY}

RIGHTS: Final[dict[Action, frozenset[Kind]]] = {
    Action.INFORM: _ALL,
    Action.LOOK: frozenset({Kind.MEMBER, Kind.OWNER, Kind.ADMIN}),
    Action.CHANGE: frozenset({Kind.OWNER, Kind.ADMIN}),
    Action.CREATE: _LOGGED_IN,  # of the caller's own groups: see `group_fault`
    Action.LIST: _LOGGED_IN,  # own ones; those of others are for ADMINISTER
    Action.PROVIDERS: _LOGGED_IN,
    Action.OWN: _LOGGED_IN,
    Action.ADMINISTER: frozenset({Kind.ADMIN}),
}

_D: Final = "/deployments/{uuid}"

ENDPOINTS: Final[dict[tuple[str, str], Action]] = {
    # Open: probes and the monitoring have no login; the rest is needed to find out how to log in.
    # None of it tells of users, deployments or providers.
    ("GET", "/healthz"): Action.INFORM,  # Kubernetes asks
    ("GET", "/readyz"): Action.INFORM,
    ("GET", "/metrics"): Action.INFORM,  # Prometheus asks; counts without names
    ("GET", "/"): Action.INFORM,
    ("GET", "/info"): Action.INFORM,
    ("GET", "/configuration"): Action.INFORM,  # clients ask before they log in
    ("GET", "/ui"): Action.INFORM,  # files; the page's data comes from the rest of this table
    ("GET", "/ui/"): Action.INFORM,
    ("GET", "/ui/{name}"): Action.INFORM,
    ("GET", "/openapi.json"): Action.INFORM,
    ("GET", "/docs"): Action.INFORM,
    ("GET", "/docs/"): Action.INFORM,
    ("GET", "/docs/{name}"): Action.INFORM,
    # Deployments
    ("GET", "/deployments"): Action.LIST,
    ("POST", "/deployments"): Action.CREATE,  # a dry run, too
    ("GET", _D): Action.LOOK,
    ("PUT", _D): Action.CHANGE,
    ("PATCH", _D): Action.CHANGE,
    ("DELETE", _D): Action.CHANGE,
    ("GET", f"{_D}/template"): Action.LOOK,
    ("GET", f"{_D}/log"): Action.CHANGE,  # these two show what machines were told, secrets too
    ("GET", f"{_D}/extrainfo"): Action.CHANGE,
    ("GET", f"{_D}/resources"): Action.LOOK,
    ("GET", f"{_D}/resources/{{rid}}"): Action.LOOK,
    ("POST", f"{_D}/resources/{{rid}}/actions"): Action.CHANGE,
    ("POST", f"{_D}/actions"): Action.CHANGE,
    ("GET", f"{_D}/events"): Action.LOOK,
    ("GET", f"{_D}/ranking"): Action.LOOK,
    # What is shared
    ("GET", "/providers"): Action.PROVIDERS,
    ("GET", "/providers/{name}"): Action.PROVIDERS,
    ("GET", "/components"): Action.PROVIDERS,
    ("GET", "/templates"): Action.LIST,
    ("POST", "/templates"): Action.CREATE,
    ("GET", "/templates/{id}"): Action.LOOK,
    ("DELETE", "/templates/{id}"): Action.CHANGE,
    ("POST", "/templates/inspect"): Action.CREATE,
    ("GET", "/errors"): Action.LIST,
    ("GET", "/statistics"): Action.LIST,
    # The caller's own, and the operators'
    ("GET", "/user/ssh-key"): Action.OWN,
    ("PUT", "/user/ssh-key"): Action.OWN,
    ("DELETE", "/user/ssh-key"): Action.OWN,
    ("POST", "/admin/reconcile"): Action.ADMINISTER,
}

OPEN: Final = frozenset(path for (_, path), action in ENDPOINTS.items() if action is Action.INFORM)
"""Paths that need no login. Whatever is not in the table needs one."""


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


def kind(caller: Caller | None, thing: Thing | None = None) -> Kind:
    """What `caller` is to `thing`; None: who has no login."""
    if caller is None:
        return Kind.NOBODY
    if caller.is_admin:
        return Kind.ADMIN
    if thing is None or thing.issuer != caller.issuer:
        return Kind.USER
    if thing.subject == caller.subject:
        return Kind.OWNER
    in_group = thing.user_group is not None and thing.user_group in (caller.groups or ())
    return Kind.MEMBER if in_group else Kind.USER


def may(caller: Caller | None, action: Action, thing: Thing | None = None) -> bool:
    """Whether `caller` may do it, to `thing` where it is about one.

    Without a thing LOOK and CHANGE ask for a login only: the thing is found after it.
    """
    if thing is None and action in (Action.LOOK, Action.CHANGE):
        return caller is not None
    return kind(caller, thing) in RIGHTS[action]


def same_issuer(one: str, other: str) -> bool:
    """Whether two spellings mean one issuer: some clients end its URL with a slash."""
    return one.rstrip("/") == other.rstrip("/")


def group_fault(caller: Caller, group: str | None) -> str | None:
    """Why `caller` may not act for this user group, admins neither; None: it may."""
    if caller.groups is None or group in caller.groups:
        return None
    if not caller.groups:
        return "User's token does not contain a group claim or it is empty"
    return f"The group {group or 'null'} is not in the user's authorized groups"


def within(groups: Iterable[str], limit: int) -> tuple[str, ...]:
    """As many of the groups as have `limit` characters together: a caller travels in a header."""
    kept: list[str] = []
    room = limit
    for group in groups:
        room -= len(group)
        if room < 0:
            break
        kept.append(group)
    return tuple(kept)
