"""`/admin`: for operators."""

from paas_stream.access import Action
from web.contract.operation import Operation, Tag, empty

OPERATIONS = (
    Operation(
        "POST",
        "/admin/reconcile",
        "reconcile",
        Tag.ADMIN,
        "Compare the Infrastructure Manager with all deployments at rest, now",
        {202: empty("it has begun, or goes on already")},
        Action.ADMINISTER,
        about="What is there without being wanted is deleted; what differs is told in timelines and "
        "errors. The IM is spared: 20 deployments a second and worker.",
    ),
)
