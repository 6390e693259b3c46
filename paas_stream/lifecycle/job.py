"""A job: what is done with a deployment that exists, one after the other.

    CHANGING -> SETTLING -> READING
        the IM is asked     until it says that it is done     what is there now is read

An update is carried out by going from what is there to what is wanted, so that it can be done again
after a crash: machines that are to go are deleted by their ids, and the IM adds what a node lacks. As
the IM merges a new template into the one that it has, nodes that are gone are told to it as nodes
without machines.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from paas_stream.records import Node


class JobKind(StrEnum):
    """What is done."""

    UPDATE = "update"
    START = "start"  # a stopped machine
    STOP = "stop"  # a machine
    RECONFIGURE = "reconfigure"  # one machine or all: contextualization is done once more
    REFRESH = "refresh"  # only look what is there, until the IM has done with it


_DATA = "+"  # at the end of the identity of a container with volumes
QUEUE = 20  # jobs that may wait for one deployment
REMEMBERED = 50  # actions that are known when they come again
ROUNDS = (
    3  # how often an update is done again when what is there is not what is wanted; or a refresh
)
ENDED_STATES = {
    JobKind.UPDATE: frozenset({"configured"}),
    JobKind.START: frozenset({"configured", "running"}),
    JobKind.STOP: frozenset({"stopped", "off"}),
    JobKind.RECONFIGURE: frozenset({"configured"}),
    JobKind.REFRESH: frozenset({"configured", "unconfigured", "failed", "stopped", "off"}),
}

MOVING = frozenset({"pending", "running"})  # a machine in one of these will be in another one soon


@dataclass(frozen=True)
class MachineRef:
    """A machine of the infrastructure."""

    id: str  # in the IM
    node: str  # of the template; empty: not known


@dataclass(frozen=True)
class Job:
    """One job."""

    kind: JobKind
    asked: float  # seconds since the epoch
    deadline: float | None = None  # of an update, else it follows from when it begins
    started_at: float | None = None
    revision: int = 1  # of an update: the newest that it carries out
    candidate: int = 0  # of an update: place in its ranking, from 0
    digest: str = ""  # of an update's template
    wanted: Mapping[str, int] | None = None  # of an update: instances by node with machines
    nodes: tuple[tuple[str, str], ...] = ()  # of an update: these nodes with their identities
    gone: tuple[tuple[str, str], ...] = ()  # of an update: nodes that were there, with their types
    removals: tuple[str, ...] = ()  # of an update: machines that are to go
    machine: str | None = None  # of an action; None: of all machines
    request_id: str | None = None
    rounds: int = 0
    unheard: bool = False  # of an update: the IM was asked, and what it has done of it is not known

    @property
    def name(self) -> str:
        """What tells an action from all others of its deployment."""
        return f"{self.kind}/{self.machine or ''}@{self.asked:.6f}"


@dataclass(frozen=True)
class UpdateJoin:
    """An update of which a half is still to come: its template, or its ranking."""

    revision: int
    asked: float
    deadline: float | None = None
    digest: str = ""
    wanted: Mapping[str, int] | None = None  # None: its template has not come
    nodes: tuple[tuple[str, str], ...] = ()
    removals: tuple[str, ...] = ()
    candidate: int | None = None  # None: its ranking has not come; -1: its provider is not in that


def identity(node: Node) -> str:
    """What the instances of a node are: when that changes they are made anew.

    Its type, and of a container what cannot be changed in place.
    """
    if not node.fixed:
        return node.types[0]
    return f"{node.types[0]}#{node.fixed}{_DATA if node.has_volumes else ''}"


def type_of(identity_: str) -> str:
    """The type in an identity."""
    return identity_.partition("#")[0]


def is_other(before: str, after: str) -> bool:
    """Whether instances that are `before` have to be made anew to become `after`."""
    if "#" in before and "#" in after:
        return before.removesuffix(_DATA) != after.removesuffix(_DATA)
    return type_of(before) != type_of(after)


def loses_data(before: str, after: str) -> bool:
    """Whether a container of the same type would lose its volumes by that."""
    return type_of(before) == type_of(after) and before.endswith(_DATA) and is_other(before, after)


def surplus(
    machines: Iterable[MachineRef],
    wanted: Mapping[str, int],
    removals: Iterable[str],
    changed: Iterable[str] = (),
) -> tuple[str, ...]:
    """The machines that have to go: those named, those of nodes that are gone or have another type,
    and the newest where there are too many. Machines of unknown nodes stay.
    """
    there = sorted(machines, key=lambda one: (len(one.id), one.id))
    named, replaced = set(removals), set(changed)
    gone = {
        one.id
        for one in there
        if one.id in named or (one.node and (one.node not in wanted or one.node in replaced))
    }
    for node, count in wanted.items():
        left = [one for one in there if one.node == node and one.id not in gone]
        gone.update(one.id for one in left[count:])
    return tuple(one.id for one in there if one.id in gone)


def lacking(machines: Iterable[MachineRef], wanted: Mapping[str, int]) -> int:
    """How many machines are missing."""
    there = [one.node for one in machines]
    unknown = there.count("")
    missing = sum(max(0, count - there.count(node)) for node, count in wanted.items())
    return max(0, missing - unknown)
