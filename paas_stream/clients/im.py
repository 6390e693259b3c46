"""The Infrastructure Manager's REST API, as far as it is needed.

Each method is one HTTP call with one time-out. Retries are the caller's: a deployment's row says how
often and when.
"""

import re
from typing import Any

import aiohttp

from paas_stream.errors import PermanentError, TemporaryError

_BUSY = frozenset({429, 502, 503, 504})
_LONGEST_REASON = 800
_TEMPLATE_FAULT = "Error parsing"
_NOISE = re.compile(r"^\s*(File .*, line \d+|at .*\(.*:\d+\)).*$")
_PATH = re.compile(r"(/[\w.@+-]+){3,}/?")


class ImRefusedError(PermanentError):
    """The IM answers this request with an error of its own or of the provider."""

    code = "im_refused"


class ImTemplateError(ImRefusedError):
    """The IM cannot read the template."""

    code = "im_template"


class ImGoneError(PermanentError):
    """The IM has no such infrastructure for this user."""

    code = "im_gone"


class ImClient:
    """One IM server."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout_s: float) -> None:
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def version(self) -> str:
        """The server's version."""
        return str(await self._call("GET", "/version", ""))

    async def infrastructures(self, authorization: str) -> tuple[str, ...]:
        """Ids of the user's infrastructures."""
        answer = await self._call("GET", "/infrastructures", authorization)
        return tuple(_id(one["uri"]) for one in answer.get("uri-list", []))

    async def create(self, authorization: str, template: str) -> str:
        """Start the creation; the id of the new infrastructure. Not idempotent."""
        answer = await self._call(
            "POST", "/infrastructures?async=true", authorization, data=template.encode()
        )
        return _id(answer["uri"])

    async def state(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        """The infrastructure's state, and how many machines the IM shows."""
        answer = await self._call("GET", f"/infrastructures/{infrastructure}/state", authorization)
        state = answer["state"]
        return str(state["state"]), len(state.get("vm_states") or {})

    async def outputs(self, authorization: str, infrastructure: str) -> dict[str, Any]:
        """The template's outputs. They may hold credentials in clear."""
        path = f"/infrastructures/{infrastructure}/outputs"
        return dict((await self._call("GET", path, authorization)).get("outputs") or {})

    async def contextualization(self, authorization: str, infrastructure: str) -> str:
        """The end of the contextualization log, in one sentence or two."""
        path = f"/infrastructures/{infrastructure}/contmsg"
        answer = await self._call("GET", path, authorization)
        return sentence(str(answer.get("contmsg", "")), tail=True)

    async def delete(self, authorization: str, infrastructure: str, *, force: bool = False) -> None:
        """Delete and wait for the end of it; what is gone already is fine."""
        path = f"/infrastructures/{infrastructure}" + ("?force=true" if force else "")
        try:
            await self._call("DELETE", path, authorization)
        except ImGoneError:
            return

    async def _call(
        self, method: str, path: str, authorization: str, data: bytes | None = None
    ) -> Any:
        headers = {"Accept": "application/json", "Authorization": authorization}
        if data is not None:
            headers["Content-Type"] = "text/yaml"
        try:
            async with self._session.request(
                method, self._url + path, headers=headers, data=data, timeout=self._timeout
            ) as response:
                if response.status >= 400:
                    raise _fault(response.status, await _message(response), response.headers)
                if response.content_type == "application/json":
                    return await response.json()
                return await response.text()
        except TimeoutError as exc:
            raise TemporaryError("the IM did not answer in time", code="im_timeout") from exc
        except aiohttp.ClientError as exc:
            raise TemporaryError(
                f"the IM cannot be reached ({type(exc).__name__})", code="im_unreachable"
            ) from exc


def _fault(status: int, message: str, headers: Any) -> PermanentError | TemporaryError:
    if status in _BUSY:
        wait = headers.get("Retry-After", "")
        text = f"the IM answers {status}: {message}"
        return TemporaryError(text, code="im_busy", delay_s=float(wait) if wait.isdigit() else None)
    if status == 404:
        return ImGoneError(message)
    if status == 400 and message.startswith(_TEMPLATE_FAULT):
        return ImTemplateError(message)
    return ImRefusedError(f"{message} (IM {status})")


async def _message(response: aiohttp.ClientResponse) -> str:
    if response.content_type == "application/json":
        answer = await response.json()
        text = str(answer.get("message", answer)) if isinstance(answer, dict) else str(answer)
    else:
        text = await response.text()
    return sentence(text)


def _id(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]


def sentence(text: str, *, tail: bool = False) -> str:
    """A message of the IM without stack trace, server paths and line breaks, of bounded length."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not _NOISE.match(line)]
    code_dropped = [line for line in lines if not line.startswith(("sys.", "self.", "return "))]
    joined = _PATH.sub("…", " ".join(code_dropped))
    if len(joined) <= _LONGEST_REASON:
        return joined
    return "…" + joined[-_LONGEST_REASON:] if tail else joined[:_LONGEST_REASON] + "…"
