"""The resources of a deployment: the instances of its template's nodes, as the API shows them.

An instance keeps its uuid for as long as it exists, whatever becomes of the machine that it is bound
to. The row is what the events said; the state that is shown follows from it and from the deployment's
status.
"""

import uuid as uuids
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from paas_stream.lifecycle.deployment import CHANGEABLE, Status
from paas_stream.records import (
    Command,
    DeploymentResult,
    Machine,
    Message,
    Node,
    Operation,
    ValidatedTemplate,
)

_NAMESPACE = uuids.UUID("a1f0a0f4-41b7-4a35-8a9a-6f7f0f1f3c52")
COMPUTE = "tosca.nodes.Compute"
MOST = 2000  # resources that are shown of one deployment
_LOOKS = 20  # more than come again after a crash


class ResourceState(StrEnum):
    """The states of the REST API."""

    INITIAL = "INITIAL"
    CREATING = "CREATING"
    CREATED = "CREATED"
    CONFIGURING = "CONFIGURING"
    CONFIGURED = "CONFIGURED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    DELETING = "DELETING"
    DELETED = "DELETED"
    ERROR = "ERROR"


_OF_MACHINE = {
    "pending": ResourceState.CREATING,
    "running": ResourceState.CONFIGURING,
    "configured": ResourceState.STARTED,
    "unconfigured": ResourceState.ERROR,
    "failed": ResourceState.ERROR,
    "stopped": ResourceState.STOPPED,
    "off": ResourceState.STOPPED,
    "deleting": ResourceState.DELETING,
}
_OF_STATUS = {
    Status.CREATE_IN_PROGRESS: ResourceState.CREATING,
    Status.CREATE_FAILED: ResourceState.ERROR,
    Status.UPDATE_IN_PROGRESS: ResourceState.CREATING,
    Status.DELETE_IN_PROGRESS: ResourceState.DELETING,
    Status.DELETE_COMPLETE: ResourceState.DELETED,
    Status.DELETE_FAILED: ResourceState.ERROR,
}
_OF_ACTION = {
    "start": ResourceState.STARTING,
    "stop": ResourceState.STOPPING,
    "reconfigure": ResourceState.CONFIGURING,
}
_CONFIGURABLE = frozenset({ResourceState.STARTED, ResourceState.CONFIGURING, ResourceState.ERROR})
"""In these a machine runs, as far as is known: it may have to be configured because that has failed."""


@dataclass(frozen=True)
class Resource:
    """One instance of a node; moments are seconds since the epoch."""

    uuid: str
    node: str
    types: tuple[str, ...]  # its node's, the own one first
    created: float
    updated: float
    has_machine: bool  # the IM makes a machine or container of it
    machine: str | None = None  # its id in the IM; None: not made, or not seen yet
    machine_state: str | None = None  # as the IM names it
    info: str | None = None  # JSON text
    action: str | None = None  # start, stop, reconfigure: asked for, and not ended
    asked: float = 0.0  # when that was; after its end, when the newest one began
    leaving: bool = False  # an update that is under way takes it away
    fixed: str = ""  # of its node

    def is_of(self, name: str) -> bool:
        """Whether its type is, or derives from, the type `name`."""
        return name in self.types

    @property
    def is_compute(self) -> bool:
        """A machine, and not a container."""
        return self.is_of(COMPUTE)

    def is_configurable(self, status: Status) -> bool:
        """Whether its contextualization can be done once more: it runs, and nothing is done with it."""
        is_there = self.is_compute and self.machine is not None and self.action is None
        return is_there and self.state(status) in _CONFIGURABLE

    def state(self, status: Status) -> ResourceState:
        """What is shown in a deployment of this status."""
        if status not in CHANGEABLE and status is not Status.UPDATE_IN_PROGRESS:
            return _OF_STATUS.get(status, ResourceState.STARTED)
        if self.leaving:
            return ResourceState.DELETING
        if self.action is not None:
            return _OF_ACTION[self.action]
        if self.machine_state is not None:
            return _OF_MACHINE.get(self.machine_state, ResourceState.ERROR)
        if status is Status.UPDATE_IN_PROGRESS and self.has_machine:
            return ResourceState.CREATING
        return ResourceState.STARTED


@dataclass(frozen=True)
class Resources:
    """All of one deployment."""

    uuid: str
    all: tuple[Resource, ...] = ()
    made: int = 0  # how many there ever were: part of a new one's uuid
    revision: int = 0  # of the template that they follow from
    asked: float = 0.0  # as in a resource, of what was asked of all together
    looks: tuple[str, ...] = ()  # causes of the last looks at the machines, which may be told again

    def find(self, uuid: str) -> Resource | None:
        """One by its uuid."""
        return next((one for one in self.all if one.uuid == uuid), None)

    def count(self) -> dict[str, int]:
        """Instances by node."""
        found: dict[str, int] = {}
        for one in self.all:
            found[one.node] = found.get(one.node, 0) + 1
        return found


