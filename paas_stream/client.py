"""A client of the REST API, used by the command line."""

import json
import logging
import time
import uuid as uuids
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ReadTimeoutError
from urllib3.util import Retry

from paas_stream import sse
from paas_stream.client_errors import (
    ApiError,
    UnexpectedStateError,
    UnreachableError,
    WaitTimeoutError,
    refusal,
)
from paas_stream.client_operations import Operations, path_of, request_body
from paas_stream.web_settings import TlsSettings

__all__ = ["ApiError", "Client", "Tls"]

log = logging.getLogger(__name__)

_TIMEOUT_S = (5.0, 60.0)  # connect, read
_STREAM_TIMEOUT_S = (5.0, 60.0)  # the service sends a comment at least every 15 s
_PROBE_TIMEOUT_S = 2.0
_AGAIN_S = 1.0  # before an event stream is opened again
_LOST_MOST = 10  # times in a row without any event
_FIRST_WAIT_S = 0.2
_MOST_WAIT_S = 3.0
_RETRY_AFTER_MAX_S = 60  # whatever the service asks for
_KEY = "Idempotency-Key"
_RETRY = Retry(
    total=6,
    connect=3,
    backoff_factor=0.5,
    status_forcelist=(429, 503),  # after what Retry-After says
    allowed_methods=("GET", "PUT", "DELETE"),
    raise_on_status=False,
    retry_after_max=_RETRY_AFTER_MAX_S,
)


class _Adapter(HTTPAdapter):
    """Sends again what may be sent again: of POSTs those whose key makes them one, however often."""

    def __init__(self) -> None:
        super().__init__(max_retries=_RETRY)
        self._keyed = HTTPAdapter(max_retries=_RETRY.new(allowed_methods=("POST",), read=1))

    def send(
        self, request: requests.PreparedRequest, *args: Any, **kwargs: Any
    ) -> requests.Response:
        if request.method == "POST" and _KEY in request.headers:
            return self._keyed.send(request, *args, **kwargs)
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        self._keyed.close()
        super().close()


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


class Client(Operations):
    """One service, one caller."""

    def __init__(self, url: str, token: str | None = None, tls: Tls | None = None) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._tls: dict[str, Any] = {} if tls is None else {"verify": tls.ca, "cert": tls.pair}
        self._session.mount("http://", _Adapter())
        self._session.mount("https://", _Adapter())
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def is_ready(self) -> bool:
        """Whether the service answers requests; asked once, without retries."""
        try:
            return requests.get(f"{self._url}/readyz", timeout=_PROBE_TIMEOUT_S, **self._tls).ok
        except requests.RequestException:
            return False

    def submit(
        self, template: str, inputs: dict[str, Any], *, key: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """Create a deployment; `options` are further fields of the request.

        The same `key` from the same caller makes one deployment, however often it is sent. Without one
        the client makes its own, so that its repetitions deploy once.
        """
        body = request_body(template, inputs, options)
        headers = {} if key is None else {_KEY: key}
        return dict(self._call("POST", "/deployments", json=body, headers=headers, repeatable=True))

    def dry_run(self, template: str, inputs: dict[str, Any], **options: Any) -> dict[str, Any]:
        """What would become of `submit` with the same arguments; nothing is deployed."""
        body = request_body(template, inputs, options)
        query = {"dryRun": "true"}
        return dict(self._call("POST", "/deployments", json=body, params=query, repeatable=True))

    def ranking(self, uuid: str) -> dict[str, Any]:
        """In which order providers are tried, and why the others are not."""
        return dict(self._call("GET", f"{_path(uuid)}/ranking"))

    def deployment(self, uuid: str) -> dict[str, Any]:
        """One deployment."""
        return dict(self._call("GET", _path(uuid)))

    def deployments(self, **query: Any) -> Iterator[dict[str, Any]]:
        """All deployments that the query asks for, page by page."""
        return self._pages("/deployments", query)

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
                text = f"deployment {uuid} is still in progress after {timeout_s:.0f} s"
                raise WaitTimeoutError(text)
            wait = _FIRST_WAIT_S if news else min(_MOST_WAIT_S, wait * 1.5)
            time.sleep(wait)

    def wait(
        self, uuid: str, until: Collection[str] | None = None, timeout_s: float = 3600.0
    ) -> dict[str, Any]:
        """The deployment once its status is one of `until`; None: once it is at rest.

        It is asked for less and less often. Raises UnexpectedStateError when it comes to rest in another
        state, and WaitTimeoutError after `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        pause = _FIRST_WAIT_S
        while True:
            found = self.deployment(uuid)
            status = found["status"]
            at_rest = not status.endswith("IN_PROGRESS")
            if at_rest if until is None else status in until:
                return found
            if at_rest:
                reason = found.get("statusReason", "no reason is given")
                raise UnexpectedStateError(f"deployment {uuid} is {status}: {reason}")
            left = deadline - time.monotonic()
            if left <= 0:
                text = f"deployment {uuid} is still {status} after {timeout_s:.0f} s"
                raise WaitTimeoutError(text)
            time.sleep(min(pause, left))
            pause = min(_MOST_WAIT_S, pause * 1.5)

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
                raise refusal(answer)
            yield from sse.parse(answer.iter_lines(chunk_size=None))

    def _call(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = False,
        as_text: bool = False,
        **options: Any,
    ) -> Any:
        if repeatable:
            options["headers"] = {_KEY: str(uuids.uuid4())} | options.get("headers", {})
        try:
            answer = self._session.request(
                method, self._url + path, timeout=_TIMEOUT_S, **self._tls, **options
            )
        except requests.RequestException as exc:
            raise _unreachable(self._url, exc, method) from exc
        if answer.status_code >= 400:
            raise refusal(answer)
        if as_text:
            return answer.text
        try:
            return answer.json() if answer.content else None
        except ValueError as exc:
            text = f"{self._url} is another service: its answer is not JSON"
            raise ApiError(text, status=answer.status_code) from exc


def _path(uuid: str) -> str:
    return path_of("deployments", uuid)


def _unreachable(url: str, exc: requests.RequestException, method: str) -> UnreachableError:
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    is_late = isinstance(exc, requests.ReadTimeout) or isinstance(reason, ReadTimeoutError)
    if is_late and method != "GET":
        return UnreachableError(
            f"{url} did not answer in time; the request may have been carried out"
        )
    return UnreachableError(f"{url} cannot be reached ({type(exc).__name__})")
