"""`/deployments/{uuid}/events`: the timeline, as a list or as it grows.

A stream tells every entry once, in the order in which they came (each has its time). The `id` of an
entry names the place after it; a client that comes back with it as `Last-Event-ID` goes on there, on
whichever worker. When the place is not known any more, which takes a crash at that very moment,
the stream begins anew: entries have an `id` of their own in their data.

| event | data | when |
|---|---|---|
| (none) | an entry of the list | the whole timeline first, then each as it is stored |
| `status` | status, reason, task, provider | at the start and at each change |
| `end` | why | nothing more will come: do not connect again |

`end` comes when the deployment is deleted, and with `?until=final` in any state that lasts. Any
other end of the connection means: connect again.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
from aiohttp import web
from aiohttp_sse import EventSourceResponse
from faust.web import View

from paas_stream import topics
from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.lifecycle.deployment import DeploymentRow, Status
from paas_stream.lifecycle.timeline import Timeline, TimelineEvent
from tables import deployments as tables
from tables.watched import watch
from web import deployments, owners, requests, resources, streams
from web.contract.queries import EventsQuery
from web.faults import ApiError, unavailable
from web.health import as_json

RETRY_MS = 1000  # a client that lost the connection comes back after this
STRAGGLERS_S = 0.2  # steps are told on another topic than results: the last ones may come later

_settings = app.settings.web


class Reader:
    """What one client has been told of one deployment."""

    def __init__(self, timeline: Timeline, last_event_id: str | None) -> None:
        """`last_event_id`: the client's bookmark; None, or one that is not known: from the start."""
        marks = timeline.bookmarks()
        known = marks.index(last_event_id) + 1 if last_event_id in marks else 0
        self._told = {event.id for event in timeline.events[:known]}
        self._status: dict[str, Any] | None = None

    def news(self, timeline: Timeline) -> Iterator[tuple[str, TimelineEvent]]:
        """Entries that are not told yet, with their bookmarks."""
        if all(event.id in self._told for event in timeline.events):
            return
        for mark, event in zip(timeline.bookmarks(), timeline.events, strict=True):
            if event.id not in self._told:
                self._told.add(event.id)
                yield mark, event

    def new_status(self, row: DeploymentRow) -> dict[str, Any] | None:
        """The status, if it is not the one told last."""
        status = resources.status(row)
        if status == self._status:
            return None
        self._status = status
        return status


def ending(row: DeploymentRow | None, *, until_final: bool) -> str | None:
    """Why nothing more will come; None: something may."""
    if row is None:
        return "forgotten"
    if row.status is Status.DELETE_COMPLETE:
        return "deleted"
    if until_final and not row.status.endswith("IN_PROGRESS"):
        return "final"
    return None


@app.page("/deployments/{uuid}/events")
class Events(View):
    """The timeline of one deployment."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """Every step, attempt and reason: a list by time, or a stream for `Accept: text/event-stream`."""
        if there := await deployments.elsewhere(request, uuid):
            return there
        row = await deployments.found(request, uuid, Action.LOOK)
        timeline = tables.timelines.get(uuid) or Timeline()
        asked = requests.query_of(request, EventsQuery)
        if not streams.wanted(request):
            return as_json(resources.events(timeline))
        bookmark = request.headers.get("Last-Event-ID") or asked.lastEventId
        reader = Reader(timeline, bookmark)
        until_final = asked.until == "final"
        if bookmark and bookmark in timeline.bookmarks()[-1:] and ending(row, until_final=False):
            return web.Response(status=204)  # all is told: an EventSource stops at this
        if await streams.is_over(request):
            raise unavailable("the worker is being stopped")
        with streams.place():
            return await _stream(request, uuid, reader, until_final)


async def _stream(
    request: web.Request, uuid: str, reader: Reader, until_final: bool
) -> web.StreamResponse:
    response = EventSourceResponse(
        sep="\n",
        ping_interval=_settings.keep_alive_s,
        send_timeout=_settings.slow_reader_s,
    )
    await response.prepare(request)
    try:
        async with response:
            await response.write(f"retry: {RETRY_MS}\n\n".encode())
            await _tell(request, response, uuid, reader, until_final)
    except (ConnectionResetError, TimeoutError):
        pass  # the reader has gone, or takes nothing: aiohttp-sse has closed the connection
    return response


async def _tell(
    request: web.Request,
    response: EventSourceResponse,
    uuid: str,
    reader: Reader,
    until_final: bool,
) -> None:
    """Send what is new whenever something changes, until nothing more can come from here."""
    seen = None  # the assignment of partitions in which the tables were read
    with watch(uuid) as changed:
        while not await streams.is_over(request):
            if not app.readiness.tables_ready:
                await asyncio.sleep(streams.LOOK_S)
                continue
            assignment = app.consumer_generation_id
            if seen != assignment and not _is_here(uuid):
                return
            if changed.is_set() or seen != assignment:
                seen = assignment
                changed.clear()
                if await _send_news(response, uuid, reader, until_final):
                    return
            await _changed(changed)


async def _send_news(
    response: EventSourceResponse, uuid: str, reader: Reader, until_final: bool
) -> bool:
    """Tell what is new. Whether that was the end, which is told when nothing is on its way any more."""
    if ending(await _send(response, uuid, reader), until_final=until_final) is None:
        return False
    await asyncio.sleep(STRAGGLERS_S)
    await deployments.tracked(topics.PROCEDURE_STATUS, uuid)
    reason = ending(await _send(response, uuid, reader), until_final=until_final)
    if reason is not None:
        await response.send(_text({"reason": reason}), event="end")
    return reason is not None


async def _send(response: EventSourceResponse, uuid: str, reader: Reader) -> DeploymentRow | None:
    """Entries first, so that a status never comes before what led to it. Returns the row."""
    row = tables.index.get(uuid) or tables.deployments.get(uuid)
    for mark, event in reader.news(tables.timelines.get(uuid) or Timeline()):
        await response.send(_text(resources.event(event)), id=mark)
    if row is not None and (status := reader.new_status(row)):
        await response.send(_text(status), event="status")
    return row


def _is_here(uuid: str) -> bool:
    """Whether the deployment is still this worker's. While partitions move it is taken to be."""
    try:
        return owners.owner(uuid) is None
    except ApiError:
        return True


async def _changed(changed: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(streams.LOOK_S):
            await changed.wait()
    except TimeoutError:
        return


def _text(data: Any) -> str:
    return orjson.dumps(data).decode()
