"""Waiting for what a request has sent: a reference table of this worker shows it a little later."""

import asyncio
import time
from collections.abc import Callable

from paas_stream.app import app

_POLL_S = 0.02


async def applied(is_shown: Callable[[], bool]) -> bool:
    """Wait until the table of this worker is as it is to be. False: not within the time-out.

    The agent may run on another worker, and its row comes here by the table's changelog.
    """
    until = time.monotonic() + app.settings.web.read_timeout_s
    while not is_shown():
        if time.monotonic() >= until:
            return False
        await asyncio.sleep(_POLL_S)
    return True
