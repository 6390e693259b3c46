"""All operations of the REST API, in the order in which they are shown."""

from typing import Final

from web.contract import deployments, providers, resources, service, templates
from web.contract.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *deployments.OPERATIONS,
    *resources.OPERATIONS,
    *templates.OPERATIONS,
    *providers.OPERATIONS,
    *service.OPERATIONS,
)
