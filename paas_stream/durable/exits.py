"""Ends of the process by which no event in flight is acknowledged.

A crash inside Faust acknowledges and commits the event that an agent is working on, so the event is
lost. `os._exit` leaves it uncommitted: it comes again after the restart.
"""

import logging
import os
from enum import IntEnum
from typing import NoReturn

log = logging.getLogger(__name__)


class Exit(IntEnum):
    """Exit codes; the supervisor starts the worker again after each of them but REFUSED."""

    LOST_SEND = 70  # the broker refused a record, or did not confirm it in time
    LOST_ERROR = 71  # an error record could not be delivered
    CRASHED = 72  # Faust crashed, or stopped while an event was being handled
    INCONSISTENT = 73  # local tables are ahead of their changelogs: the next start replays them
    STOOD_STILL = 74  # for longer than its session: other workers have its partitions
    LOST_MEMBERSHIP = 75  # the broker is there, and the group does not answer this worker
    REFUSED = 78  # topics do not fit, or Kafka refuses us: a person must act


def end_process(code: Exit, reason: str) -> NoReturn:
    """End now, without any clean-up that could acknowledge an event."""
    log.critical("the worker ends with code %d (%s): %s", code, code.name, reason)
    logging.shutdown()
    os._exit(code)
