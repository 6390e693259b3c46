"""POSTs a deployment to the URL that its owner wants to be told at.

One call with one time-out; retries are the caller's. The receiver is a stranger: no redirect is
followed, no cookie and no connection is kept, and of its answer nothing but the status and
`Retry-After` is read.
"""

import asyncio
import hashlib
import hmac
import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from paas_stream import __version__
from paas_stream.clients.callback_guard import CallbackGuard, Door, RefusedTargetError
from paas_stream.errors import PermanentError, TemporaryError
from paas_stream.tls import client_context
from paas_stream.web_settings import CallbackSettings

EVENT_HEADER = "X-Paas-Stream-Event"
TIMESTAMP_HEADER = "X-Paas-Stream-Timestamp"
SIGNATURE_HEADER = "X-Paas-Stream-Signature"

_LONGEST_WAIT_S = 3600.0  # a longer Retry-After is not believed
_AGAIN = frozenset({408, 425, 429})  # of the 4xx those that may pass


class CallbackClient:
    """Calls any target that the guard lets through."""

    def __init__(self, settings: CallbackSettings) -> None:
        self._settings = settings
        self._guard = CallbackGuard(settings.allow, settings.ports)
        # Own threads: a name server that hangs must not keep others from resolving theirs.
        self._threads = ThreadPoolExecutor(settings.concurrency, "callback-names")
        self._tls = client_context(settings.ca, None, None)

    def may_have_outputs(self, target: str) -> bool:
        """Whether outputs, which may hold credentials, may go there."""
        if self._settings.outputs != "https":
            return self._settings.outputs == "always"
        try:
            url = self._guard.check(target)
        except RefusedTargetError:
            return False
        return url.scheme == "https" or self._guard.lists(url.raw_host or "")

    async def post(self, target: str, event: str, body: bytes, now: float) -> None:
        """Deliver `body` (JSON); `event` names it. `now`: seconds since the epoch.

        Raises PermanentError when trying again cannot help, TemporaryError otherwise.
        """
        url = self._guard.check(target)
        door = Door(self._guard, url.raw_host or "")
        try:
            status, wait = await self._posted(url, door, self._headers(event, body, now), body)
        except TimeoutError as exc:
            text = f"it did not answer within {self._settings.timeout_s:g} s"
            raise TemporaryError(text) from exc
        except (aiohttp.ClientError, OSError) as exc:
            if door.is_closed:
                raise RefusedTargetError("its name leads to an address that is not public") from exc
            raise _failure(exc) from exc
        if 200 <= status < 300:
            return
        if 400 <= status < 500 and status not in _AGAIN:
            raise PermanentError(f"it answered {status}")
        raise TemporaryError(f"it answered {status}", delay_s=wait)

    async def _posted(
        self, url: URL, door: Door, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, float | None]:
        proxy = self._settings.proxy.get_secret_value() if self._settings.proxy else None
        connector = aiohttp.TCPConnector(
            resolver=_Resolver(self._threads),
            use_dns_cache=False,
            force_close=True,
            socket_factory=None if proxy else door,
        )
        async with (
            aiohttp.ClientSession(
                connector=connector,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._settings.timeout_s),
                auto_decompress=False,
            ) as session,
            session.post(
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=proxy,
                ssl=self._tls,
            ) as answer,
        ):
            answer.close()  # its body is not read
            return answer.status, _wait_s(answer.headers.get("Retry-After", ""))

    def _headers(self, event: str, body: bytes, now: float) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"paas-stream/{__version__}",
            EVENT_HEADER: event,
            TIMESTAMP_HEADER: str(int(now)),
        }
        secret = self._settings.secret
        if secret is not None:
            key = secret.get_secret_value().encode()
            headers[SIGNATURE_HEADER] = signature(key, event, int(now), body)
        return headers


def signature(key: bytes, event: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over `event.timestamp.body`: neither can be changed, and a repeat is noticed."""
    signed = f"{event}.{timestamp}.".encode() + body
    return "sha256=" + hmac.new(key, signed, hashlib.sha256).hexdigest()


class _Resolver(AbstractResolver):
    """The system's resolver in threads of our own."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self._threads = threads

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name."""
        found = await asyncio.get_running_loop().run_in_executor(
            self._threads, _addresses, host, port, family
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """The threads are kept for the next call."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[Any]:
    try:
        return socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    except UnicodeError as exc:
        raise OSError("no name of a host") from exc


def _failure(exc: Exception) -> TemporaryError | PermanentError:
    """In words of ours: the library's name addresses of the inner network."""
    match exc:
        case aiohttp.InvalidURL():
            return PermanentError("it cannot be called by this URL")
        case aiohttp.ClientConnectorDNSError():
            return TemporaryError("its name cannot be resolved")
        case aiohttp.ClientConnectorCertificateError():
            return TemporaryError("its certificate is not valid")
        case aiohttp.ClientSSLError():
            return TemporaryError("TLS cannot be agreed upon")
        case aiohttp.ClientConnectorError():
            return TemporaryError("it cannot be connected to")
        case aiohttp.ClientResponseError():
            return TemporaryError("its answer is no HTTP")
    return TemporaryError("the connection has broken")


def _wait_s(text: str) -> float | None:
    """Retry-After in seconds. Its other form, a date, is not worth trusting a second clock for."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(_LONGEST_WAIT_S, float(text))
