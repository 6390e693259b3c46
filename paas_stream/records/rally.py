"""`rally`: the result of one Rally task at one provider."""

import hashlib
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import Field, field_validator

from paas_stream.records.base import Message, Record, Seconds, Whole
from paas_stream.records.feeder import Name, UtcDatetime, row_key

_MAX_IDENTITY: Final = 40  # characters: a UUID, and a time with a short tag


class Scenario(Record):
    """One scenario of a task."""

    name: str
    passed: bool  # its SLA was kept
    duration_s: Seconds | None = None  # load and preparation together
    failed_iterations: Whole = 0
    iterations: Whole = 0


class Rally(Message):
    """`rally`: the result of one Rally task. 1.0.0 has no field below `test_result`; those are ours.

    Health is `test_result`: a task ends as `finished` when its scenarios fail, too.
    """

    msg_version: str = "1.1.0"
    timestamp: UtcDatetime = Field(default_factory=lambda: datetime.now(UTC))  # of the report
    status: str = "finished"  # of the task, as Rally names it
    tag: str | None = None
    provider: Name
    test_result: Literal["True", "False"]  # text, as the field writes it: the task's SLA was kept
    region_name: Name | None = None  # None: the report is about all regions
    task_uuid: str | None = Field(None, max_length=200)
    scenarios: tuple[Scenario, ...] = ()
    failing_scenario: str | None = None  # the first that failed
    duration_s: Seconds | None = None  # of the whole task

    @field_validator("test_result", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value).capitalize() if isinstance(value, bool | str) else value

    @field_validator("region_name", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @property
    def passed(self) -> bool:
        """Whether the task's SLA was kept."""
        return self.test_result == "True"

    @property
    def identity(self) -> str:
        """What tells this report from others of the same provider and region; short."""
        name = self.task_uuid or f"{self.timestamp.isoformat()} {self.tag or ''}"
        if len(name) <= _MAX_IDENTITY:
            return name
        return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:_MAX_IDENTITY]

    @property
    def key(self) -> str:
        """Row key: provider/region; the region is empty for all regions."""
        return row_key(self.provider, self.region_name or "")
