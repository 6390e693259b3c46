"""`/deployments`: create, list, read, delete."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiohttp import web
from faust.web import View

from paas_stream import topics
from paas_stream.access import Action, Thing
from paas_stream.app import app
from paas_stream.durable.app import TRACKER
from paas_stream.durable.metrics import PARSER
from paas_stream.errors import InvalidTemplateError, ParserBusyError, ParserTimeoutError
from paas_stream.lifecycle import deployment
from paas_stream.lifecycle.deployment import DeploymentRow, Status, TrackerPolicy
from paas_stream.records import Command, Message, Template
from paas_stream.secrets import vault
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.pool import ParserPool
from tables import deployments as tables
from tables import user_keys
from web import (
    callers,
    changes,
    dry_run,
    forwarded,
    idempotency,
    listing,
    owners,
    requests,
    resources,
)
from web.admission import admission
from web.contract import queries
from web.faults import ApiError, unavailable
from web.health import as_json
from web.opened import OpenedOutputs

settings = app.settings
pool = ParserPool(settings.parser)
PARSER.add(lambda: {("api", state): number for state, number in pool.load.items()})
_outputs = OpenedOutputs(lambda sealed: vault().open_json(sealed))
_policy = TrackerPolicy(settings.tracker.delete_timeout_s, settings.tracker.retention_s)


def check_ready() -> None:
    """Raise ApiError 503 until tables are filled: before, they would say that nothing exists."""
    reason = app.readiness.reason
    if reason is not None:
        raise unavailable(f"not ready: {reason}")


def base_url(request: web.Request) -> str:
    """The service's URL as the client knows it."""
    return forwarded.of(request).base_url


async def send(message: Message) -> None:
    """Send, and answer 503 when the broker does not confirm in time."""
    try:
        async with asyncio.timeout(settings.web.send_timeout_s):
            await app.emit(message)
    except TimeoutError as exc:
        raise unavailable(
            "Kafka did not confirm the request in time; repeat it with the same Idempotency-Key"
        ) from exc


async def tracked(name: str, uuid: str) -> bool:
    """Wait until the tracker has handled what stands in this topic's partition now."""
    topic = topics.TOPICS[name].broker_name(settings)
    partition = app.producer.key_partition(topic, uuid.encode()).partition
    limit = settings.web.read_timeout_s
    try:
        return await app.positions.caught_up(app, TRACKER, topic, partition, limit)
    except TimeoutError:
        return False


async def find(uuid: str) -> DeploymentRow:
    """A deployment of this worker. Waits for the tracker before it says 404.

    Raises UnreadableRowError.
    """
    await app.takeover.is_over(settings.web.read_timeout_s)  # else: as of a moment ago
    # what cannot be read is in no index, but it is there
    row = tables.index.get(uuid) or tables.deployments.get(uuid)
    if row is None or row.created is None:
        caught_up = await tracked(topics.TEMPLATE, uuid)
        row = tables.index.get(uuid)
        if row is None or row.created is None:
            if caught_up:
                raise ApiError(404, f"there is no deployment {uuid}")
            raise unavailable("the tracker is behind; whether the deployment exists is not known")
    return row


async def found(request: web.Request, uuid: str, action: Action) -> DeploymentRow:
    """A deployment of this worker with which the caller may do this. Raises ApiError as `find`, 403."""
    row = await find(uuid)
    if action is not Action.LOOK and not await app.takeover.is_over(0.0):
        raise unavailable("the tracker is behind: the deployment may have changed already")
    await callers.require(request, action, Thing(row.issuer, row.subject, row.user_group))
    return row


def shown(row: DeploymentRow, request: web.Request) -> dict[str, Any]:
    """The resource for the caller."""
    return resources.deployment(row, base_url(request), partial(_outputs.of, row.uuid))


async def elsewhere(request: web.Request, uuid: str) -> web.StreamResponse | None:
    """The owner's answer, when the owner is another worker."""
    check_ready()
    target = owners.owner(uuid)
    if target is None:
        return None
    if owners.HOP in request.headers:
        raise unavailable("the deployment's worker is being changed")
    return await owners.forward(request, target)


