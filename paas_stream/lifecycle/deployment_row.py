"""The row of the `deployments` table: the facts of one deployment, and the status they amount to."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from paas_stream.lifecycle.callback_row import Callbacks


class Status(StrEnum):
    """The states of the REST API."""

    CREATE_IN_PROGRESS = "CREATE_IN_PROGRESS"
    CREATE_COMPLETE = "CREATE_COMPLETE"
    CREATE_FAILED = "CREATE_FAILED"
    UPDATE_IN_PROGRESS = "UPDATE_IN_PROGRESS"
    UPDATE_COMPLETE = "UPDATE_COMPLETE"
    UPDATE_FAILED = "UPDATE_FAILED"
    DELETE_IN_PROGRESS = "DELETE_IN_PROGRESS"
    DELETE_COMPLETE = "DELETE_COMPLETE"
    DELETE_FAILED = "DELETE_FAILED"


CHANGEABLE = frozenset({Status.CREATE_COMPLETE, Status.UPDATE_COMPLETE, Status.UPDATE_FAILED})
"""In these a deployment can be updated, and its machines started, stopped and configured again."""


class Task(StrEnum):
    """Which part of the pipeline works on a deployment."""

    NONE = "NONE"
    BROKERING = "BROKERING"  # parser, selector, ranker
    DEPLOYER = "DEPLOYER"  # dispatcher


@dataclass(frozen=True)
class Ending:
    """How an operation ended."""

    success: bool
    moment: float  # seconds since the epoch
    reason: str | None = None
    asked: float | None = None  # of a delete: the timestamp of the newest command that it answers


@dataclass(frozen=True)
class DeploymentRow:
    """One deployment. It ends with `forget`, after the retention of a deleted one."""

    uuid: str
    first_seen: float
    updated: float
    created: float | None = None  # None: its `template` message has not come yet
    issuer: str = ""
    subject: str = ""
    user_group: str | None = None
    template_name: str = ""
    parameters: dict[str, Any] | None = None
    callback: str | None = None
    body_digest: str | None = None  # of the create, as its `template` message has it
    deadline: float | None = None
    validated: bool = False
    ranked: bool = False
    attempt: int = 0  # the newest attempt that was told of
    failed_attempt: int = 0  # the newest attempt that has failed
    failure: str | None = None  # where and why it has, in a sentence
    physical_id: str | None = None
    provider_name: str | None = None
    region_name: str | None = None
    provider_type: str | None = None
    provider_endpoint: str | None = None
    outputs: str | None = None  # JWE of a JSON object
    create_end: Ending | None = None
    cancelled_at: float | None = None  # when the overall time-out was acted upon
    delete_since: float | None = None  # timestamp of the newest `delete`
    delete_late_at: float | None = None  # when its time-out was found to have passed
    delete_end: Ending | None = None
    revision: int = 1  # of the newest update that was asked for; 1: of the create
    update_since: float | None = None  # when that was
    update_deadline: float | None = None
    update_end: Ending | None = None  # of the newest update that has ended
    ended_revision: int = 1  # which one that is
    callbacks: Callbacks = field(default_factory=Callbacks)  # see lifecycle.callbacks

    @property
    def status(self) -> Status:
        """The state that the facts amount to."""
        if self.delete_since is not None:
            if self.delete_end is None or not self._answered(self.delete_end):
                return Status.DELETE_IN_PROGRESS
            done = self.delete_end.success
            return Status.DELETE_COMPLETE if done else Status.DELETE_FAILED
        if self.create_end is None:
            return Status.CREATE_IN_PROGRESS
        if not self.create_end.success:
            return Status.CREATE_FAILED
        if self.revision > self.ended_revision:
            return Status.UPDATE_IN_PROGRESS
        if self.update_end is not None:
            return Status.UPDATE_COMPLETE if self.update_end.success else Status.UPDATE_FAILED
        return Status.CREATE_COMPLETE

    def _answered(self, ending: Ending) -> bool:
        return ending.success or (ending.asked or 0.0) >= (self.delete_since or 0.0)

    @property
    def status_reason(self) -> str | None:
        """Why the state is what it is, where there is something to say."""
        if self.status in (Status.DELETE_IN_PROGRESS, Status.UPDATE_IN_PROGRESS):
            return None
        if self.delete_end is not None:
            return self.delete_end.reason
        if self.update_end is not None:
            return self.update_end.reason
        return self.create_end.reason if self.create_end is not None else self.failure

    @property
    def task(self) -> Task:
        """Who works on it."""
        if not self.status.endswith("IN_PROGRESS"):
            return Task.NONE
        deploying = self.delete_since is not None or self.ranked or self.revision > 1
        return Task.DEPLOYER if deploying else Task.BROKERING
