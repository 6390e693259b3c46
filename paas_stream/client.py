"""A client of the REST API, used by the command line."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from paas_stream.errors import PaasError

_TIMEOUT_S = (5.0, 60.0)  # connect, read
_PROBE_TIMEOUT_S = 2.0
_FIRST_WAIT_S = 0.2
_MOST_WAIT_S = 3.0
_TEXT_MAX = 500  # characters of an error body that is not ours
_RETRY = Retry(
    total=6,
    connect=3,
    backoff_factor=0.5,
    status_forcelist=(503,),
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


class Client:
    """One service, one caller."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(max_retries=_RETRY))
        self._session.mount("https://", HTTPAdapter(max_retries=_RETRY))
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def is_ready(self) -> bool:
        """Whether the service answers requests; asked once, without retries."""
        try:
            return requests.get(f"{self._url}/readyz", timeout=_PROBE_TIMEOUT_S).ok
        except requests.RequestException:
            return False

    def submit(self, template: str, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Create a deployment; `options` are further fields of the request."""
        body = {"template": template, "parameters": inputs}
        body |= {name: value for name, value in options.items() if value is not None}
        return dict(self._call("POST", "/deployments", json=body))

    def deployment(self, uuid: str) -> dict[str, Any]:
        """One deployment."""
        return dict(self._call("GET", _path(uuid)))

    def deployments(self, **query: Any) -> Iterator[dict[str, Any]]:
        """All deployments that the query asks for, page by page."""
        number, pages = 0, 1
        while number < pages:
            page = self._call("GET", "/deployments", params=query | {"page": number, "size": 100})
            yield from page["content"]
            number, pages = number + 1, page["page"]["totalPages"]

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

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            answer = self._session.request(method, self._url + path, timeout=_TIMEOUT_S, **options)
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
