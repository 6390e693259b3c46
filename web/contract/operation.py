"""What an operation of the REST API is: a method of a path, its parameters and all of its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pydantic import BaseModel

from paas_stream.access import Action

JSON: Final = "application/json"
TEXT: Final = "text/plain"
HTML: Final = "text/html"
EVENT_STREAM: Final = "text/event-stream"

UNLIMITED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths without a limit of requests: who looks after the service may always ask."""


class Tag(StrEnum):
    """The subjects of the API, in the order in which they are shown."""

    DEPLOYMENTS = "deployments"
    RESOURCES = "resources"
    TEMPLATES = "templates"
    PROVIDERS = "providers"
    REPORTS = "reports"
    USER = "user"
    ADMIN = "admin"
    SERVICE = "service"
    PAGES = "pages"


@dataclass(frozen=True)
class Answer:
    """One answer that is no error. Without `content` it has no body."""

    about: str
    content: Mapping[str, Any] = field(
        default_factory=dict
    )  # by media type: a type to be described
    headers: tuple[str, ...] = ()  # names in `document.HEADERS`


def in_json(about: str, model: Any, *headers: str) -> Answer:
    """An answer in JSON."""
    return Answer(about, {JSON: model}, headers)


def in_text(about: str, *media_types: str) -> Answer:
    """An answer in text, `text/plain` unless said otherwise."""
    return Answer(about, dict.fromkeys(media_types or (TEXT,), str))


def empty(about: str, *headers: str) -> Answer:
    """An answer without a body."""
    return Answer(about, {}, headers)


@dataclass(frozen=True)
class Operation:
    """One declaration of the contract.

    `errors` are the error statuses of its own. Those that come with a login (400, 401, 403, 503), with a
    query (400) or a body (400, 408, 413, 415), with the limit of requests (429) and with any fault of
    ours (500) are added by `error_statuses`.
    """

    method: str
    path: str
    id: str  # unique; what generated clients call it
    tag: Tag
    summary: str
    answers: Mapping[int, Answer]
    right: Action = Action.INFORM  # INFORM: without a login
    errors: tuple[int, ...] = ()
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    text_body: str | None = None  # what the body is where it is `text/plain`; None: it never is
    about: str = ""
    aliases: tuple[str, ...] = ()  # other paths with the same answers, not shown

    @property
    def needs_login(self) -> bool:
        """Whether a caller must say who it is."""
        return self.right is not Action.INFORM

    @property
    def error_statuses(self) -> tuple[int, ...]:
        """Every error status that it may answer with."""
        found = {*self.errors, 500}
        if self.path not in UNLIMITED:
            found.add(429)
        if self.needs_login:
            found |= {400, 401, 403, 503}
        if self.body is not None:
            found |= {400, 408, 413, 415}
        if self.query is not None:
            found.add(400)
        return tuple(sorted(found))

    @property
    def routes(self) -> set[tuple[str, str]]:
        """Method and path of each route that it is served at."""
        return {(self.method, path) for path in (self.path, *self.aliases)}
