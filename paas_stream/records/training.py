"""`training`: what became of each attempt at a provider, with what was known before it."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from paas_stream.records.base import LARGEST_WHOLE, Message, Moment, Number, Uuid
from paas_stream.records.candidates import RankedNumbers


class AttemptStatus(StrEnum):
    """How an attempt ended."""

    COMPLETE = "CREATE_COMPLETE"
    FAILED = "CREATE_FAILED"  # the provider has failed
    ABORTED = "CREATE_ABORTED"  # it ended for a reason that says nothing about the provider
    SUBMITTED = "SUBMISSION_EVENT"  # written by others: its end is not known


def _with_zone(value: object) -> object:
    """Other programs write `2025-01-31 10:20:30`; a time without zone is read as UTC."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


LONGEST_S: Final = 366 * 86400.0
"""What no attempt takes, in seconds. Times of attempts are added up in tables: a larger one, which only a
broken clock or program tells, would spoil the sums, in the end to what JSON cannot hold."""

MOST_FAILURES: Final = 1_000_000  # that one record tells of, for the same reason

Seconds = Annotated[float, Field(ge=0, le=LONGEST_S)]


class Training(Message, RankedNumbers):
    """`training` 1.1.0: one attempt; the provider's numbers as they stood at the request."""

    msg_version: str = "1.1.0"
    uuid: Uuid
    attempt: int = Field(default=1, ge=1, le=LARGEST_WHOLE)  # ours
    template_name: str = ""
    user_group: str | None = None
    status: AttemptStatus
    status_reason: str | None = None
    failure: str | None = None  # class of the failure; ours
    n_failures: int = Field(default=0, ge=0, le=MOST_FAILURES)  # how many attempts there failed
    tot_failure_time_s: Seconds = 0.0  # how long all that failed took
    completion_time_s: Seconds = 0.0  # how long the one that succeeded took
    submission_time: Annotated[Moment, BeforeValidator(_with_zone)]
    started_at: Moment | None = None  # of the attempt; ours
    ended_at: Moment | None = None  # of the attempt; ours
    fallback: Literal["model", "rates", "rule", "sla"] | None = None  # what made the order; ours
    model_version: str | None = None
    features_schema: str | None = None  # of `features`; ours
    propensity: Number | None = None  # as in the ranking; ours

    @property
    def key(self) -> str:
        """uuid/attempt."""
        return f"{self.uuid}/{self.attempt}"
