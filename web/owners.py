"""Which worker has a deployment, and how the others ask it.

Faust's own forwarder drops headers and request bodies and holds streams back, so requests are
forwarded here: only between workers of this application, told apart by a header (`web.hops`).
"""

import asyncio
import logging
import ssl
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from paas_stream import topics
from paas_stream.app import app
from paas_stream.request_ids import HEADER
from web import forwarded, hops, streams
from web.faults import ApiError, unavailable

log = logging.getLogger(__name__)

HOP = hops.HOP
_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=3)
# a stream is quiet for the time between two comments at most; other workers may have other settings
_QUIET_S = 3 * app.settings.web.keep_alive_s + 15
_STREAM_TIMEOUT = aiohttp.ClientTimeout(connect=3, sock_connect=3, sock_read=_QUIET_S)
_NOT_FORWARDED = frozenset(
    name.lower()
    for name in (
        *(
            "host",
            "content-length",
            "transfer-encoding",
            "content-encoding",
            "connection",
            "expect",
        ),
        *(HEADER, *hops.HEADERS, *forwarded.HEADERS),
    )
)
# headers of an answer that are this connection's own
_DROPPED = frozenset(
    {"transfer-encoding", "connection", "content-length", "content-encoding", "date", "server"}
)
_topic = topics.TOPICS[topics.TEMPLATE].broker_name(app.settings)


def owner(uuid: str) -> URL | None:
    """The worker that has this deployment's partition; None: it is this one.

    Raises ApiError 503 while partitions are being assigned.
    """
    try:
        url = app.assignor.external_key_store(_topic, uuid.encode())
    except KeyError as exc:
        raise unavailable("the deployment's worker is being changed") from exc
    return None if _is_here(url) else url


def others() -> set[URL]:
    """All other workers."""
    urls = {URL(url) for url in app.assignor.external_topics_metadata()}
    return {url for url in urls if not _is_here(url)}


def _is_here(url: URL) -> bool:
    mine = app.conf.canonical_url
    return (url.host, url.port) == (mine.host, mine.port)


async def forward(request: web.Request, target: URL) -> web.StreamResponse:
    """Let the owner answer: status, headers and body are its own; an event stream as it comes."""
    headers = {
        name: value for name, value in request.headers.items() if name.lower() not in _NOT_FORWARDED
    }
    url, body = target.join(request.rel_url), await request.read()
    headers |= hops.headers(request.method, url, forwarded.of(request), body)
    try:
        async with app.http_client.request(
            request.method,
            url,
            headers=headers,
            data=body,
            timeout=_STREAM_TIMEOUT if streams.wanted(request) else _TIMEOUT,
            allow_redirects=False,
            ssl=_tls(),
        ) as response:
            _check_trust(response)
            kept = {k: v for k, v in response.headers.items() if k.lower() not in _DROPPED}
            if response.content_type == "text/event-stream":
                return await _pass_on(request, response, kept)
            return web.Response(body=await response.read(), status=response.status, headers=kept)
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise unavailable("the deployment's worker does not answer") from exc


async def _pass_on(
    request: web.Request, source: aiohttp.ClientResponse, headers: dict[str, str]
) -> web.StreamResponse:
    """A stream, until one of its ends is closed. Leaving closes the other: see `forward`."""
    response = web.StreamResponse(status=source.status, headers=headers)
    with streams.place():
        await response.prepare(request)
        try:
            while chunk := await _next_chunk(request, source):
                async with asyncio.timeout(app.settings.web.slow_reader_s):
                    await response.write(chunk)
        except (ConnectionResetError, aiohttp.ClientError):  # the owner's silence is one, too
            log.debug("a forwarded stream of %s has lost one of its ends", request.path)
        except TimeoutError:
            if request.transport is not None:
                request.transport.abort()  # the reader takes nothing, so it would wait for ever
        finally:
            source.close()
    return response


async def _next_chunk(request: web.Request, source: aiohttp.ClientResponse) -> bytes:
    """What comes next, whole or not; nothing at the end, or when the reader has gone."""
    reading = asyncio.ensure_future(source.content.readany())
    try:
        while not await streams.is_over(request):
            if reading.done():
                return reading.result()
            await asyncio.wait({reading}, timeout=streams.LOOK_S)
        return b""
    finally:
        reading.cancel()


async def ask(target: URL, path: str, params: dict[str, str] | None = None) -> dict[str, Any]:
    """Ask another worker, for the caller whose request is being answered.

    Raises ApiError: 403, 404 and 422 as it says, 503 for anything else that goes wrong.
    """
    url = target.with_path(path).with_query(params or {})
    headers = hops.headers("GET", url)
    try:
        async with app.http_client.get(
            url, headers=headers, timeout=_TIMEOUT, ssl=_tls()
        ) as response:
            _check_trust(response)
            if response.status == 404:
                raise ApiError(404, "there is no such deployment")
            if response.status in (403, 422):
                raise ApiError(response.status, str((await response.json())["message"]))
            if response.status != 200:
                raise unavailable("a worker cannot answer yet")
            return dict(await response.json())
    except (aiohttp.ClientError, TimeoutError) as exc:
        raise unavailable("a worker does not answer") from exc


def _check_trust(response: aiohttp.ClientResponse) -> None:
    """Raise ApiError 503 when the other worker refuses our proof: the caller has a login."""
    if response.headers.get(hops.HOP) == hops.REFUSED or response.status == 401:
        log.error("%s does not know this worker: do keys and clocks agree?", response.url)
        raise unavailable("the other worker does not know this one")


async def ask_others(path: str, params: dict[str, str]) -> list[dict[str, Any]]:
    """The same question to all other workers: one that does not answer makes it a 503."""
    return list(await asyncio.gather(*(ask(target, path, params) for target in others())))


def _tls() -> ssl.SSLContext | bool:
    """How the other worker's certificate is checked, and what is shown to it."""
    return True if app.certificates is None else app.certificates.client


@app.on_rebalance_complete.connect(weak=False)
async def know_partitions(*_: Any, **__: Any) -> None:
    """Finding an owner needs the topic's metadata in the producer."""
    await app.producer.client.partitions_for(_topic)