@app.page("/deployments")
@app.page("/deployments/")
class Deployments(View):
    """The collection."""

    async def post(self, request: web.Request) -> web.Response:
        """Accept a template. Template faults answer 400 at once."""
        check_ready()
        with admission.one():
            return await self._post(request)

    async def _post(self, request: web.Request) -> web.Response:
        caller = await callers.require(request, Action.CREATE)
        body = await requests.deployment_request(request)
        callers.require_group(caller, body.userGroup)
        token = requests.bearer_token(request)
        sealed = vault().seal(token) if token is not None else None
        key = idempotency.key_of(request)
        uuid = idempotency.uuid_of(key, caller)
        message = user_keys.with_key(body.to_template(uuid, settings, sealed, caller))
        if dry_run.is_asked(request):
            return await dry_run.answer(message, pool)
        if key is not None:
            digest = idempotency.digest_of(body)
            if known := await _known(request, uuid, digest):
                return known
            message = message.model_copy(update={"body_digest": digest})
        await _validate(message)
        await send(message)
        row = DeploymentRow(uuid, message.timestamp.timestamp(), message.timestamp.timestamp())
        row = deployment.step(row, message, row.first_seen, _policy).row or row
        return as_json(shown(row, request), 201, _location(request, uuid))

    async def get(self, request: web.Request) -> web.Response:
        """A page of the deployments of all workers: see `web.listing`."""
        check_ready()
        await app.takeover.is_over(settings.web.read_timeout_s)
        return await listing.answer(
            request, lambda row: shown(row, request), f"{base_url(request)}/deployments"
        )


@app.page("/deployments/{uuid}")
class Deployment(View):
    """One deployment."""

    async def get(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """The resource."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.LOOK)
        if owners.HOP in request.headers:
            idempotency.check(row, request.query.get(idempotency.DIGEST))
        return as_json(shown(row, request))

    async def put(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """Update: the same provider, never another one. While one is under way it is queued."""
        if there := await elsewhere(request, uuid):
            return there
        await found(request, uuid, Action.CHANGE)
        with changes.one_at_a_time(uuid):
            message = await changes.update(request, await find(uuid), pool)
            await send(message)
            await tracked(topics.TEMPLATE, uuid)  # the next one is merged with this one
            row = await find(uuid)
        if row.revision < message.revision:
            raise unavailable("the update was accepted; the tracker is behind", 5)
        return as_json(shown(row, request), 202)

    async def patch(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """Give a delete up that does not end."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.CHANGE)
        await send(await changes.reset(request, row))
        await tracked(topics.DEPLOYMENT_COMMANDS, uuid)
        return web.Response(status=204)

    async def delete(self, request: web.Request, uuid: str) -> web.StreamResponse:
        """Ask for the delete; running work is cancelled by it."""
        if there := await elsewhere(request, uuid):
            return there
        row = await found(request, uuid, Action.CHANGE)
        if row.status in (Status.DELETE_IN_PROGRESS, Status.DELETE_COMPLETE):
            raise ApiError(409, f"Cannot delete a deployment in {row.status} state")
        force = requests.query_of(request, queries.DeleteQuery).force
        await send(
            Command(
                uuid=uuid,
                command="delete",
                force=force,
                access_token=await changes.token_of_owner(request, row),
                timestamp=datetime.now(UTC),
            )
        )
        await tracked(topics.DEPLOYMENT_COMMANDS, uuid)  # so that the next GET shows it
        return web.Response(status=204)


async def _known(request: web.Request, uuid: str, digest: str) -> web.Response | None:
    """The answer of an earlier POST with the same key. Raises ApiError 422 if that was another one."""
    target = owners.owner(uuid)
    try:
        if target is None:
            row = await found(request, uuid, Action.LOOK)
            idempotency.check(row, digest)
            return as_json(shown(row, request), 201, _location(request, uuid))
        asked = {idempotency.DIGEST: digest}
        answers = await owners.ask(target, f"/deployments/{uuid}", asked)
    except ApiError as exc:
        if exc.status == 404:
            return None
        raise
    rebased = listing.rebased(answers, f"{base_url(request)}/deployments")
    return as_json(rebased, 201, _location(request, uuid))


def _location(request: web.Request, uuid: str) -> dict[str, str]:
    return {"Location": f"{base_url(request)}/deployments/{uuid}"}


async def _validate(message: Template) -> None:
    try:
        key = OwnerKey.of(message)
        await pool.validate(message.template, message.template_inputs, key)
    except InvalidTemplateError as exc:
        raise ApiError(400, exc.message, faults=exc.faults) from exc
    except (ParserTimeoutError, ParserBusyError):
        return  # the agent decides: it has the same limits, and all the time it needs


@app.task
async def warm() -> None:
    """Start the worker processes before the first request comes."""
    await pool.warm()


@app.on_before_shutdown.connect(weak=False)
async def close(*_: Any, **__: Any) -> None:
    """Stop the worker processes."""
    await pool.close()
