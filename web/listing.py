"""`GET /deployments`: which of them, in which order.

| parameter | selects |
|---|---|
| `userGroup`, `provider`, `template` | by name; a template's name is in its metadata |
| `status`, `excludedStatus` | states; repeated, or with commas |
| `q` | text in uuid, template's name, reason or provider, upper and lower case alike |
| `createdAfter`, `createdBefore` | ISO 8601, UTC without a zone; the former is included |
| `sort` | `createdAt`, `updatedAt`, `status`, `provider` or `template`, with `,ASC` or `,DESC` |
| `page`, `size` | from 0; 1 to 1000 |
| `after` | the bookmark that a link to the next page has |

A page by number can be had within 10,000 entries from either end of the list; by following the links
of pages, all of it.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from paas_stream.access import Action, Caller
from paas_stream.errors import PermanentError
from paas_stream.lifecycle.deployment import DeploymentRow
from paas_stream.lifecycle.listing import Key, Order, Property, Query, Viewer
from tables import deployments as tables
from web import callers, created_by, merged, requests, resources
from web.contract import queries
from web.faults import ApiError
from web.health import as_json

_OTHER_NAMES = {  # of properties, as the resource calls them
    "creationTime": Property.CREATED,
    "updateTime": Property.UPDATED,
    "cloudProviderName": Property.PROVIDER,
}
_PLACE = ("page", "size", "after")
_LISTS = ("status", "excludedStatus")
_STEP = 20  # entries rendered before the event loop gets a turn: outputs are decrypted

Shown = Callable[[DeploymentRow], dict[str, Any]]


@dataclass(frozen=True)
class Asked:
    """What a request asks for."""

    query: Query
    order: Order
    number: int
    size: int
    after: Key | None


def asked(request: web.Request, caller: Caller) -> Asked:
    """Raises ApiError 400 for a parameter that cannot be read, 403 for what is not the caller's."""
    order = sort_order(request.query.get("sort", ""))
    paging = requests.query_of(request, queries.Paging)
    return Asked(
        query=query_of(request, created_by.wanted(request, caller)),
        order=order,
        number=paging.page,
        size=paging.size,
        after=bookmarked(request, order),
    )


def query_of(request: web.Request, owner: created_by.Who | None) -> Query:
    """Which deployments of `owner`, None: of everyone. Raises ApiError 400."""
    given = request.query
    text = given.get("q", "").strip()
    if len(text) > queries.TEXT_MOST:
        raise ApiError(400, f"q must have at most {queries.TEXT_MOST} characters")
    return Query(
        owner=owner,
        user_group=given.get("userGroup") or None,
        statuses=words(request, "status"),
        excluded=words(request, "excludedStatus"),
        provider_name=given.get("provider") or None,
        template_name=given.get("template") or None,
        text=text.casefold(),
        created_from=moment(request, "createdAfter"),
        created_to=moment(request, "createdBefore"),
    )


def words(request: web.Request, name: str) -> frozenset[str]:
    """A parameter that may be repeated, and may have several values with commas."""
    values = request.query.getall(name, [])
    return frozenset(one.strip() for value in values for one in value.split(",") if one.strip())


def moment(request: web.Request, name: str) -> float | None:
    """A time in the query, in seconds since the epoch; None: not given. Raises ApiError 400."""
    text = request.query.get(name, "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as exc:
        raise ApiError(
            400, f"{name} must be a time as in 2025-01-31T10:20:00Z, not {text!r}"
        ) from exc


def sort_order(text: str) -> Order:
    """`createdAt,DESC`, as Spring writes it; newest first without. Raises ApiError 400."""
    if not text:
        return Order()
    name, _, direction = (part.strip() for part in text.partition(","))
    try:
        by = _OTHER_NAMES.get(name) or Property(name)
    except ValueError as exc:
        known = ", ".join(Property)
        raise ApiError(400, f"sort must name one of {known}, not {name!r}") from exc
    if direction.upper() not in ("", "ASC", "DESC"):
        raise ApiError(400, f"sort must be {name},ASC or {name},DESC, not {text!r}")
    return Order(by, direction.upper() == "DESC")


def bookmarked(request: web.Request, order: Order) -> Key | None:
    """The place that a page begins behind; None: its number says it. Raises ApiError 400."""
    text = request.query.get("after")
    if not text:
        return None
    try:
        found = order.place(text)
        merged.Stretch(limit=0, after=found).model_dump_json()  # other workers get it
    except PermanentError as exc:
        raise ApiError(400, f"after is no bookmark of this list: {exc.message}") from exc
    except (ValueError, RecursionError) as exc:
        raise ApiError(400, "after is no bookmark of this list") from exc
    return found


def for_workers(request: web.Request) -> dict[str, str]:
    """The query as other workers get it: each parameter once, and nothing about pages."""
    # of those that are repeated without being lists, the first one counts here, too
    query = {name: request.query[name] for name in request.query if name not in _PLACE}
    return query | {
        name: ",".join(sorted(words(request, name))) for name in _LISTS if name in query
    }


def viewer(caller: Caller) -> Viewer | None:
    """Whose deployments a caller may look at; None: all."""
    if caller.is_admin:
        return None
    return Viewer((caller.issuer, caller.subject), frozenset(caller.groups or ()))


async def answer(request: web.Request, shown: Shown, url: str) -> web.Response:
    """The page, or for another worker this one's part of it."""
    caller = await callers.require(request, Action.LIST)
    wanted, by = asked(request, caller), viewer(caller)

    async def select(stretch: merged.Stretch) -> merged.Part:
        order = wanted.order.reversed() if stretch.backwards else wanted.order
        total, rows = await tables.listing.select(
            wanted.query,
            order,
            stretch.limit,
            stretch.after,
            included=stretch.included,
            viewer=by,
        )
        content = [] if stretch.keys_only else await _rendered(rows, shown)
        return merged.Part(total, [key for key, _ in rows], content)

    if merged.is_asked_by_worker(request):
        return await merged.answer_worker(request, select)
    params = for_workers(request)
    found = await merged.Merged(request, params, wanted.order, select).page(
        wanted.number, wanted.size, wanted.after
    )
    query = [(name, value) for name, value in request.query.items() if name not in _PLACE]
    return as_json(
        resources.page(
            [rebased(one, url) for one in found.content],
            number=wanted.number,
            size=wanted.size,
            total=found.total,
            url=url,
            query=urlencode(query),
            after=request.query.get("after"),
            next_after=found.next_after,
            has_next=found.has_next,
        )
    )


async def _rendered(
    rows: Iterable[tuple[Key, DeploymentRow]], shown: Shown
) -> list[dict[str, Any]]:
    content = []
    for count, (_, row) in enumerate(rows, start=1):
        content.append(shown(row))
        if count % _STEP == 0:
            await asyncio.sleep(0)
    return content


def rebased(resource: dict[str, Any], url: str) -> dict[str, Any]:
    """Links as this caller reaches them; another worker made them with its own address."""
    here = f"{url}/{resource['uuid']}"
    for link in resource["links"]:
        rest = link["href"].partition(resource["uuid"])[2]
        link["href"] = here + rest
    return resource
