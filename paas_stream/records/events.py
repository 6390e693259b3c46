"""`dispatch-events` and `tracker-events`: internal events of the dispatcher and the tracker."""

from typing import Literal

from paas_stream.records.base import Message, Seconds, Uuid, Whole
from paas_stream.records.results import Machine


class DispatchEvent(Message):
    """`dispatch-events` (internal): a tick, what became of an effect, or a cancel in its place."""

    uuid: Uuid
    event: Literal["tick", "effect", "cancel"]  # cancel: the command, after what ended before
    attempt: Whole = 0  # whose effect it was; from 1
    issue: Whole = 0  # which issue of the effect this answers
    effect: str = ""  # hold, create, poll, confirm, clean, recheck, inspect, change, read, log
    outcome: str = ""  # what became of the effect
    infrastructures: tuple[str, ...] = ()  # identifiers in the IM
    state: str | None = None  # as the IM names it
    machines: Whole = 0  # that the infrastructure has by now
    machine_list: tuple[Machine, ...] = ()  # what a read has found
    message: str | None = None
    force: bool = False  # cancel: even a success does not stay
    outputs: str | None = None  # JWE
    log: str | None = None  # JWE
    request_id: str | None = None  # of the command that asked for a log
    retry_after_s: Seconds | None = None


class TrackerEvent(Message):
    """`tracker-events` (internal): a tick, or what became of a callback."""

    uuid: Uuid
    event: Literal["tick", "callback"]
    number: Whole = 0  # of the callback, from 1
    issue: Whole = 0  # which issue of it this answers
    outcome: Literal["", "delivered", "fault", "refused"] = ""  # a fault is tried again
    message: str | None = None  # a sentence
    retry_after_s: Seconds | None = None
