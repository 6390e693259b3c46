"""What the models of answers share."""

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Item = TypeVar("Item")

Minute = Annotated[
    str,
    StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d[+-]\d{4}$"),
    Field(description="a moment, to the minute", examples=["2025-01-31T10:20+0000"]),
]
Moment = Annotated[
    str,
    StringConstraints(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$",
    ),
    Field(description="a moment", examples=["2025-01-31T10:20:03+00:00"]),
]
Free = dict[str, Any]


class Reply(BaseModel):
    """Base of all parts of answers. A field with the default None is left out where it has no value."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Link(Reply):
    """Another place of the API."""

    rel: str
    href: str = Field(description="absolute")


class PageInfo(Reply):
    """Where a page is in its list."""

    size: int = Field(description="entries of a full page")
    totalElements: int
    totalPages: int = Field(description="at least 1")
    number: int = Field(description="of this page, from 0")


class Page(Reply, Generic[Item]):
    """One page of a list. Links: first, prev, self, next, last; prev and next where there are any."""

    links: list[Link]
    content: list[Item]
    page: PageInfo


class Error(BaseModel):
    """Every error, whatever the status."""

    model_config = ConfigDict(extra="allow")

    code: int = Field(description="the status", examples=[400])
    title: str = Field(description="the status in words", examples=["Bad Request"])
    message: str = Field(description="what is wrong, in a sentence")
    faults: list[str] | None = Field(
        None, description="each fault of the request, where told apart"
    )
