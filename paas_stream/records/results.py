"""`deployment-results` and `deployment-commands`: what the dispatcher did, and what it is told to do."""

from enum import StrEnum
from typing import Literal

from paas_stream.records.base import Message, Moment, Record, Uuid, Whole


class Operation(StrEnum):
    """What the dispatcher works on."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    ACTION = "action"


class Machine(Record):
    """A machine or container of an infrastructure, as the IM shows it."""

    id: str  # in the infrastructure: "0", "1", ...
    node: str = ""  # node of the template; empty: not known yet
    state: str  # as the IM names it
    info: str | None = None  # JSON text of its description, without credentials


class DeploymentResult(Message):
    """`deployment-results`: what the dispatcher did; `final` once per operation."""

    uuid: Uuid
    kind: Literal["accepted", "attempt", "resources", "log", "final"]
    operation: Operation = Operation.CREATE
    success: bool | None = None  # of an attempt or an operation
    attempt: Whole | None = None  # from 1
    provider_name: str | None = None
    region_name: str | None = None
    provider_type: str | None = None  # dummy, openstack, kubernetes
    provider_endpoint: str | None = None
    infrastructure_id: str | None = None  # in the IM
    started_at: Moment | None = None
    ended_at: Moment | None = None
    failure: str | None = None  # class of the failure
    reason: str | None = None  # a sentence
    im_state: str | None = None  # the last that the IM told
    outputs: str | None = None  # JWE of a JSON object
    kept: bool = False  # a failed attempt that was left in place (keep_last_attempt)
    revision: Whole | None = None  # of an update: all up to this one have ended
    machine: str | None = None  # of an action: which one; null: all
    machines: tuple[Machine, ...] | None = None  # of `resources`: all that are there
    log: str | None = None  # JWE of the text of the contextualization log, its end
    request_id: str | None = None  # of the command that is answered


class Command(Message):
    """`deployment-commands`: something a user or the tracker wants done."""

    uuid: Uuid
    command: Literal[
        "delete",
        "cancel",
        "forget",
        "inspect",
        "reset",
        "start",
        "stop",
        "reconfigure",
        "log",
    ]
    force: bool = False  # delete: by force in the IM; cancel: not even a success stays
    reason: str | None = None  # a sentence
    machine: str | None = None  # start, stop, reconfigure: which one, in the IM; null: all
    request_id: str | None = None  # of the request that asked
    access_token: str | None = None  # JWE
