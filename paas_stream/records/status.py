"""`errors`, `procedure-status` and `component-status`: how the work goes."""

from typing import Literal

from paas_stream.records.base import Message, Record, Uuid


class Source(Record):
    """Where a record stands on the broker."""

    topic: str
    partition: int
    offset: int
    key: str | None = None


class ErrorRecord(Message):
    """`errors`: what went wrong in any box."""

    uuid: str | None = None
    component: str
    step: str
    code: str
    message: str
    retriable: bool = False
    source: Source | None = None
    payload_base64: str | None = None


class ProcedureStatus(Message):
    """`procedure-status`: the begin or end of one step of one deployment."""

    uuid: Uuid
    component: str
    step: str
    status: Literal["begin", "end", "failed"]
    message: str = ""
    duration_s: float | None = None
    attempt: int | None = None
    provider_name: str | None = None
    region_name: str | None = None


class ComponentStatus(Message):
    """`component-status`: heartbeat of one box on one worker."""

    component: str
    instance: str
    status: Literal["alive", "stopped"] = "alive"
