"""A client of the REST API, used by the command line."""

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from paas_stream import sse
from paas_stream.errors import PaasError
from paas_stream.settings import TlsSettings

log = logging.getLogger(__name__)

_TIMEOUT_S = (5.0, 60.0)  # connect, read
_STREAM_TIMEOUT_S = (5.0, 60.0)  # the service sends a comment at least every 15 s
_PROBE_TIMEOUT_S = 2.0
_AGAIN_S = 1.0  # before an event stream is opened again
_LOST_MOST = 10  # times in a row without any event
_FIRST_WAIT_S = 0.2
_MOST_WAIT_S = 3.0
_TEXT_MAX = 500  # characters of an error body that is not ours
_RETRY = Retry(
    total=6,
    connect=3,
    backoff_factor=0.5,
    status_forcelist=(429, 503),  # after what Retry-After says
    allowed_methods=("GET", "DELETE"),
    raise_on_status=False,
)


class ApiError(PaasError):
    """The service refuses a request, or cannot be reached."""

    code = "api"

    def __init__(self, message: str, *, status: int = 0, faults: list[str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.faults = faults or []


@dataclass(frozen=True)
class Tls:
    """How the service's certificate is checked, and what is shown to a service that asks for one."""

    ca: str | None = None  # file of certificate authorities; None: those of `requests`
    pair: tuple[str, str] | None = None  # files of a certificate and its private key

    @classmethod
    def of(cls, settings: TlsSettings) -> "Tls":
        """As the settings of this machine say."""
        pair = (str(settings.cert), str(settings.key)) if settings.cert else None
        return cls(str(settings.ca) if settings.ca else None, pair)


class Client:
    """One service, one caller."""

    def __init__(self, url: str, token: str | None = None, tls: Tls | None = None) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._tls: dict[str, Any] = {} if tls is None else {"verify": tls.ca, "cert": tls.pair}
        self._session.mount("http://", HTTPAdapter(max_retries=_RETRY))
        self._session.mount("https://", HTTPAdapter(max_retries=_RETRY))
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def is_ready(self) -> bool:
        """Whether the service answers requests; asked once, without retries."""
        try:
            return requests.get(f"{self._url}/readyz", timeout=_PROBE_TIMEOUT_S, **self._tls).ok
        except requests.RequestException:
            return False

    def submit(self, template: str, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Create a deployment; `options` are further fields of the request."""
        return dict(self._call("POST", "/deployments", json=_body(template, inputs, options)))

    def dry_run(self, template: str, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
        """What would become of `submit` with the same arguments; nothing is deployed."""
        body = _body(template, inputs, options)
        return dict(self._call("POST", "/deployments", json=body, params={"dryRun": "true"}))

    def ranking(self, uuid: str) -> dict[str, Any]:
        """In which order providers are tried, and why the others are not."""
        return dict(self._call("GET", f"{_path(uuid)}/ranking"))

    def deployment(self, uuid: str) -> dict[str, Any]:
        """One deployment."""
        return dict(self._call("GET", _path(uuid)))

    def deployments(self, **query: Any) -> Iterator[dict[str, Any]]:
        """All deployments that the query asks for, page by page."""
        number, pages = 0, 1
        place: dict[str, str] = {}  # a bookmark: a page by its number alone may lie too deep
        while number < pages:
            params = query | {"page": number, "size": 100} | place
            page = self._call("GET", "/deployments", params=params)
            yield from page["content"]
            number, pages, place = number + 1, page["page"]["totalPages"], _behind(page)
            if page.get("links") and not place:
                return

    def events(self, uuid: str) -> list[dict[str, Any]]:
        """The timeline, oldest first."""
        return list(self._call("GET", f"{_path(uuid)}/events"))

    def delete(self, uuid: str, *, force: bool = False) -> None:
        """Ask for the delete."""
        self._call("DELETE", _path(uuid), params={"force": str(force).lower()})

    def follow(self, uuid: str, timeout_s: float) -> Iterator[dict[str, Any]]:
        """The timeline's events as they come, until the deployment is at rest.

        Raises ApiError when that takes longer than `timeout_s` seconds.
        """
        until = time.monotonic() + timeout_s
        told: set[str] = set()
        wait = _FIRST_WAIT_S
        while True:
            at_rest = not self.deployment(uuid)["status"].endswith("IN_PROGRESS")
            news = [event for event in self.events(uuid) if event["id"] not in told]
            told.update(event["id"] for event in news)
            yield from news
            if at_rest:
                return
            if time.monotonic() >= until:
                raise ApiError(f"deployment {uuid} is still in progress after {timeout_s:.0f} s")
            wait = _FIRST_WAIT_S if news else min(_MOST_WAIT_S, wait * 1.5)
            time.sleep(wait)

    def watch(self, uuid: str) -> Iterator[dict[str, Any]]:
        """The timeline's events as they are stored, until the deployment is deleted.

        A lost connection is made again, and goes on where it was. Raises ApiError when that fails
        too often in a row.
        """
        bookmark: str | None = None
        told: set[str] = set()
        lost = 0
        while lost < _LOST_MOST:
            try:
                for one in self._stream(f"{_path(uuid)}/events", bookmark):
                    if one.event == "end":
                        return
                    bookmark, lost = one.id or bookmark, 0
                    event = json.loads(one.data)
                    if one.event == "message" and event["id"] not in told:
                        told.add(event["id"])
                        yield event
            except (requests.RequestException, ValueError, KeyError) as exc:
                log.debug("the event stream of %s broke: %r", uuid, exc)
            lost += 1
            time.sleep(_AGAIN_S)
        raise ApiError(f"{self._url} ends the event stream of {uuid} again and again")

    def _stream(self, path: str, bookmark: str | None) -> Iterator[sse.ServerEvent]:
        headers = {"Accept": "text/event-stream"}
        if bookmark is not None:
            headers["Last-Event-ID"] = bookmark
        with self._session.get(
            self._url + path, headers=headers, stream=True, timeout=_STREAM_TIMEOUT_S, **self._tls
        ) as answer:
            if answer.status_code == 204:
                yield sse.ServerEvent("end", "{}", None)
            if answer.status_code in (429, 503):
                return  # partitions move, or too many requests: it may succeed soon
            if answer.status_code >= 400:
                raise _refusal(answer)
            yield from sse.parse(answer.iter_lines(chunk_size=None))

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._session.request(
                method, self._url + path, timeout=_TIMEOUT_S, **self._tls, **options
            )
        except requests.ReadTimeout as exc:
            text = f"{self._url} did not answer in time; the request may have been carried out"
            raise ApiError(text) from exc
        except requests.RequestException as exc:
            raise ApiError(f"{self._url} cannot be reached ({type(exc).__name__})") from exc
        if answer.status_code >= 400:
            raise _refusal(answer)
        try:
            return answer.json() if answer.content else None
        except ValueError as exc:
            text = f"{self._url} is another service: its answer is not JSON"
            raise ApiError(text, status=answer.status_code) from exc


def _body(template: str, inputs: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in options.items() if value is not None}
    return {"template": template, "parameters": inputs} | given


def _behind(page: dict[str, Any]) -> dict[str, str]:
    """The bookmark that the link to the next page has."""
    for link in page.get("links", ()):
        if link["rel"] == "next":
            found = parse_qs(urlsplit(link["href"]).query).get("after", [])
            return {"after": found[0]} if found else {}
    return {}


def _path(uuid: str) -> str:
    return f"/deployments/{quote(uuid, safe='')}"


def _refusal(answer: requests.Response) -> ApiError:
    try:
        body = answer.json()
        message, faults = str(body["message"]), list(body.get("faults", []))
    except (ValueError, KeyError, TypeError):
        text = " ".join(answer.text[:_TEXT_MAX].split())
        message, faults = f"{answer.status_code} {answer.reason}: {text}".removesuffix(": "), []
    return ApiError(message, status=answer.status_code, faults=faults)
