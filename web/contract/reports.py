"""`/errors` and `/statistics`: what went wrong, and how much goes on."""

from pydantic import Field

from paas_stream.access import Action
from web.contract.base import Moment, Page, Reply
from web.contract.operation import Operation, Tag, in_json
from web.contract.queries import ErrorsQuery, StatisticsQuery


class ErrorSource(Reply):
    """The record that an error is about."""

    topic: str
    partition: int
    offset: int


class ErrorEntry(Reply):
    """What went wrong once."""

    id: str = Field(description="for `paas-stream errors show` and `replay`")
    time: Moment
    uuid: str | None = Field(None, description="the deployment")
    component: str
    step: str
    code: str
    message: str
    retriable: bool = Field(description="the same may succeed later")
    replayed: bool = Field(description="the record that it is about was sent again")
    source: ErrorSource | None = None


class ErrorPage(Page[ErrorEntry]):
    """Errors, newest first."""


class Creates(Reply):
    """How creates ended."""

    completed: int
    failed: int
    successRate: float | None = Field(None, description="0 to 1")
    p50Seconds: float | None = Field(None, description="from the request to completion")
    p95Seconds: float | None = None


class ProviderAttempts(Reply):
    """Attempts of the last 30 days, of all users."""

    provider: str = Field(description="provider/region")
    attempts: int
    successes: int
    successRate: float = Field(description="0 to 1")


class Statistics(Reply):
    """Deployments, counted."""

    deployments: int
    byStatus: dict[str, int]
    byProvider: dict[str, int]
    byTemplate: dict[str, int] = Field(description="the 500 most frequent")
    creates: Creates
    attempts: list[ProviderAttempts]


OPERATIONS = (
    Operation(
        "GET",
        "/errors",
        "listErrors",
        Tag.REPORTS,
        "What went wrong, newest first",
        {200: in_json("a page", ErrorPage)},
        Action.LIST,
        query=ErrorsQuery,
        about="Users see what is about deployments that they may look at, admins all of it.",
        aliases=("/errors/",),
    ),
    Operation(
        "GET",
        "/statistics",
        "getStatistics",
        Tag.REPORTS,
        "How many deployments there are, of which kind, and how creates go",
        {200: in_json("counted now", Statistics)},
        Action.LIST,
        query=StatisticsQuery,
        about="Of the deployments that the caller may look at.",
        aliases=("/statistics/",),
    ),
)
