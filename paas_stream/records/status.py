"""`errors`, `procedure-status` and `component-status`: how the work goes."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from paas_stream.records.base import LONGEST_S, Message, Moment, Record, Seconds, Uuid, Whole
from paas_stream.records.candidates import Discarded

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Source(Record):
    """Where a record stands on the broker."""

    topic: str
    partition: Whole
    offset: Whole
    key: str | None = None


REPLAYED = "replayed"  # code of the note that the record of an error was sent again


class ErrorRecord(Message):
    """`errors`: what went wrong in any box."""

    uuid: str | None = None  # the deployment, if it is about one
    component: str  # box that failed
    step: str
    code: str  # of the kind of error
    message: str  # a sentence
    retriable: bool = False  # the same may succeed later: the deployment's state stays
    revision: Whole = 1  # of the template that was being handled
    source: Source | None = None  # record that was being handled
    payload_base64: str | None = None  # its value, where it could not be read
    discarded: tuple[Discarded, ...] | None = None  # when no provider can host the template: why


class ProcedureStatus(Message):
    """`procedure-status`: the begin or end of one step of one deployment."""

    uuid: Uuid
    component: str  # box that does the step
    step: str
    status: Literal["begin", "end", "failed"]
    message: str = ""  # a sentence
    duration_s: Seconds | None = None
    attempt: Whole | None = None
    provider_name: str | None = None
    region_name: str | None = None


class ComponentStatus(Message):
    """`component-status`: heartbeat of one box on one worker."""

    component: Name  # box: an agent, a timer or the REST API
    instance: Name  # the worker
    status: Literal["alive", "stopped"] = "alive"  # stopped: its worker was asked to stop
    version: str = ""
    started_at: Moment | None = None  # of the worker's process
    interval_s: float = Field(10.0, gt=0, le=LONGEST_S)  # the next heartbeat comes after this
    events: Whole = 0  # handled since the start, those that failed included
    errors: Whole = 0  # events that failed
    last_event_at: Moment | None = None  # when it ended the last one
    doing: str | None = None  # what it has been at for longest; None: nothing
    doing_since: Moment | None = None  # when it began with that
    lag: Whole | None = None  # records that wait for it on this worker; None: not known, no agent

    @property
    def key(self) -> str:
        """Key of the record and of the table's row."""
        return f"{self.component}/{self.instance}"
