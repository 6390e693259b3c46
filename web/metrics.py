"""`/metrics`: this worker's numbers for Prometheus, and the middleware that counts requests.

Everything is read from memory. A worker tells of itself only: sums over workers are the monitoring's.
"""

import time
from datetime import UTC, datetime

from aiohttp import web
from faust.web import View
from prometheus_client import Info, ProcessCollector, exposition

from paas_stream import __version__
from paas_stream.app import app
from paas_stream.durable.boxes import BoxCollector
from paas_stream.durable.lag import topic_lags
from paas_stream.durable.metrics import (
    HTTP_SECONDS,
    LAG,
    PROVIDERS,
    READY,
    RECOVERING,
    REGISTRY,
    Numbers,
)
from tables import providers
from web import streams
from web.faults import COMPONENT, Handler

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_NO_ROUTE = "none"

_box = app.boxes.box(COMPONENT)
_stale_s = app.settings.feeder.stale_s

REGISTRY.register(BoxCollector(app.boxes))
ProcessCollector(namespace="paas_stream", registry=REGISTRY)
READY.add(lambda: {(): app.readiness.reason is None})
RECOVERING.add(lambda: {(): not app.readiness.tables_ready})
LAG.add(lambda: topic_lags(app))
Info("paas_stream_worker", "Which worker this is.", registry=REGISTRY).info(
    {"worker": app.settings.web.worker, "version": __version__}
)


@PROVIDERS.add
def _providers() -> Numbers:
    now, rows = datetime.now(UTC), providers.rows()
    stale = sum((now - row.received_at).total_seconds() > _stale_s for row in rows)
    return {("current",): len(rows) - stale, ("stale",): stale}


@web.middleware
async def count_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Count a request and its time under its route; an event stream is no matter of seconds."""
    if streams.wanted(request):
        return await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else _NO_ROUTE
    method = request.method if request.method in _METHODS else "other"
    begun, work = time.perf_counter(), _box.begin(f"{method} {route}")
    status = 500
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPException as exc:
        status = exc.status
        raise
    finally:
        _box.end(work)
        _box.errors += status == 500
        HTTP_SECONDS.labels(method, route, str(status)).observe(time.perf_counter() - begun)
    return response


def install() -> None:
    """Put the middleware around all others."""
    app.web.web_app.middlewares.insert(0, count_requests)


@app.page("/metrics")
class Metrics(View):
    """In the format that the caller accepts: Prometheus text, or OpenMetrics."""

    async def get(self, request: web.Request) -> web.Response:
        """All metrics of this worker, ready or not."""
        encode, content_type = exposition.choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})
