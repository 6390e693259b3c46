"""The parameters of queries: what the views read and what the contract says is the same model."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

PAGE_MOST: Final = 1000  # entries of one page
_WHOLE = re.compile(r"-?[0-9]{1,18}")


def _whole(value: Any) -> Any:
    """Digits, as the schema says: Python reads more than that."""
    if isinstance(value, str) and not _WHOLE.fullmatch(value.strip(" ")):
        raise ValueError(f"must be a whole number, not {value!r}")
    return value


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


Whole = Annotated[int, BeforeValidator(_whole)]
Truth = Annotated[
    bool, BeforeValidator(_truth), WithJsonSchema({"type": "boolean", "default": False})
]
Until = Annotated[Literal["final"], BeforeValidator(_final)]


class Query(BaseModel):
    """Base of all: parameters that are not known are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Paging(Query):
    """Which page of a list."""

    page: Whole = Field(0, ge=0, le=1_000_000, description="from 0")
    size: Whole = Field(10, ge=1, le=PAGE_MOST, description="entries of a page")


class DeploymentsQuery(Paging):
    """Which deployments."""

    userGroup: str | None = Field(None, description="only those of this user group")
    excludedStatus: list[str] = Field(
        [],
        description="none in these states; repeatable, or a list with commas",
        examples=[["DELETE_COMPLETE"]],
    )


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


class ResourcesQuery(Query):
    """Which resources of a deployment."""

    type: str | None = Field(None, description="a TOSCA type; types derived from it match, too")
