"""What the IM does with containers besides creating them, and what the cluster itself says of them."""

import time
from collections.abc import Mapping
from pathlib import Path

from agents.im_place import Place
from agents.provider_configuration import federation
from paas_stream.app import app
from paas_stream.clients import clusters, im_containers
from paas_stream.clients.clusters import Access, Workload
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_containers import Container, IncompleteError
from paas_stream.errors import ConfigurationError, TemporaryError
from paas_stream.tosca import containers
from paas_stream.tosca.containers import Made

_SLOW_S = 5.0  # pending for longer
_MOST = 20  # containers of which it is asked why they do not run


def has_containers(place: Place) -> bool:
    """Whether the provider makes containers, and no machines."""
    return place.candidate.target.type == "kubernetes"


def is_to_be_explained(place: Place, state: str, machines: int) -> bool:
    """Whether the cluster is asked why an attempt's containers do not run.

    A start that goes well takes seconds, and nobody is asked about it.
    """
    if not has_containers(place) or not machines:
        return False
    slow = state == "pending" and time.time() - place.effect.since >= _SLOW_S
    return state == "failed" or slow


async def why_not_running(place: Place, im: ImClient) -> str | None:
    """What the cluster says of the containers that do not run; None: nothing that tells."""
    access = await _access(place)
    if access is None:
        return None
    told: dict[str, None] = {}
    try:
        for one in await _there(place, im, _MOST):
            workload = _workload(one)
            if one.state != "configured" and workload is not None:
                told[await clusters.why_not_running(access, workload) or ""] = None
    except TemporaryError as exc:
        told[exc.message] = None
    return "; ".join(filter(None, told)) or None


async def check(place: Place, im: ImClient) -> str | None:
    """That the cluster has all of what the IM was to make. Returns why that is not known, if so.

    Raises IncompleteError when something is missing.
    """
    access = await _access(place)
    if access is None:
        return "the cluster was not asked: there is no token for it"
    made = containers.made(place.document())
    lacking: list[str] = []
    try:
        for one in await _there(place, im):
            if (workload := _workload(one, made)) is not None:
                lacking += await clusters.missing(access, workload)
    except TemporaryError as exc:
        return f"whether all of it is there is not known: {exc.message}"
    if lacking:
        raise IncompleteError("; ".join(lacking))
    return None


async def alter(place: Place, im: ImClient, authorization: str, infrastructure: str) -> None:
    """Give the containers that are there the image, CPUs and memory that the template wants."""
    made = containers.made(place.document())
    for one in await _there(place, im):
        if one.node in made and (change := im_containers.change(one, made[one.node])) is not None:
            await im.alter(authorization, infrastructure, one.machine, change)


async def _there(place: Place, im: ImClient, most: int | None = None) -> list[Container]:
    """The containers that the IM has of the attempt, the first `most` of them."""
    authorization, infrastructure = await place.authorization(), place.effect.infrastructures[0]
    found = []
    for machine in (await im.machines(authorization, infrastructure))[:most]:
        described = await im.machine(authorization, infrastructure, machine)
        found.append(im_containers.of(machine, described, place.nodes()))
    return found


def _workload(one: Container, made: Mapping[str, Made] | None = None) -> Workload | None:
    """The Deployment of a container; None: the cluster has none of it."""
    if one.namespace is None or one.name is None:
        return None
    wanted = (made or {}).get(one.node)
    if wanted is None:
        return Workload(one.namespace, one.name)
    return Workload(
        one.namespace,
        one.name,
        claims=wanted.volumes,
        files=wanted.files,
        has_service=wanted.has_ports,
        has_ingress=wanted.has_name,
    )


async def _access(place: Place) -> Access | None:
    login = await place.login()
    if login is None or login.token is None:
        return None
    endpoint, timeout_s = place.candidate.target.endpoint, app.settings.im.call_timeout_s / 2
    return Access(endpoint, login.token, _authorities(place.candidate.provider_name), timeout_s)


def _authorities(provider: str) -> Path | None:
    """What the provider files name; None where the cluster is known from another feeder."""
    try:
        clusters_ = federation().kubernetes
    except ConfigurationError:
        return None
    return next((one.ca_path for one in clusters_ if one.name == provider), None)
