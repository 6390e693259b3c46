"""How much work is let in: what is refused costs nothing, and the client is told when to come again."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from paas_stream.app import app
from paas_stream.durable.lag import lags
from paas_stream.web_settings import WebSettings
from web.faults import unavailable

FIRST_BOX = "template-parser"
_LOOK_S = 1.0  # the backlog is counted this often
_BUSY_S = 1  # what requests at once take
_BACKLOG_S = 30  # what a backlog takes to be worked off in part


class Admission:
    """The POSTs of this worker that may be under way, and what may wait in the topics."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self.under_way = 0
        self._backlog = 0
        self._looked = 0.0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Around the work of one POST. Raises ApiError 503 with Retry-After."""
        if self.under_way >= self._settings.posts:
            raise unavailable("too many requests at once; repeat it in a moment", _BUSY_S)
        if self._waiting() >= self._settings.backlog:
            raise unavailable("too many deployments wait for their turn; repeat it", _BACKLOG_S)
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1

    def _waiting(self) -> int:
        """Templates that wait for this worker."""
        now = time.monotonic()
        if now >= self._looked + _LOOK_S:
            self._backlog, self._looked = lags(app).get(FIRST_BOX, 0), now
        return self._backlog


admission = Admission(app.settings.web)
