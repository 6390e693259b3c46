"""Reports the begin and end of a step of a deployment to `procedure-status`."""

import time
from datetime import UTC, datetime
from types import TracebackType

from paas_stream.app import app
from paas_stream.durable.agents import Received
from paas_stream.errors import PaasError
from paas_stream.records import ProcedureStatus


class Step:
    """`async with Step(received, component, step) as report:` around the work of one box.

    `report.message` is what the end says. An exception passes, told as `failed`.
    """

    def __init__(self, received: Received, component: str, step: str) -> None:
        # once per revision, however often the records before it were sent again
        revision = received.message.revision
        self._status = ProcedureStatus(
            uuid=received.message.uuid,
            component=component,
            step=step,
            status="begin",
            cause=f"{component}/{step}/{revision}",
        )
        self.message = ""

    async def __aenter__(self) -> "Step":
        self._begun = time.monotonic()
        await app.emit(self._status)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc is not None and not isinstance(exc, Exception):
            return
        message = self.message
        if exc is not None:
            message = exc.message if isinstance(exc, PaasError) else type(exc).__name__
        await app.emit(
            self._status.model_copy(
                update={
                    "timestamp": datetime.now(UTC),
                    "status": "end" if exc is None else "failed",
                    "message": message,
                    "duration_s": round(time.monotonic() - self._begun, 6),
                    "cause": f"{self._status.cause}/end",
                }
            )
        )
