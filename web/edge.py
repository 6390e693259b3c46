"""Puts around the views what holds for every request: id, origin, log, headers, CORS and limits.

From the outside to the inside: `web.protocol` (id, origin, access log), `web.metrics` (counts), CORS,
`web.faults` (errors as JSON), `web.limits`, the view; `web.headers` completes each answer at last.
"""

from aiohttp import web
from aiohttp.typedefs import Middleware

from paas_stream.app import app
from paas_stream.settings import Settings
from paas_stream.web_settings import EdgeSettings
from web import headers, limits
from web.faults import Handler
from web.protocol import Runner


def install() -> None:
    """Around the views of this worker, and around what checks logins."""
    around(app.web.web_app, app.settings)
    app.web._runner = Runner(app.web.web_app, app.settings)


def around(application: web.Application, settings: Settings) -> None:
    """What belongs to the application itself; `web.protocol.Runner` does the rest."""
    edge = settings.edge

    async def complete(request: web.Request, response: web.StreamResponse) -> None:
        await headers.on_prepare(request, response, edge)

    application.on_response_prepare.append(complete)
    application.middlewares.append(_cors(edge))
    application.middlewares.append(limits.middleware(edge))


def _cors(settings: EdgeSettings) -> Middleware:
    @web.middleware
    async def preflights(request: web.Request, handler: Handler) -> web.StreamResponse:
        allowed = headers.preflight(request, settings)
        if allowed is None:
            return await handler(request)
        return web.Response(status=204, headers=allowed)

    return preflights
