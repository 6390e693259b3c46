"""`POST /deployments?dryRun=true`: what would become of a request. Nothing is sent or stored.

The request is refused as without `dryRun`. Otherwise the answer is 200 with the shape of `web.ranked`,
on what this worker knows now, and

| field | meaning |
|---|---|
| `valid` | true: the template and its inputs are |
| `warnings` | what the template parser has to say |
| `requirements` | what each node needs, as in `validated-templates` |

Without any provider `providers` is empty, and `discarded` says why for each.
"""

from datetime import UTC, datetime

from aiohttp import web

from paas_stream.errors import InvalidTemplateError, ParserTimeoutError
from paas_stream.ranking import chain
from paas_stream.records import Template
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.pool import ParserPool
from tables import ranker, serving
from tables.selection import select_providers
from web import ranked, requests
from web.contract.queries import CreateQuery
from web.faults import ApiError
from web.health import as_json


def is_asked(request: web.Request) -> bool:
    """Whether the query asks for a dry run. Raises ApiError 400 for anything but true or false."""
    return requests.query_of(request, CreateQuery).dryRun


async def answer(message: Template, pool: ParserPool) -> web.Response:
    """Validate, select and rank. Raises ApiError 400 for a template that is refused."""
    now = datetime.now(UTC)
    try:
        key = OwnerKey.of(message)
        validated = await pool.validate(message.template, message.template_inputs, key)
        accepted = validated.message(message)
        selection = select_providers(accepted, now)
    except InvalidTemplateError as exc:
        raise ApiError(400, exc.message, faults=exc.faults) from exc
    except ParserTimeoutError as exc:
        raise ApiError(400, exc.message) from exc
    live, asked = serving.live, selection.inference(accepted)
    ranking = chain.rank(asked, ranker.memory(now), now, ranker.policy, live.model, live.fault)
    if not selection.candidates:
        ranking = ranking.model_copy(update={"explanation": selection.explanation()})
    needed = [one.model_dump(mode="json", exclude_none=True) for one in accepted.requirements]
    valid = {"valid": True, "warnings": list(accepted.warnings), "requirements": needed}
    return as_json(valid | ranked.ranking(ranking))
