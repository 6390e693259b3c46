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
    """The resource without its links; fields without value are left out. `outputs`: see there."""
    endpoint = None
    if row.provider_endpoint is not None:
        endpoint = {
            "cpEndpoint": row.provider_endpoint,
            "region": row.region_name,
            "deploymentType": "TOSCA",
            "iaasType": (row.provider_type or "").upper(),
        }
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
        "userGroup": row.user_group,
        "cloudProviderName": row.provider_name,
        "cloudProviderEndpoint": endpoint,
        "createdBy": {"issuer": row.issuer, "subject": row.subject},
    }
    return {name: value for name, value in resource.items() if value is not None}


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
