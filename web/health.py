"""Liveness, readiness, and what this is."""

from typing import Any

import orjson
from aiohttp import web
from faust.web import View

from paas_stream import __version__
from paas_stream.app import app
from tables import serving
from web import faults


def as_json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON answer."""
    return web.Response(
        body=orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


@app.page("/healthz")
class Healthz(View):
    """The event loop turns. Says nothing about Kafka: a restart would not help it."""

    async def get(self, request: web.Request) -> web.Response:
        return as_json({"status": "alive", "worker": app.settings.web.worker})


@app.page("/readyz")
class Readyz(View):
    """Whether this worker may be asked; the reason if not."""

    async def get(self, request: web.Request) -> web.Response:
        reason = app.readiness.reason
        if reason is None:
            return as_json({"status": "ready", "worker": app.settings.web.worker})
        told = {"status": "not ready", "worker": app.settings.web.worker}
        return faults.answer(503, reason, headers={"Retry-After": "2"}, **told)


def _info() -> web.Response:
    build = {"version": __version__}  # where the dashboards of other orchestrators look for it
    told = {"name": "paas-stream", "version": __version__, "build": build}
    return as_json(told | _ranking_model())


def _ranking_model() -> dict[str, Any]:
    live = serving.live
    if live.model is None or live.since is None:
        return {}
    since = live.since.isoformat(timespec="seconds")
    return {"rankingModel": {"version": live.model.card.version, "since": since}}


@app.page("/")
class Root(View):
    """The page for people, and a word for programs."""

    async def get(self, request: web.Request) -> web.Response:
        if "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPFound("/ui/")
        return _info()


@app.page("/info")
class Info(View):
    """What this is."""

    async def get(self, request: web.Request) -> web.Response:
        return _info()


@app.page("/configuration")
class Configuration(View):
    """Where the services behind this one are. All values are text, as clients expect."""

    async def get(self, request: web.Request) -> web.Response:
        return as_json({"im_url": app.settings.im.endpoint})
