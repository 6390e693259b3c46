"""`GET /errors`: what went wrong, newest first.

Users see what is about deployments that they may look at, admins all of it.

| parameter | selects |
|---|---|
| `uuid`, `component`, `code` | exactly |
| `createdAfter`, `createdBefore` | by time, as for deployments |
| `page`, `size`, `after` | as for deployments |

| field | meaning |
|---|---|
| `id` | for `paas-stream errors show` and `replay` |
| `time`, `uuid`, `component`, `step`, `code`, `message` | when, about what, where, why |
| `retriable` | the same may succeed later |
| `replayed` | the record that it is about was sent again |
| `source{topic,partition,offset}` | that record |
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from faust.web import View

from paas_stream.access import Action, Caller, may
from paas_stream.app import app
from paas_stream.lifecycle.listing import Order
from tables import deployments, error_records
from tables.error_records import KeptError
from web import callers, listing, merged, requests, resources
from web.contract.queries import Paging
from web.deployments import base_url, check_ready
from web.health import as_json
from web.things import thing_of

_ORDER = Order()  # by time
_PLACE = ("page", "size", "after")


def shown(error: KeptError) -> dict[str, Any]:
    """One error; fields without value are left out."""
    fields = {
        "id": error.id,
        "time": datetime.fromtimestamp(error.at, UTC).isoformat(timespec="milliseconds"),
        "uuid": error.uuid,
        "component": error.component,
        "step": error.step,
        "code": error.code,
        "message": error.message,
        "retriable": error.retriable,
        "replayed": error.replayed,
        "source": error.source,
    }
    return {name: value for name, value in fields.items() if value is not None}


def may_see(caller: Caller, error: KeptError) -> bool:
    """Whether a caller may see it; what is about no deployment that is kept is for admins."""
    if caller.is_admin:
        return True
    row = deployments.index.get(error.uuid or "")
    return row is not None and row.created is not None and may(caller, Action.LOOK, thing_of(row))


def _meant(request: web.Request, caller: Caller) -> Iterator[KeptError]:
    wanted = {name: request.query.get(name) or None for name in ("uuid", "component", "code")}
    begin = listing.moment(request, "createdAfter")
    end = listing.moment(request, "createdBefore")
    for kept in error_records.index.values():
        for error in kept.values():
            if (
                all(value in (None, getattr(error, name)) for name, value in wanted.items())
                and (begin is None or error.at >= begin)
                and (end is None or error.at < end)
                and may_see(caller, error)
            ):
                yield error


@app.page("/errors")
@app.page("/errors/")
class Errors(View):
    """Errors of all boxes on all workers, as far as they are kept in tables."""

    async def get(self, request: web.Request) -> web.Response:
        """A page of them."""
        check_ready()
        caller = await callers.require(request, Action.LIST)
        paging = requests.query_of(request, Paging)
        after = listing.bookmarked(request, _ORDER)
        found = list(_meant(request, caller))

        async def select(stretch: merged.Stretch) -> merged.Part:
            order = _ORDER.reversed() if stretch.backwards else _ORDER
            keys = {(one.at, one.id): one for one in found}
            behind = sorted(
                (key for key in keys if order.is_behind(key, stretch.after, stretch.included)),
                reverse=order.descending,
            )
            part = list(islice(behind, stretch.limit))
            content = [] if stretch.keys_only else [shown(keys[key]) for key in part]
            return merged.Part(len(found), list(part), content)

        if merged.is_asked_by_worker(request):
            return await merged.answer_worker(request, select)
        params = {name: request.query[name] for name in request.query if name not in _PLACE}
        page = await merged.Merged(request, params, _ORDER, select).page(
            paging.page, paging.size, after
        )
        return as_json(
            resources.page(
                page.content,
                number=paging.page,
                size=paging.size,
                total=page.total,
                url=f"{base_url(request)}/errors",
                query=urlencode(params),
                after=request.query.get("after"),
                next_after=page.next_after,
                has_next=page.has_next,
            )
        )
