"""The Infrastructure Manager's REST API, as far as it is needed.

Each method is one HTTP call with one time-out. Retries are the caller's: a deployment's row says how
often and when. Whatever comes back is checked: an answer that cannot be understood is a temporary
fault, since it says nothing about what was done.
"""

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import aiohttp

from paas_stream.clients import im_sentences, loose_json
from paas_stream.clients.im_sentences import sentence
from paas_stream.errors import PaasError, PermanentError, TemporaryError

Observer = Callable[[str, str, float], None]

_BUSY = frozenset({429, 502, 503, 504})
_STOPPED = frozenset({"stopped", "off"})
_WORST_FIRST = ("failed", "unknown", "pending", "running", "unconfigured")  # of machines that run
_LONGEST_WAIT_S = 300.0  # a longer Retry-After is not believed
_LARGEST_ANSWER = 4 * 1024 * 1024
_LARGEST_FAULT = 64 * 1024  # of an error's text the rest is not read
# What the log says of a template without configuration, however it ends.
_NOTHING_TO_DO = "Contextualization disabled by the RADL/TOSCA template."
_TEMPLATE_FAULT = "Error parsing"
_NO_IMAGES = "?filters=distribution%3Dnone"
_CLOUD_FAULT = "Error getting cloud info: "
_NO_MACHINE = "Invalid VM ID"


class ImRefusedError(PermanentError):
    """The IM answers this request with an error of its own or of the provider."""

    code = "im_refused"

    def __init__(self, message: str, *, status: int | None = None) -> None:
        """`status` of the answer, where there was one."""
        super().__init__(message)
        self.status = status


class ImTemplateError(ImRefusedError):
    """The IM cannot read the template."""

    code = "im_template"


class ImSurplusError(ImRefusedError):
    """The IM has more machines of a node than the template says, and has taken none away."""

    code = "im_surplus"


class ImGoneError(PermanentError):
    """The IM has no such infrastructure for this user."""

    code = "im_gone"


