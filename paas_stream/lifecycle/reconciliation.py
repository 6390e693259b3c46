"""What the IM has against what the deployments say: orphans, and infrastructures that have vanished."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How the two differ."""

    ORPHAN = "orphan"  # the IM has it for us, and no live deployment is to have it
    VANISHED = "vanished"  # a deployment is to have it, and the IM has it no more


@dataclass(frozen=True)
class Known:
    """A deployment, as the tables have it."""

    uuid: str
    status: str  # of the REST API
    infrastructure: str | None  # in the IM

    @property
    def is_changing(self) -> bool:
        """What it is to have is not settled yet."""
        return self.status.endswith("IN_PROGRESS")

    def owns(self, infrastructure: str) -> bool:
        """Whether it is to have this one."""
        return infrastructure == self.infrastructure and self.status != "DELETE_COMPLETE"


@dataclass(frozen=True)
class Found:
    """An infrastructure of ours in the IM, by the tags that it carries."""

    infrastructure: str
    uuid: str
    attempt: int


@dataclass(frozen=True)
class Difference:
    """One finding."""

    kind: Kind
    infrastructure: str
    uuid: str
    status: str | None  # of the deployment; None: the tables do not have it
    attempt: int | None = None  # None: the attempt is not known, the infrastructure has vanished


def differences(known: Iterable[Known], found: Iterable[Found]) -> Iterator[Difference]:
    """What differs. Deployments in progress are left out: they settle that themselves.

    `found` is asked first and `known` after it, so that a deployment that begins in between is not
    taken for an orphan.
    """
    deployments = {one.uuid: one for one in known}
    there = set()
    for one in found:
        there.add(one.infrastructure)
        owner = deployments.get(one.uuid)
        if owner is not None and (owner.is_changing or owner.owns(one.infrastructure)):
            continue
        status = owner.status if owner else None
        yield Difference(Kind.ORPHAN, one.infrastructure, one.uuid, status, one.attempt)
    for owner in deployments.values():
        infrastructure = owner.infrastructure
        if infrastructure and owner.status == "CREATE_COMPLETE" and infrastructure not in there:
            yield Difference(Kind.VANISHED, infrastructure, owner.uuid, owner.status)
