"""The parameters of queries: what the views read and what the contract says is the same model.

Only what selects and orders deployments and errors is read by `web.listing` and `web.error_records`
themselves: the models of it say here what those take.
"""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

PAGE_MOST: Final = 1000  # entries of one page
NUMBER_MOST: Final = 1_000_000_000  # of a page
TEXT_MOST: Final = 200  # characters of a text search
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def _whole(value: Any) -> Any:
    """Digits, as the schema says: Python reads more than that."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip(" ")):
        raise ValueError(f"must be a whole number, not {value!r}")
    return value


def _within(least: int, most: int) -> AfterValidator:
    """The range, refused in words; the schema has it, too."""

    def check(value: int) -> int:
        if not least <= value <= most:
            raise ValueError(f"must be from {least} to {most}")
        return value

    return AfterValidator(check)


def _truth(value: Any) -> Any:
    """Clients send True, too."""
    if not isinstance(value, str):
        return value
    if value.lower() not in ("true", "false"):
        raise ValueError(f"must be true or false, not {value!r}")
    return value.lower() == "true"


def _final(value: Any) -> Any:
    if value != "final":
        raise ValueError(f"must be 'final', not {value!r}")
    return value


Number = Annotated[
    int,
    BeforeValidator(_whole),
    _within(0, NUMBER_MOST),
    WithJsonSchema({"type": "integer", "minimum": 0, "maximum": NUMBER_MOST, "default": 0}),
]
Size = Annotated[
    int,
    BeforeValidator(_whole),
    _within(1, PAGE_MOST),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": PAGE_MOST, "default": 10}),
]
Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Bookmark = Annotated[str, Field(description="the place that a link to the next page has")]
Truth = Annotated[
    bool, BeforeValidator(_truth), WithJsonSchema({"type": "boolean", "default": False})
]
Until = Annotated[Literal["final"], BeforeValidator(_final)]


class Query(BaseModel):
    """Base of all: parameters that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Paging(Query):
    """Which page of a list."""

    page: Number = Field(0, description="from 0")
    size: Size = Field(10, description="entries of a page")


class StatisticsQuery(Query):
    """Which deployments are meant."""

    createdBy: str | None = Field(None, description="`me`, or `subject@issuer`")
    userGroup: str | None = Field(None, description="only those of this user group")
    provider: str | None = Field(None, description="only those at this provider")
    template: str | None = Field(None, description="only those whose template has this name")
    status: list[str] = Field([], description="only in these states; repeated, or with commas")
    excludedStatus: list[str] = Field(
        [],
        description="none in these states; repeated, or with commas",
        examples=[["DELETE_COMPLETE"]],
    )
    q: str | None = Field(
        None,
        max_length=TEXT_MOST,
        description="text in uuid, template's name, reason or provider; upper and lower case alike",
    )
    createdAfter: Time | None = Field(
        None, description="this moment is included; UTC without a zone"
    )
    createdBefore: Time | None = Field(None, description="this moment is not included")


class DeploymentsQuery(Paging, StatisticsQuery):
    """Which deployments, and in which order."""

    sort: str | None = Field(
        None,
        pattern="^(createdAt|updatedAt|status|provider|template)(,(ASC|DESC))?$",
        description="newest first without; ascending unless it says DESC",
        examples=["createdAt,DESC"],
    )
    after: Bookmark | None = None


class ErrorsQuery(Paging):
    """Which errors."""

    uuid: str | None = Field(None, description="only those about this deployment")
    component: str | None = Field(None, description="only those of this component")
    code: str | None = Field(None, description="only those with this code")
    createdAfter: Time | None = Field(
        None, description="this moment is included; UTC without a zone"
    )
    createdBefore: Time | None = Field(None, description="this moment is not included")
    after: Bookmark | None = None


class TemplatesQuery(Paging):
    """Which stored templates."""

    q: str = Field("", description="text in name or description; upper and lower case alike")


class CreateQuery(Query):
    """How a request is taken."""

    dryRun: Truth = Field(False, description="say what would become of it; deploy nothing")


class DeleteQuery(Query):
    """How a deployment is deleted."""

    force: Truth = Field(False, description="even if something may be left at the provider")


class EventsQuery(Query):
    """Which part of a timeline is streamed."""

    until: Until | None = Field(None, description="of a stream: it ends in any state that lasts")
    lastEventId: str | None = Field(None, description="as the header Last-Event-ID")


class ProvidersQuery(Paging):
    """Which providers."""

    userGroup: str | None = Field(None, description="only those open to this user group")
    type: str | None = Field(None, description="only of this type, such as openstack")


class ResourcesQuery(Paging):
    """Which resources of a deployment."""

    type: str | None = Field(
        None,
        description="a TOSCA type; types derived from it match, too. All of them are on one page",
    )