def step(row: Resources, event: Message) -> Resources:
    """The resources after an event; the same ones when it says nothing of them."""
    moment = event.timestamp.timestamp()
    match event:
        case ValidatedTemplate() if event.revision > row.revision:
            return _wanted(row, event, moment)
        case DeploymentResult(kind="resources") if event.machines is not None:
            if event.cause in row.looks:
                return row  # it would take away what was made since
            return _seen(_looked(row, event.cause), event.machines, moment)
        case DeploymentResult(kind="final", operation=Operation.UPDATE):
            return _update_ended(row, bool(event.success), event.revision or 0)
        case DeploymentResult(kind="final", operation=Operation.ACTION):
            return _acted(row, event)
        case Command(command="start" | "stop" | "reconfigure"):
            return _asked(row, event, moment)
    return row


def _asked(row: Resources, event: Command, moment: float) -> Resources:
    """Something is asked of one machine, or of all that run. It may come again, or after its end."""
    if event.machine is not None:
        found = [one for one in row.all if one.machine == event.machine and one.asked < moment]
    elif row.asked < moment:
        row = replace(row, asked=moment)
        found = [one for one in row.all if one.is_configurable(Status.CREATE_COMPLETE)]
    else:
        return row
    return _each(row, found, action=event.command, asked=moment, updated=moment)


def _acted(row: Resources, event: DeploymentResult) -> Resources:
    """What was asked of one machine has ended, or of all that something was asked of together."""
    begun = (event.started_at or event.timestamp).timestamp()
    if event.machine is not None:
        found = [one for one in row.all if one.machine == event.machine]
    else:
        row = replace(row, asked=max(row.asked, begun))
        found = [one for one in row.all if one.action == "reconfigure"]
    return _each(row, [one for one in found if one.asked <= begun], action=None, asked=begun)


def _each(row: Resources, found: Iterable[Resource], **changes: Any) -> Resources:
    changing = {one.uuid for one in found}
    changed = tuple(replace(one, **changes) if one.uuid in changing else one for one in row.all)
    return row if changed == row.all else replace(row, all=changed)


def _wanted(row: Resources, event: ValidatedTemplate, moment: float) -> Resources:
    kept: list[Resource] = []
    for one in row.all:
        gone = one.machine is not None and one.machine in event.removals
        kept.append(replace(one, leaving=True) if gone else one)
    nodes = {node.name: node for node in event.nodes}
    kept = [_retyped(one, nodes.get(one.node)) for one in kept]
    made = row.made
    for node in event.nodes:
        there = [one for one in kept if one.node == node.name and not one.leaving]
        for _ in range(len(there), node.count):
            if len(kept) >= MOST:
                break
            made += 1
            kept.append(_new(row.uuid, made, node, moment))
        kept = _too_many(kept, there[node.count :])
    return replace(row, all=tuple(kept), made=made, revision=event.revision)


def _retyped(one: Resource, node: Node | None) -> Resource:
    """One whose node is gone, or that has to be made anew, leaves."""
    if node is None or node.types[:1] != one.types[:1]:
        return replace(one, leaving=True)
    if one.fixed and one.fixed != node.fixed:
        return replace(one, leaving=True)
    return replace(one, fixed=node.fixed)


def _too_many(kept: list[Resource], surplus: Iterable[Resource]) -> list[Resource]:
    uuids_ = {one.uuid for one in surplus}
    return [replace(one, leaving=True) if one.uuid in uuids_ else one for one in kept]


def _new(deployment: str, number: int, node: Node, moment: float) -> Resource:
    return Resource(
        uuid=str(uuids.uuid5(_NAMESPACE, f"{deployment}/{number}")),
        node=node.name,
        types=node.types,
        created=moment,
        updated=moment,
        has_machine=node.has_machines,
        fixed=node.fixed,
    )


def _looked(row: Resources, cause: str | None) -> Resources:
    return row if cause is None else replace(row, looks=(*row.looks, cause)[-_LOOKS:])


def _seen(row: Resources, machines: tuple[Machine, ...], moment: float) -> Resources:
    """Each machine belongs to the resource that has it already, or else to one without."""
    there = {one.id: one for one in machines}
    free = [one for one in machines if one.id not in {each.machine for each in row.all}]
    found: list[Resource] = []
    for one in row.all:
        machine = there.get(one.machine or "")
        if machine is None and one.has_machine and not one.leaving:
            machine = next((each for each in free if each.node == one.node), None)
            free = [each for each in free if each is not machine]
        if one.machine is not None and machine is None:
            continue  # it is gone, and none has come in its place
        found.append(one if machine is None else _bound(one, machine, moment))
    return row if tuple(found) == row.all else replace(row, all=tuple(found))


def _bound(one: Resource, machine: Machine, moment: float) -> Resource:
    """What could not be read of it stays as it was."""
    info = machine.info if machine.info is not None else one.info
    state = one.machine_state if machine.state == "unknown" else machine.state
    bound = replace(one, machine=machine.id, machine_state=state, info=info)
    return one if bound == one else replace(bound, updated=moment)


def _update_ended(row: Resources, success: bool, revision: int) -> Resources:
    """What was to go is gone; after a failure it stays, and what was never made goes."""
    if revision < row.revision:
        return row
    if success:
        left = tuple(one for one in row.all if not one.leaving)
    else:
        left = tuple(
            replace(one, leaving=False)
            for one in row.all
            if not one.has_machine or one.machine is not None
        )
    return row if left == row.all else replace(row, all=left)
