"""`/templates`: templates that are kept for all users. The same text has the same id.

| field | meaning |
|---|---|
| `id` | SHA-256 of the text |
| `name`, `description` | as given, or from the template's metadata |
| `createdBy{issuer,subject}`, `creationTime` | who stored it first, and when |
| `template` | the text; not in lists |
"""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from faust.web import View
from pydantic import BaseModel, ConfigDict, Field

from paas_stream.access import Action, Caller, Thing
from paas_stream.app import app
from paas_stream.errors import InvalidTemplateError, ParserTimeoutError
from paas_stream.lifecycle import representation
from paas_stream.records import Owner, StoredTemplate
from tables import stored_templates as tables
from web import callers, requests, resources
from web.applied import applied
from web.contract.queries import TemplatesQuery
from web.deployments import base_url, check_ready, pool, send
from web.faults import ApiError
from web.health import as_json

MOST_PER_OWNER = 200
_PATH = "/templates"


class StoreRequest(BaseModel):
    """Body of POST /templates."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    template: str = Field(min_length=1)
    name: str | None = Field(None, max_length=200)
    description: str | None = Field(None, max_length=2000)


def shown(row: StoredTemplate, base: str) -> dict[str, Any]:
    """A stored template without its text."""
    owner = row.owner or Owner(issuer="", subject="")
    fields = {
        "id": row.id,
        "name": row.name,
        "description": row.description or None,
        "createdBy": {"issuer": owner.issuer, "subject": owner.subject},
        "creationTime": representation.moment(row.timestamp.timestamp()),
        "links": [{"rel": "self", "href": f"{base}{_PATH}/{row.id}"}],
    }
    return {name: value for name, value in fields.items() if value is not None}


def found(key: str) -> StoredTemplate:
    """Raises ApiError 404, UnreadableRowError."""
    row = tables.get(key)
    if row is None:
        raise ApiError(404, f"there is no stored template {key}")
    return row


@app.page("/templates")
@app.page("/templates/")
class StoredTemplates(View):
    """The collection."""

    async def get(self, request: web.Request) -> web.Response:
        """A page of them in the order of their names; `q` is text in name or description."""
        check_ready()
        await callers.require(request, Action.LIST)
        asked = requests.query_of(request, TemplatesQuery)
        number, size, text = asked.page, asked.size, asked.q.casefold()
        rows = [one for one in tables.rows().values() if _has(one, text)]
        rows.sort(key=lambda one: (one.name.casefold(), one.id))
        base = base_url(request)
        query = [(k, v) for k, v in request.query.items() if k not in ("page", "size")]
        return as_json(
            resources.page(
                [shown(one, base) for one in rows[number * size : (number + 1) * size]],
                number=number,
                size=size,
                total=len(rows),
                url=base + _PATH,
                query=urlencode(query),
            )
        )

    async def post(self, request: web.Request) -> web.Response:
        """Store a template: 201, or 200 if its text is stored already. Faults answer 400."""
        check_ready()
        caller = await callers.require(request, Action.CREATE)
        body = await requests.body_of(request, StoreRequest)
        key, base = StoredTemplate.id_of(body.template), base_url(request)
        headers = {"Location": f"{base}{_PATH}/{key}"}
        if (known := tables.get(key)) is not None:
            return as_json(shown(known, base), headers=headers)
        message = await _message(body, caller)
        _check_room(caller)
        await send(message)
        is_applied = await applied(lambda: key in tables.rows())
        row = tables.rows().get(key, message)
        is_first = (row.owner, row.timestamp) == (message.owner, message.timestamp)
        status = 202 if not is_applied else 201 if is_first else 200
        return as_json(shown(row, base), status, headers)


@app.page("/templates/{id:[0-9a-f]{64}}")  # so that other paths below are none of them
class Stored(View):
    """One stored template."""

    async def get(self, request: web.Request, id: str) -> web.Response:
        """It, with its text."""
        check_ready()
        await callers.require(request, Action.LIST)
        row, text = found(id), tables.text(id)
        if text is None:
            raise ApiError(404, f"there is no stored template {id}")
        return as_json(shown(row, base_url(request)) | {"template": text})

    async def delete(self, request: web.Request, id: str) -> web.Response:
        """Delete it; deployments made from it stay as they are."""
        check_ready()
        owner = found(id).owner or Owner(issuer="", subject="")
        await callers.require(request, Action.CHANGE, Thing(owner.issuer, owner.subject))
        await send(StoredTemplate(id=id, deleted=True))
        is_applied = await applied(lambda: id not in tables.rows())
        return web.Response(status=204 if is_applied else 202)


def _has(row: StoredTemplate, text: str) -> bool:
    return text in row.name.casefold() or text in row.description.casefold()


async def _message(body: StoreRequest, caller: Caller) -> StoredTemplate:
    """What is sent. Raises ApiError 400 for a template that could never be deployed."""
    try:
        told = await pool.inspect(body.template, {})
    except InvalidTemplateError as exc:
        raise ApiError(400, exc.message, faults=exc.faults) from exc
    except ParserTimeoutError as exc:
        raise ApiError(400, exc.message, faults=[exc.message]) from exc
    return StoredTemplate(
        id=StoredTemplate.id_of(body.template),
        name=body.name or str(told["templateName"])[:200],
        description=body.description or str(told["description"])[:2000],
        template=body.template,
        owner=Owner(issuer=caller.issuer, subject=caller.subject, username=caller.username or ""),
    )


def _check_room(caller: Caller) -> None:
    """Raise ApiError 409 when there are too many."""
    owners = [row.owner for row in tables.rows().values()]
    mine = sum(
        one is not None and (one.issuer, one.subject) == (caller.issuer, caller.subject)
        for one in owners
    )
    if mine >= MOST_PER_OWNER:
        raise ApiError(409, f"you have stored {mine} templates: delete one of them first")
    if len(owners) >= tables.MOST:
        raise ApiError(409, f"{len(owners)} templates are stored: some must be deleted first")
