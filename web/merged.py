"""Pages of lists whose entries are spread over all workers.

Each worker has its own entries in order, and is asked for a stretch of them. What is sent between
workers is bounded, however deep a page lies:

1. the first page: every worker sends as many entries as the page has;
2. a page behind a bookmark, as links to the next page have it: the same, from the bookmark on;
3. a page by number: keys up to the page are sent, merged, and only the page's own entries are asked for;
4. one so deep that more than WINDOW keys would have to be sent: counted from the end, or else refused.

A worker that does not answer makes it a 503, never a short list.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from yarl import URL

from paas_stream.lifecycle.listing import Key, Order
from web import owners
from web.faults import ApiError
from web.health import as_json

WINDOW = 10_000  # entries from an end of a list that can be reached by the number of a page
_STRETCH = "stretch"  # query parameter between workers


class Stretch(BaseModel):
    """A part of a worker's list."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    limit: int = Field(ge=0, le=WINDOW)
    after: tuple[float | str, str] | None = None  # the key before its first entry
    included: bool = False  # `after` itself belongs to it
    backwards: bool = False  # from the end of the list
    keys_only: bool = False


class Part(NamedTuple):
    """A worker's answer; `content` goes with `keys`, or is empty if only keys were asked for."""

    total: int  # of the worker's whole list
    keys: list[Key]
    content: list[dict[str, Any]]


@dataclass(frozen=True)
class Page:
    """What is shown."""

    content: list[dict[str, Any]]
    total: int
    has_next: bool
    next_after: str | None = None


Select = Callable[[Stretch], Awaitable[Part]]


class Merged:
    """One list, asked for by one request."""

    def __init__(
        self, request: web.Request, params: Mapping[str, str], order: Order, select: Select
    ) -> None:
        """`select` answers for this worker; `params` are the query as other workers get it."""
        self._path = request.path
        self._params = dict(params)
        self._order = order
        self._select = select

    async def page(self, number: int, size: int, after: Key | None = None) -> Page:
        """A page. Raises ApiError 400 for one that lies too deep, 503 if a worker does not answer."""
        if after is not None:
            total, found = _joined(await self._ask_all(Stretch(limit=size + 1, after=after)))
            found.sort(key=_key, reverse=self._order.descending)
            return self._page(total, found[:size], len(found) > size)
        start = number * size
        if number == 0:
            total, found = _joined(await self._ask_all(Stretch(limit=size)))
            found.sort(key=_key, reverse=self._order.descending)
            found = found[:size]
        elif start + size <= WINDOW:
            total, found = await self._window(start, size, backwards=False)
        else:
            total, found = await self._from_end(start, size)
        return self._page(total, found, start + size < total)

    def _page(self, total: int, found: list["_Entry"], has_next: bool) -> Page:
        bookmark = self._order.bookmark(found[-1].key) if has_next and found else None
        return Page([one.content for one in found], total, has_next, bookmark)

    async def _from_end(self, start: int, size: int) -> tuple[int, list["_Entry"]]:
        parts = await self._ask_all(Stretch(limit=0))
        total = sum(part.total for part in parts.values())
        left = total - start
        if left <= 0:
            return total, []
        if left > WINDOW:
            raise ApiError(
                400,
                f"the page lies deeper than {WINDOW} entries: follow the links of the pages before "
                "it, which have a bookmark, or ask for fewer entries",
            )
        behind = max(0, left - size)
        total, found = await self._window(behind, left - behind, backwards=True)
        return total, found[::-1]

    async def _window(
        self, start: int, count: int, *, backwards: bool
    ) -> tuple[int, list["_Entry"]]:
        asked = Stretch(limit=start + count, keys_only=True, backwards=backwards)
        parts = await self._ask_all(asked)
        keys = [(key, target) for target, part in parts.items() for key in part.keys]
        descending = self._order.descending != backwards
        keys.sort(key=lambda one: one[0], reverse=descending)
        wanted: dict[URL | None, list[Key]] = {}
        for key, target in keys[start : start + count]:
            wanted.setdefault(target, []).append(key)
        answers = await asyncio.gather(
            *(
                self._ask(
                    target,
                    Stretch(limit=len(own), after=own[0], included=True, backwards=backwards),
                )
                for target, own in wanted.items()
            )
        )
        _, found = _joined(dict(zip(wanted, answers, strict=True)))
        found.sort(key=_key, reverse=descending)
        return sum(part.total for part in parts.values()), found

    async def _ask_all(self, stretch: Stretch) -> dict[URL | None, Part]:
        """The parts of all workers; this one is None."""
        targets = [None, *owners.others()]
        parts = await asyncio.gather(*(self._ask(target, stretch) for target in targets))
        return dict(zip(targets, parts, strict=True))

    async def _ask(self, target: URL | None, stretch: Stretch) -> Part:
        if target is None:
            return await self._select(stretch)
        params = self._params | {_STRETCH: stretch.model_dump_json(exclude_defaults=True)}
        answer = await owners.ask(target, self._path, params)
        keys = [(value, uuid) for value, uuid in answer["keys"]]
        return Part(answer["total"], keys, answer["content"])


class _Entry(NamedTuple):
    key: Key
    content: dict[str, Any]


def _key(one: _Entry) -> Key:
    return one.key


def _joined(parts: Mapping[URL | None, Part]) -> tuple[int, list[_Entry]]:
    """The number of all entries, and those that were sent."""
    total = sum(part.total for part in parts.values())
    found = [
        _Entry(key, content)
        for part in parts.values()
        for key, content in zip(part.keys, part.content, strict=True)
    ]
    return total, found


def is_asked_by_worker(request: web.Request) -> bool:
    """Whether another worker merges: it wants this one's part."""
    return owners.HOP in request.headers


async def answer_worker(request: web.Request, select: Select) -> web.Response:
    """This worker's part, for another one. Raises ApiError 400."""
    try:
        stretch = Stretch.model_validate_json(request.query.get(_STRETCH, ""))
    except ValidationError as exc:
        raise ApiError(400, "the stretch that a worker asked for cannot be read") from exc
    return as_json((await select(stretch))._asdict())