class ImClient:
    """One IM server."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        timeout_s: float,
        observe: Observer | None = None,
    ) -> None:
        """`observe` is told of each call: operation, outcome, seconds."""
        self._observe = observe
        self._session = session
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def version(self) -> str:
        """The server's version."""
        version = (await self._object("GET", "/version", "")).get("version")
        if not isinstance(version, str):
            raise _unclear()
        return version

    async def infrastructures(self, authorization: str) -> tuple[str, ...]:
        """Ids of the user's infrastructures."""
        answer = await self._object("GET", "/infrastructures", authorization)
        listed = answer.get("uri-list")
        if not isinstance(listed, list):
            raise _unclear()
        return tuple(_id(one) for one in listed)

    async def create(self, authorization: str, template: str) -> str:
        """Start the creation; the id of the new infrastructure. Not idempotent."""
        return _id(
            await self._object(
                "POST", "/infrastructures?async=true", authorization, data=template.encode()
            )
        )

    async def log_in(self, authorization: str, cloud: str) -> None:
        """Let the IM log in to the cloud that the header's line of this name describes.

        Raises ImRefusedError with what stands in the way. It does so by listing images, none of which
        come back; there is no cheaper question.
        """
        name = quote(cloud, safe="")
        try:
            await self._call("GET", f"/clouds/{name}/images{_NO_IMAGES}", authorization)
        except ImRefusedError as exc:
            said = exc.message.removeprefix(_CLOUD_FAULT).removesuffix(" (IM 400)")
            raise ImRefusedError(im_sentences.of_cloud(said)) from exc

    async def state(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        """The infrastructure's state, and how many machines the IM shows."""
        state, machines = await self._states(authorization, infrastructure)
        return state, len(machines)

    async def state_of_running(self, authorization: str, infrastructure: str) -> tuple[str, int]:
        """As `state`, without the machines that are stopped: the IM lets them hide the others.

        An infrastructure of which all are stopped counts as configured: nothing is under way.
        """
        state, machines = await self._states(authorization, infrastructure)
        if state in _STOPPED:
            state = next((one for one in _WORST_FIRST if one in machines.values()), "configured")
        return state, len(machines)

    async def _states(self, authorization: str, infrastructure: str) -> tuple[str, dict[str, Any]]:
        answer = await self._object("GET", _path(infrastructure, "/state"), authorization)
        state = answer.get("state")
        if not isinstance(state, dict) or not isinstance(state.get("state"), str):
            raise _unclear()
        machines = state.get("vm_states")
        return state["state"], machines if isinstance(machines, dict) else {}

    async def outputs(self, authorization: str, infrastructure: str) -> dict[str, Any]:
        """The template's outputs. They may hold credentials in clear."""
        answer = await self._object("GET", _path(infrastructure, "/outputs"), authorization)
        outputs = answer.get("outputs") or {}
        if not isinstance(outputs, dict):
            raise _unclear()
        return outputs

    async def machines(self, authorization: str, infrastructure: str) -> tuple[str, ...]:
        """Ids of the infrastructure's machines."""
        answer = await self._object("GET", _path(infrastructure, ""), authorization)
        listed = answer.get("uri-list")
        if not isinstance(listed, list):
            raise _unclear()
        return tuple(_id(one) for one in listed)

    async def machine(
        self, authorization: str, infrastructure: str, machine: str
    ) -> list[dict[str, Any]]:
        """The description of one machine: networks, and the system. It may hold credentials."""
        path = _path(infrastructure, f"/vms/{quote(machine, safe='')}")
        answer = await self._object("GET", path, authorization)
        described = answer.get("radl")
        if not isinstance(described, list):
            raise _unclear()
        return [one for one in described if isinstance(one, dict)]

    async def machine_state(self, authorization: str, infrastructure: str, machine: str) -> str:
        """The state of one machine."""
        path = _path(infrastructure, f"/vms/{quote(machine, safe='')}/state")
        answer = await self._object("GET", path, authorization)
        state = answer.get("state")
        if not isinstance(state, str):
            raise _unclear()
        return state

    async def add(self, authorization: str, infrastructure: str, template: str) -> None:
        """Let each node have as many machines as the template says (`merge.never_trimmed`).

        Once more it adds nothing, unless the first call is still at work: then a node may have too
        many, and the next call raises ImSurplusError.
        """
        path = _path(infrastructure, "")
        try:
            await self._object("POST", path, authorization, data=template.encode())
        except ImRefusedError as exc:
            if _NO_MACHINE in exc.message:
                raise ImSurplusError("the IM has more machines than it is to have") from exc
            raise

    async def remove(self, authorization: str, infrastructure: str, machine: str) -> None:
        """Delete one machine; what is gone already is fine."""
        path = _path(infrastructure, f"/vms/{quote(machine, safe='')}")
        try:
            await self._call("DELETE", path, authorization)
        except ImGoneError:
            return

    async def alter(self, authorization: str, infrastructure: str, machine: str, radl: str) -> None:
        """Change one machine or container in place; `radl` says what it is to be. Idempotent."""
        path = _path(infrastructure, f"/vms/{quote(machine, safe='')}")
        await self._call("PUT", path, authorization, radl.encode(), "text/plain")

    async def power(
        self, authorization: str, infrastructure: str, machine: str, action: str
    ) -> None:
        """Start or stop one machine: `action` is `start` or `stop`."""
        path = _path(infrastructure, f"/vms/{quote(machine, safe='')}/{action}")
        await self._call("PUT", path, authorization)

    async def reconfigure(
        self, authorization: str, infrastructure: str, machine: str | None = None
    ) -> None:
        """Begin the contextualization once more: of one machine, or of all that run.

        What is under way is ended by it, so that it may be asked for again.
        """
        query = "" if machine is None else f"?vm_list={quote(machine, safe='')}"
        await self._call("PUT", _path(infrastructure, f"/reconfigure{query}"), authorization)

    async def contextualization_log(self, authorization: str, infrastructure: str) -> str:
        """The contextualization log. It may hold secrets."""
        answer = await self._object("GET", _path(infrastructure, "/contmsg"), authorization)
        return str(answer.get("contmsg") or "")

    async def contextualization(self, authorization: str, infrastructure: str) -> str:
        """The end of the contextualization log, in one sentence or two."""
        answer = await self._object("GET", _path(infrastructure, "/contmsg"), authorization)
        end = str(answer.get("contmsg", ""))[-_LARGEST_FAULT:].replace(_NOTHING_TO_DO, "")
        return sentence(im_sentences.plain(end), tail=True)

    async def template(self, authorization: str, infrastructure: str) -> str:
        """The template that the infrastructure was made from."""
        return await self._call("GET", _path(infrastructure, "/tosca"), authorization)

    async def delete(self, authorization: str, infrastructure: str, *, force: bool = False) -> None:
        """Delete and wait for the end of it; what is gone already is fine."""
        path = _path(infrastructure, "?force=true" if force else "")
        try:
            await self._call("DELETE", path, authorization)
        except ImGoneError:
            return

    async def _object(
        self, method: str, path: str, authorization: str, data: bytes | None = None
    ) -> dict[str, Any]:
        text = await self._call(method, path, authorization, data)
        try:
            answer = loose_json.read(text)
        except (ValueError, RecursionError) as exc:
            raise _unclear() from exc
        if not isinstance(answer, dict):
            raise _unclear()
        return answer

    async def _call(
        self,
        method: str,
        path: str,
        authorization: str,
        data: bytes | None = None,
        kind: str = "text/yaml",
    ) -> str:
        begun, outcome = time.perf_counter(), "internal"
        try:
            text = await self._exchange(method, path, authorization, data, kind)
            outcome = "ok"
        except PaasError as exc:
            outcome = exc.code
            raise
        finally:
            if self._observe is not None:
                self._observe(_operation(method, path), outcome, time.perf_counter() - begun)
        return text

    async def _exchange(
        self, method: str, path: str, authorization: str, data: bytes | None, kind: str
    ) -> str:
        headers = {"Accept": "application/json", "Authorization": authorization}
        if data is not None:
            headers["Content-Type"] = kind
        try:
            async with self._session.request(
                method,
                self._url + path,
                headers=headers,
                data=data,
                timeout=self._timeout,
                allow_redirects=False,
            ) as response:
                if response.status < 300:
                    return await _text(response, _LARGEST_ANSWER, whole=True)
                message = _message(await _text(response, _LARGEST_FAULT))
                if response.status in _BUSY or (method == "GET" and response.status >= 500):
                    raise _busy(response.status, message, response.headers)
                raise _refusal(response.status, message, path)
        except TimeoutError as exc:
            raise TemporaryError("the IM did not answer in time", code="im_timeout") from exc
        except aiohttp.ClientError as exc:
            raise TemporaryError(
                f"the IM cannot be reached ({type(exc).__name__})", code="im_unreachable"
            ) from exc


async def _text(response: aiohttp.ClientResponse, most: int, *, whole: bool = False) -> str:
    """The body as text; more than `most` bytes of it are not read."""
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > most:
            if whole:
                raise TemporaryError("the IM's answer is too long", code="im_answer")
            break
    return body[:most].decode("utf-8", "replace")


def _busy(status: int, message: str, headers: Any) -> TemporaryError:
    """An error of the IM's own. What it answers so to a create may be the provider's error."""
    text = f"the IM answers {status}: {message}"
    return TemporaryError(text, code="im_busy", delay_s=_wait_s(headers.get("Retry-After", "")))


def _refusal(status: int, message: str, path: str) -> PermanentError:
    if status == 404 and path.startswith("/infrastructures/"):
        return ImGoneError(message)
    if status == 400 and message.startswith(_TEMPLATE_FAULT):
        return ImTemplateError(message, status=status)
    return ImRefusedError(f"{message} (IM {status})", status=status)


def _wait_s(text: str) -> float | None:
    """Retry-After in seconds. Its other form, a date, is not worth trusting a second clock for."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(_LONGEST_WAIT_S, float(text))


def _message(text: str) -> str:
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return sentence(text) or "no reason given"
    return sentence(str(answer.get("message", answer)) if isinstance(answer, dict) else str(answer))


def _operation(method: str, path: str) -> str:
    """The call's name, one of few, without ids."""
    parts = path.partition("?")[0].strip("/").split("/")
    match method, parts:
        case "POST", [_]:
            return "create"
        case "POST", _:
            return "add"
        case "DELETE", [_, _]:
            return "delete"
        case "DELETE", _:
            return "remove"
        case "PUT", [_, _, "vms", _]:
            return "alter"
        case _, ["infrastructures"]:
            return "list"
        case _, ["infrastructures", _]:
            return "machines"
        case "GET", [_, _, "vms", _]:
            return "machine"
        case "GET", [_, _, "vms", _, _]:
            return "machine_state"
    return parts[-1]


def _unclear() -> TemporaryError:
    return TemporaryError("the IM's answer cannot be understood", code="im_answer")


def _path(infrastructure: str, rest: str) -> str:
    return f"/infrastructures/{quote(infrastructure, safe='')}{rest}"


def _id(listed: Any) -> str:
    uri = listed.get("uri") if isinstance(listed, dict) else None
    if not isinstance(uri, str) or uri.endswith("/"):
        raise _unclear()
    return uri.rsplit("/", 1)[-1]
