"""The id of the request that is being answered: in every answer, and in every line of the log.

A caller may choose it, so that its log and ours can be laid side by side. It goes along when a request
is forwarded to another worker.
"""

import logging
import re
import uuid
from contextvars import ContextVar
from typing import Final

HEADER: Final = "X-Request-Id"
_FORM = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._:=+/@-]{0,127}"
)  # nothing that a log could stumble over

current: ContextVar[str | None] = ContextVar("request_id", default=None)


def taken(given: str | None) -> str:
    """The caller's id when it is well-formed, else a new one."""
    return given if given is not None and _FORM.fullmatch(given) else str(uuid.uuid4())


class RequestIdFilter(logging.Filter):
    """Puts the id of the request in front of what is logged about it; lets everything pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Called by a handler; several handlers see the same record."""
        found = current.get()
        if found is not None and not hasattr(record, "request_id"):
            record.request_id = found
            record.msg = f"[{found}] {record.msg}"  # an id holds no %
        return True


def mark_handlers(logger: logging.Logger) -> None:
    """Let every handler of a logger name the request."""
    for handler in logger.handlers:
        if not any(isinstance(one, RequestIdFilter) for one in handler.filters):
            handler.addFilter(RequestIdFilter())
