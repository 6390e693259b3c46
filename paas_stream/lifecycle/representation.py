"""A deployment as the contract shapes it, for answers of the REST API and for callbacks."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from paas_stream.errors import PaasError
from paas_stream.lifecycle.deployment import DeploymentRow


def moment(seconds: float) -> str:
    """`2025-01-31T10:20+0000`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M%z")


def deployment(row: DeploymentRow, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """The resource without its links. `outputs`: see there.

    Fields without value are left out, but for `userGroup`: clients expect it, null where there is none.
    """
    resource = {
        "uuid": row.uuid,
        "creationTime": moment(row.created or row.first_seen),
        "updateTime": moment(row.updated),
        "physicalId": row.physical_id,
        "status": row.status.value,
        "statusReason": row.status_reason,
        **outputs,
        "task": row.task.value,
        "callback": row.callback,
        "cloudProviderName": row.provider_name,
        "cloudProviderEndpoint": _endpoint(row),
        "createdBy": {"issuer": row.issuer, "subject": row.subject},
    }
    given = {name: value for name, value in resource.items() if value is not None}
    return given | {"userGroup": row.user_group}


def _endpoint(row: DeploymentRow) -> dict[str, Any] | None:
    """Where it runs.

    Clients look at `deploymentType` to know whether there are machines with a log, and want some
    `cpComputeServiceId`: it names the provider's service, as its endpoint does.
    """
    if row.provider_endpoint is None:
        return None
    kind = (row.provider_type or "").upper()
    endpoint = {
        "cpEndpoint": row.provider_endpoint,
        "cpComputeServiceId": row.provider_endpoint,
        "region": row.region_name,
        "deploymentType": kind,
        "iaasType": kind,
    }
    return {name: value for name, value in endpoint.items() if value is not None}


def outputs(sealed: str | None, open_outputs: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
    """The outputs; where their key is lost, the rest of the deployment can still be seen."""
    if sealed is None:
        return {"outputs": {}}
    try:
        return {"outputs": open_outputs(sealed)}
    except PaasError as exc:
        return without_outputs(exc.message)


def without_outputs(reason: str) -> dict[str, Any]:
    """In the place of outputs that cannot be shown."""
    return {"outputs": {}, "outputsUnavailable": reason}
