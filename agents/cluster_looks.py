"""What a cluster itself says of an attempt's containers, whatever the IM calls them."""

from pathlib import Path

from agents import im_containers
from agents.im_place import Place
from agents.provider_configuration import federation
from paas_stream.app import app
from paas_stream.clients import clusters
from paas_stream.clients.cluster_access import Access
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_containers import Container, IncompleteError, workload
from paas_stream.errors import ConfigurationError, TemporaryError
from paas_stream.tosca import containers

_MOST = 20  # containers of which it is asked why they do not run


async def why_not_running(place: Place, im: ImClient) -> str | None:
    """What the cluster says of the containers that do not run; None: nothing that tells."""
    access = await _access(place)
    if access is None:
        return None
    told: dict[str, None] = {}
    try:
        for one in await im_containers.there(place, im, _MOST):
            made = workload(one)
            if made is not None and (one.state != "configured" or place.effect.job is not None):
                told[await clusters.why_not_running(access, made) or ""] = None
    except TemporaryError as exc:
        told[exc.message] = None
    return "; ".join(filter(None, told)) or None


async def is_rolling_out(place: Place, im: ImClient) -> bool:
    """Whether a change of containers is under way in the cluster, whatever the IM calls it.

    False where there is no token to ask with. Raises TemporaryError when the cluster cannot be asked.
    """
    access = await _access(place)
    if access is None:
        return False
    for one in await im_containers.there(place, im):
        made = workload(one)
        if made is not None and await clusters.is_rolling_out(access, made):
            return True
    return False


async def check(place: Place, im: ImClient) -> str | None:
    """That the cluster has all of what the IM was to make. Returns why that is not known, if so.

    Raises IncompleteError when something is missing.
    """
    access = await _access(place)
    if access is None:
        return "the cluster was not asked: there is no token for it"
    wanted = containers.made(place.document())
    lacking: list[str] = []
    try:
        for one in await im_containers.there(place, im):
            made = workload(one, wanted.get(one.node))
            if made is not None:
                lacking += await clusters.missing(access, made)
    except TemporaryError as exc:
        return f"whether all of it is there is not known: {exc.message}"
    if lacking:
        raise IncompleteError("; ".join(lacking))
    return None


async def left(place: Place, one: Container) -> tuple[str, ...] | None:
    """What the cluster still has of a container whose Deployment is gone; None: it is not, as far as
    that is known.

    Raises TemporaryError when the cluster cannot be asked.
    """
    access, made = await _access(place), workload(one)
    if access is None or made is None:
        return None
    return await clusters.left(access, made, im_containers.most_mounts(place))


async def _access(place: Place) -> Access | None:
    login = await place.login()
    if login is None or login.token is None:
        return None
    endpoint, timeout_s = place.candidate.target.endpoint, app.settings.im.call_timeout_s / 2
    return Access(endpoint, login.token, _authorities(place.candidate.provider_name), timeout_s)


def _authorities(provider: str) -> Path | None:
    """What the provider files name; None where the cluster is known from another feeder."""
    try:
        known = federation().kubernetes
    except ConfigurationError:
        return None
    return next((one.ca_path for one in known if one.name == provider), None)
