"""All operations of the REST API, in the order in which they are shown."""

from typing import Final

from web.contract import (
    admin,
    deployments,
    providers,
    reports,
    resources,
    service,
    templates,
    user,
)
from web.contract.operation import Operation

OPERATIONS: Final[tuple[Operation, ...]] = (
    *deployments.OPERATIONS,
    *resources.OPERATIONS,
    *templates.OPERATIONS,
    *providers.OPERATIONS,
    *reports.OPERATIONS,
    *user.OPERATIONS,
    *admin.OPERATIONS,
    *service.OPERATIONS,
)
