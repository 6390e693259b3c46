"""`/templates/inspect`: what a form needs to know of a template; nothing is deployed."""

from typing import Any

from aiohttp import web
from faust.web import View
from pydantic import BaseModel, ConfigDict, Field, field_validator

from paas_stream.access import Action
from paas_stream.app import app
from paas_stream.errors import InvalidTemplateError, ParserTimeoutError
from paas_stream.records import FreeValues
from web import callers, requests
from web.deployments import pool
from web.faults import ApiError
from web.health import as_json


class InspectRequest(BaseModel):
    """Body of POST /templates/inspect."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    template: str = Field(min_length=1)
    parameters: FreeValues = {}

    @field_validator("parameters", mode="before")
    @classmethod
    def _null_is_empty(cls, value: Any) -> Any:
        return {} if value is None else value


@app.page("/templates/inspect")
class Inspect(View):
    """A template, described."""

    async def post(self, request: web.Request) -> web.Response:
        """Inputs, nodes, needs, outputs and policies. Template faults answer 400."""
        await callers.require(request, Action.CREATE)
        return await inspected(request)


async def inspected(request: web.Request) -> web.Response:
    """The answer to an inspection."""
    body = await requests.body_of(request, InspectRequest)
    try:
        return as_json(await pool.inspect(body.template, body.parameters))
    except InvalidTemplateError as exc:
        raise ApiError(400, exc.message, faults=exc.faults) from exc
    except ParserTimeoutError as exc:
        raise ApiError(400, exc.message, faults=[exc.message]) from exc
