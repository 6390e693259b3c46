"""What is done with a deployment that exists: update, reset, and actions on its machines.

Each answers as soon as the event is safe; the next GET shows its consequence.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict

from paas_stream.access import NOBODY
from paas_stream.app import app
from paas_stream.errors import InvalidTemplateError, ParserBusyError, ParserTimeoutError
from paas_stream.lifecycle.deployment import CHANGEABLE, DeploymentRow, Status
from paas_stream.lifecycle.resources import Resource, Resources, ResourceState
from paas_stream.records import Command, Owner, Request, Template
from paas_stream.secrets import vault
from paas_stream.tosca import nodes
from paas_stream.tosca.limits import Limits
from paas_stream.tosca.owner_key import OwnerKey
from paas_stream.tosca.pool import ParserPool
from paas_stream.tosca.validated import Validated
from tables import deployments as tables
from tables import user_keys
from web import callers, requests
from web.faults import ApiError, unavailable

settings = app.settings
_taking: set[str] = set()  # deployments of which an update is being taken


class ResetRequest(BaseModel):
    """Body of PATCH /deployments/{uuid}."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["DELETE_FAILED"]


class ActionRequest(BaseModel):
    """Body of POST /deployments/{uuid}/resources/{rid}/actions."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["start", "stop", "reconfigure"]


class DeploymentActionRequest(BaseModel):
    """Body of POST /deployments/{uuid}/actions."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["reconfigure"]


async def token_of_owner(request: web.Request, row: DeploymentRow) -> str | None:
    """The caller's token, sealed, for what is done at the provider from now on.

    None unless the caller is the owner: an admin's login opens other clouds, or none.
    """
    caller, token = await callers.caller(request), requests.bearer_token(request)
    is_owner = (caller.issuer, caller.subject) == (row.issuer, row.subject)
    return vault().seal(token) if is_owner and token is not None else None


@contextmanager
def one_at_a_time(uuid: str) -> Iterator[None]:
    """Around the taking of an update. Raises ApiError 409: each is merged with the one before."""
    if uuid in _taking:
        raise ApiError(409, "another update of the deployment is being taken", retry_after_s=0)
    _taking.add(uuid)
    try:
        yield
    finally:
        _taking.discard(uuid)


async def update(request: web.Request, row: DeploymentRow, pool: ParserPool) -> Template:
    """The message for an update. Raises ApiError 400 for what is refused, 409 in another state."""
    body = await requests.deployment_request(request)
    if row.status not in CHANGEABLE and row.status is not Status.UPDATE_IN_PROGRESS:
        raise ApiError(409, f"Cannot update a deployment in {row.status} state")
    token = await token_of_owner(request, row)
    asked = user_keys.with_key(_message(row, body, token))
    validated = await _validated(pool, asked)
    known = tables.resources.get(row.uuid) or Resources(row.uuid)
    leaving = [_found(known, uuid) for uuid in validated.removals]
    existing = known.count()
    for one in leaving:
        existing[one.node] -= 1
    limits = Limits.of(settings.parser)
    text = await asyncio.to_thread(nodes.without_removals, body.template, limits)
    machines = tuple(one.machine for one in leaving if one.machine is not None)
    return asked.model_copy(update={"template": text, "removals": machines, "existing": existing})


def _message(row: DeploymentRow, body: requests.DeploymentRequest, token: str | None) -> Template:
    now, most = datetime.now(UTC), settings.tracker.timeout_min
    timeout = min(body.timeoutMins or most, most)
    return Template(
        uuid=row.uuid,
        timestamp=now,
        operation="update",
        revision=row.revision + 1,
        template=body.template,
        template_name=row.template_name,
        template_inputs=(row.parameters or {}) | body.parameters,
        callback=body.callback or row.callback,
        request=Request(
            owner=Owner(issuer=row.issuer, subject=row.subject),
            user_group=row.user_group,
            user_group_issuer=row.issuer if row.issuer != NOBODY.issuer else None,
            deadline=now + timedelta(minutes=timeout),
            per_provider_timeout=timeout,
            target_provider_name=row.provider_name,
            target_provider_type=row.provider_type,
            target_region_name=row.region_name,
            access_token=token,
        ),
    )


async def _validated(pool: ParserPool, asked: Template) -> Validated:
    try:
        return await pool.validate(asked.template, asked.template_inputs, OwnerKey.of(asked))
    except InvalidTemplateError as exc:
        raise ApiError(400, exc.message, faults=exc.faults) from exc
    except ParserTimeoutError as exc:
        raise ApiError(400, exc.message) from exc
    except ParserBusyError as exc:
        raise unavailable("too many templates wait to be validated; repeat the request") from exc


def _found(known: Resources, uuid: str) -> Resource:
    one = known.find(uuid)
    if one is None or one.leaving:
        raise ApiError(400, f"removal_list: the deployment has no resource {uuid}")
    if one.machine is None:
        raise ApiError(400, f"removal_list: the resource {uuid} has no machine that could go")
    return one


async def reset(request: web.Request, row: DeploymentRow) -> Command:
    """The message for the end of a delete that does not end. Raises ApiError 400, 409."""
    await requests.body_of(request, ResetRequest)
    if row.status is not Status.DELETE_IN_PROGRESS:
        raise ApiError(409, f"Cannot reset a deployment in {row.status} state")
    return Command(uuid=row.uuid, command="reset", timestamp=datetime.now(UTC))


async def action(request: web.Request, row: DeploymentRow, resource: Resource) -> Command:
    """The message for an action on one machine. Raises ApiError 400, 409."""
    wanted = (await requests.body_of(request, ActionRequest)).type
    _check_changeable(row, wanted)
    if not resource.is_compute or resource.machine is None:
        done = "configured" if wanted == "reconfigure" else "started and stopped"
        raise ApiError(400, f"{resource.node} is no machine that can be {done}")
    if not _is_open_to(resource, row.status, wanted):
        raise ApiError(409, f"Cannot {wanted} a resource in {resource.state(row.status)} state")
    return Command(
        uuid=row.uuid,
        command=wanted,
        machine=resource.machine,
        request_id=resource.uuid,
        access_token=await token_of_owner(request, row),
        timestamp=datetime.now(UTC),
    )


async def action_on_all(request: web.Request, row: DeploymentRow, known: Resources) -> Command:
    """The message for an action on all machines that run. Raises ApiError 400, 409."""
    wanted = (await requests.body_of(request, DeploymentActionRequest)).type
    _check_changeable(row, wanted)
    machines = [one for one in known.all if one.is_compute and one.machine is not None]
    if not machines:
        raise ApiError(400, "the deployment has no machine that can be configured")
    if not any(one.is_configurable(row.status) for one in machines):
        states = ", ".join(sorted({one.state(row.status).value for one in machines}))
        raise ApiError(409, f"Cannot {wanted} resources in {states} state")
    return Command(
        uuid=row.uuid,
        command=wanted,
        access_token=await token_of_owner(request, row),
        timestamp=datetime.now(UTC),
    )


def _check_changeable(row: DeploymentRow, wanted: str) -> None:
    if row.status not in CHANGEABLE:
        raise ApiError(409, f"Cannot {wanted} resources of a deployment in {row.status} state")


def _is_open_to(resource: Resource, status: Status, wanted: str) -> bool:
    if wanted == "reconfigure":
        return resource.is_configurable(status)
    needed = ResourceState.STOPPED if wanted == "start" else ResourceState.STARTED
    return resource.state(status) is needed
