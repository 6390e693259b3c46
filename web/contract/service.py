"""What the service is, how it is, and its pages."""

from typing import Literal

from pydantic import Field

from paas_stream.access import Action
from web.contract.base import Free, Moment, Reply
from web.contract.operation import HTML, Operation, Tag, empty, in_json, in_text

State = Literal["alive", "stuck", "late", "stopped", "unknown"]


class Build(Reply):
    """What it was made of."""

    version: str


class RankingModel(Reply):
    """The model that ranks at this worker."""

    version: str
    since: Moment


class Info(Reply):
    """What this is."""

    name: str
    version: str
    build: Build = Field(description="the version again, where existing dashboards look for it")
    rankingModel: RankingModel | None = Field(None, description="left out when none is live")


class Alive(Reply):
    """A worker that lives."""

    status: Literal["alive"]
    worker: str


class Ready(Reply):
    """A worker that may be asked."""

    status: Literal["ready"]
    worker: str


class Instance(Reply):
    """One component on one worker; ages in seconds."""

    worker: str
    state: State
    ageSeconds: float
    version: str
    startedAt: Moment
    events: int
    errors: int
    lastEventAt: Moment | None = None
    doing: str | None = None
    doingSeconds: float | None = None
    lag: int | None = Field(None, description="records that wait for it")


class Component(Reply):
    """One component; its state is the best one of its instances."""

    component: str
    state: State
    alive: int
    lag: int
    instances: list[Instance]


class Components(Reply):
    """All components, as this worker has heard of them."""

    components: list[Component]
    worker: str


_FILES = ("text/html", "text/css", "text/javascript", "image/svg+xml")
_UNCHANGED = empty("the caller has it already (If-None-Match)")

OPERATIONS = (
    Operation(
        "GET",
        "/",
        "getRoot",
        Tag.SERVICE,
        "What this is; browsers are sent to the page",
        {200: in_json("for programs", Info), 302: empty("for browsers", "Location")},
    ),
    Operation("GET", "/info", "getInfo", Tag.SERVICE, "What this is", {200: in_json("", Info)}),
    Operation(
        "GET",
        "/configuration",
        "getConfiguration",
        Tag.SERVICE,
        "Where the services behind this one are",
        {200: in_json("all values are text", dict[str, str])},
    ),
    Operation(
        "GET",
        "/healthz",
        "getHealth",
        Tag.SERVICE,
        "Liveness of this worker",
        {200: in_json("it lives", Alive)},
    ),
    Operation(
        "GET",
        "/readyz",
        "getReadiness",
        Tag.SERVICE,
        "Whether this worker may be asked",
        {200: in_json("it may", Ready)},
        errors=(503,),
        about="503 until it may: `message` has the reason.",
    ),
    Operation(
        "GET",
        "/metrics",
        "getMetrics",
        Tag.SERVICE,
        "This worker's numbers, for Prometheus",
        {200: in_text("all metrics", "text/plain", "application/openmetrics-text")},
    ),
    Operation(
        "GET",
        "/components",
        "getComponents",
        Tag.SERVICE,
        "Which components are alive, and what they are doing",
        {200: in_json("by their names", Components)},
        Action.PROVIDERS,
    ),
    Operation(
        "GET",
        "/openapi.json",
        "getOpenApi",
        Tag.SERVICE,
        "This document",
        {200: in_json("OpenAPI 3.1", Free), 304: _UNCHANGED},
    ),
    Operation(
        "GET",
        "/ui",
        "redirectToDashboard",
        Tag.PAGES,
        "The dashboard's address without its slash",
        {302: empty("to the dashboard", "Location")},
    ),
    Operation(
        "GET",
        "/ui/",
        "getDashboard",
        Tag.PAGES,
        "The dashboard",
        {200: in_text("a page", HTML), 304: _UNCHANGED},
    ),
    Operation(
        "GET",
        "/ui/{name}",
        "getDashboardFile",
        Tag.PAGES,
        "A script, style or picture of the dashboard",
        {200: in_text("a file", *_FILES), 304: _UNCHANGED},
        errors=(404,),
    ),
    Operation(
        "GET",
        "/docs",
        "getDocs",
        Tag.PAGES,
        "This document for people",
        {200: in_text("a page", HTML), 304: _UNCHANGED},
    ),
    Operation(
        "GET",
        "/docs/{name}",
        "getDocsFile",
        Tag.PAGES,
        "A script or style of that page",
        {200: in_text("a file", *_FILES), 304: _UNCHANGED},
        errors=(404,),
    ),
)
