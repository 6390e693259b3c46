"""A deployment of one machine in each state, by the messages that bring it there."""

from typing import Any

from support import lifecycle as make
from support.lifecycle import T0, UUID, at

from paas_stream.lifecycle.deployment import Status
from paas_stream.records import DeploymentResult, Machine, Message, Node

PLACE = {
    "attempt": 1,
    "provider_name": "p1",
    "region_name": "default",
    "provider_type": "openstack",
    "provider_endpoint": "https://p1:5000/v3",
    "infrastructure_id": "inf-1",
}
NODES = (
    Node(
        name="node",
        types=("tosca.nodes.indigo.Compute", "tosca.nodes.Compute", "tosca.nodes.Root"),
        has_machines=True,
    ),
    Node(name="network", types=("tosca.nodes.network.Network", "tosca.nodes.Root")),
)


def result(kind: str, after_s: float, **fields: Any) -> DeploymentResult:
    """The message for `deployment-results`."""
    return DeploymentResult.model_validate(
        {"uuid": UUID, "timestamp": at(T0 + after_s), "kind": kind, **fields}
    )


def machine(state: str = "configured", info: str | None = None) -> DeploymentResult:
    """What the dispatcher has read of the one machine."""
    there = Machine(id="0", node="node", state=state, info=info)
    return result("resources", 25, machines=(there,), **PLACE)


def updated(success: bool) -> DeploymentResult:
    """The update has ended."""
    return result("final", 50, operation="update", revision=2, success=success, reason="why")


def deleted(success: bool = True) -> DeploymentResult:
    """The delete has ended."""
    asked = at(T0 + 60)
    return result("final", 70, operation="delete", success=success, started_at=asked, reason="why")


ASKED: tuple[Message, ...] = (
    make.template(),
    make.validated().model_copy(update={"nodes": NODES}),
    make.ranked(),
)
ACCEPTED = (*ASKED, result("accepted", 10, **PLACE), machine())
CREATED = (*ACCEPTED, result("final", 30, success=True, **PLACE))
UPDATING = (*CREATED, make.update(2, 1, T0 + 40, (), 3600.0).request_message)
DELETING = (*CREATED, make.command("delete", T0 + 60))

STATES: dict[Status, tuple[Message, ...]] = {
    Status.CREATE_IN_PROGRESS: ACCEPTED,
    Status.CREATE_COMPLETE: CREATED,
    Status.CREATE_FAILED: (*ACCEPTED, result("final", 30, success=False, reason="why")),
    Status.UPDATE_IN_PROGRESS: UPDATING,
    Status.UPDATE_COMPLETE: (*UPDATING, updated(True)),
    Status.UPDATE_FAILED: (*UPDATING, updated(False)),
    Status.DELETE_IN_PROGRESS: DELETING,
    Status.DELETE_COMPLETE: (*DELETING, deleted()),
    Status.DELETE_FAILED: (*DELETING, deleted(False)),
}
