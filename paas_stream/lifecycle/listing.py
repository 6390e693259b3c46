"""What a list of deployments asks for: which ones, in which order, from where on.

A list is ordered by one property and then by uuid, so that the order is the same on every worker and
between two pages. The properties by which deployments are told apart in counts are their facet.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from paas_stream.errors import PermanentError
from paas_stream.lifecycle.deployment import DeploymentRow

Key = tuple[Any, str]  # value of the property that orders the list, uuid


class Property(StrEnum):
    """What a list can be ordered by."""

    CREATED = "createdAt"
    UPDATED = "updatedAt"
    STATUS = "status"
    PROVIDER = "provider"
    TEMPLATE = "template"

    def of(self, row: DeploymentRow) -> float | str:
        """The value that a deployment has; what it has not sorts before all that others have."""
        match self:
            case Property.CREATED:
                return row.created or 0.0
            case Property.UPDATED:
                return row.updated
            case Property.STATUS:
                return row.status.value
            case Property.PROVIDER:
                return row.provider_name or ""
        return row.template_name

    @property
    def is_moment(self) -> bool:
        """Whether values are seconds since the epoch; the others are text."""
        return self in (Property.CREATED, Property.UPDATED)


@dataclass(frozen=True)
class Order:
    """In which order a list is."""

    by: Property = Property.CREATED
    descending: bool = True  # of uuids, too

    def reversed(self) -> "Order":
        """From the end to the begin."""
        return Order(self.by, not self.descending)

    def is_behind(self, key: Key, after: Key | None, included: bool) -> bool:
        """Whether `key` comes after `after` in this order, or `included` is it; None: all do."""
        if after is None or (included and key == after):
            return True
        return bool(key < after if self.descending else key > after)

    def bookmark(self, key: Key) -> str:
        """Names the place of `key` in this order; to be sent in a URL as it is."""
        place = [self.by.value, self.descending, *key]
        return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")

    def place(self, bookmark: str) -> Key:
        """The key that a bookmark names. Raises PermanentError when it is not one of this order."""
        try:
            padded = bookmark + "=" * (-len(bookmark) % 4)
            by, descending, value, uuid = json.loads(base64.urlsafe_b64decode(padded))
        except (binascii.Error, ValueError, TypeError) as exc:
            raise PermanentError("it is not one that a link of a page has") from exc
        kinds: tuple[type, ...] = (int, float) if self.by.is_moment else (str,)
        if (by, descending) != (self.by.value, self.descending):
            raise PermanentError("it belongs to a list in another order")
        if not isinstance(value, kinds) or isinstance(value, bool) or not isinstance(uuid, str):
            raise PermanentError("it is not one that a link of a page has")
        return value, uuid


Owner = tuple[str, str]  # issuer, subject


class Facet(NamedTuple):
    """What deployments are told apart and counted by."""

    owner: Owner
    user_group: str | None
    status: str
    provider_name: str | None
    template_name: str

    @classmethod
    def of(cls, row: DeploymentRow) -> "Facet":
        """The facet of a deployment."""
        return cls(
            (row.issuer, row.subject),
            row.user_group,
            row.status.value,
            row.provider_name,
            row.template_name,
        )


@dataclass(frozen=True)
class Query:
    """Which deployments. What is None, or empty, does not matter."""

    owner: Owner | None = None
    user_group: str | None = None
    statuses: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()  # statuses
    provider_name: str | None = None
    template_name: str | None = None
    text: str = ""  # casefolded; in uuid, template's name, reason or provider
    created_from: float | None = None  # seconds since the epoch, included
    created_to: float | None = None  # not included

    @property
    def owners(self) -> tuple[Owner, ...]:
        """The spellings of the owner: with or without a slash it is one issuer."""
        if self.owner is None:
            return ()
        issuer, subject = self.owner
        return (issuer.rstrip("/"), subject), (issuer.rstrip("/") + "/", subject)

    @property
    def chooses_status(self) -> bool:
        """Whether not every state is meant."""
        return bool(self.statuses or self.excluded)

    @property
    def looks_at_rows(self) -> bool:
        """Whether facets do not suffice to answer it."""
        return bool(self.text) or self.created_from is not None or self.created_to is not None

    def admits_status(self, status: str) -> bool:
        """Whether deployments in this state may be meant."""
        return (not self.statuses or status in self.statuses) and status not in self.excluded

    def admits_facet(self, facet: Facet) -> bool:
        """Whether deployments of this facet may be meant."""
        return (
            (self.owner is None or facet.owner in self.owners)
            and (self.user_group is None or facet.user_group == self.user_group)
            and self.admits_status(facet.status)
            and (self.provider_name is None or facet.provider_name == self.provider_name)
            and (self.template_name is None or facet.template_name == self.template_name)
        )

    def admits(self, created: float, text: str) -> bool:
        """Whether a deployment of an admitted facet is meant; `text` is what `searched` gives."""
        return (
            (self.created_from is None or created >= self.created_from)
            and (self.created_to is None or created < self.created_to)
            and self.text in text
        )


@dataclass(frozen=True)
class Viewer:
    """Who may look at own deployments, and at those of these user groups."""

    owner: Owner
    groups: frozenset[str] = frozenset()

    def may_look_at(self, facet: Facet) -> bool:
        """As the policy has it (`paas_stream.access`, LOOK) for all who are no admins."""
        return facet.owner == self.owner or facet.user_group in self.groups


def searched(row: DeploymentRow) -> str:
    """What a text search looks into, a line for each property; casefolded."""
    parts = (row.uuid, row.template_name, row.status_reason, row.provider_name)
    return "\n".join(part for part in parts if part).casefold()
