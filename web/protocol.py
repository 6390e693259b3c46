"""The server beneath the views: what comes before and after them, and answers without them.

The library answers what is no HTTP, an unknown `Expect`, or an exception outside of the views with text
of its own, and names its version. Here such answers look like all others.
"""

import asyncio
import http
import logging
from typing import Any

from aiohttp import web
from aiohttp.web_app import Application

from paas_stream import request_ids
from paas_stream.settings import Settings
from web import access_log, faults, forwarded, headers, hops

log = logging.getLogger(__name__)


class Protocol(web.RequestHandler):
    """One connection."""

    __slots__ = ("_patience", "wait_s")

    wait_s: float  # seconds for the headers of the first request

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the event loop. The library waits for a first request for ever."""
        super().connection_made(transport)
        self._patience = asyncio.get_running_loop().call_later(self.wait_s, self._give_up)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Called by the event loop."""
        self._patience.cancel()
        super().connection_lost(exc)

    def _give_up(self) -> None:
        if self._request_count == 0:
            self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Called for what is no HTTP, and for an exception that nothing has caught."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun: nothing but its end can tell of the fault")
        if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
            log.error("%s %s failed", request.method, request.rel_url.raw_path, exc_info=exc)
            text = "the request failed; the operators can find the reason in the log"
        else:
            log.info("a request from %s cannot be read: %s", request.remote, type(exc).__name__)
            text = "this is no HTTP request that can be read, or its headers are too large"
        response = faults.answer(status, text)
        headers.complete(response.headers, is_https=request.scheme == "https")
        response.force_close()
        return response


class Server(web.Server):
    """Makes a protocol for each connection."""

    def __init__(self, handler: Any, wait_s: float, **options: Any) -> None:
        super().__init__(handler, **options)
        self._wait_s = wait_s

    def __call__(self) -> web.RequestHandler:
        """Called by the event loop."""
        made = Protocol(self, loop=self._loop, **self._kwargs)
        made.wait_s = self._wait_s
        return made


class Runner(web.AppRunner):
    """Runs the application with that server."""

    __slots__ = ("_settings",)

    def __init__(self, application: Application, settings: Settings) -> None:
        options: Any = {"access_log": access_log.log if settings.edge.access_log else None}
        super().__init__(application, access_log_class=access_log.AccessLogger, **options)
        self._settings = settings

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        handle = made.request_handler

        async def identified(request: Any) -> web.StreamResponse:
            return await self._identified(request, handle)

        options: Any = {"request_factory": made.request_factory, "loop": made._loop}
        wait_s = self._settings.edge.receive_timeout_s
        return Server(identified, wait_s, **options, **made._kwargs)

    async def _identified(self, request: web.Request, handle: Any) -> web.StreamResponse:
        """Before anything else: which request is this, and where is it from?"""
        request_ids.current.set(request_ids.taken(request.headers.get(request_ids.HEADER)))
        direct = forwarded.direct(request)
        request[forwarded.ORIGIN] = direct
        try:
            is_hop = hops.is_hop(request)
        except PermissionError as exc:
            log.warning("a request of %s is no worker's: %s", direct.address, exc)
            refused = self._outside(request, 403, f"{hops.HOP} is for workers only")
            refused.headers[hops.HOP] = hops.REFUSED
            return refused
        request[forwarded.ORIGIN] = forwarded.origin(
            direct, request.headers, self._settings.edge.trusted_proxies, is_hop=is_hop
        )
        try:
            answer = await handle(request)
        except web.HTTPException as exc:
            if exc.status < http.HTTPStatus.BAD_REQUEST:
                raise
            return self._outside(request, exc.status, exc.reason)
        if isinstance(answer, web.StreamResponse):
            return answer
        log.error("%s %s has no answer", request.method, request.rel_url.raw_path)
        return self._outside(request, 500, "the request failed; the operators can find the reason")

    def _outside(self, request: web.Request, status: int, message: str) -> web.Response:
        """An answer that no view had a part in."""
        response = faults.answer(status, message)
        headers.complete(response.headers, is_https=forwarded.of(request).scheme == "https")
        return response
