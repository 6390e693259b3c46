"""Reports the begin and end of a step of a deployment to `procedure-status`."""

import time
from datetime import UTC, datetime
from types import TracebackType

from paas_stream.app import app
from paas_stream.durable.agents import Received
from paas_stream.errors import PaasError, PermanentError
from paas_stream.records import Message, ProcedureStatus

AT_ONCE = 16  # deployments that one box works on at the same time, on one worker


class Step:
    """`async with Step(received, component, name) as step:` around the work of one box.

    `step.message` is what the end says, `step.emit(...)` what the work led to. All of it is sent when
    the work is done, in one go with the end, and confirmed before the event is acknowledged. An
    exception passes, told as `failed`; then nothing else is sent.
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
        self._outcome: list[Message] = []

    async def __aenter__(self) -> "Step":
        self._begun = time.monotonic()
        self._begin = await app.send(self._status)
        return self

    def emit(self, *messages: Message) -> None:
        """Send these with the end of the step."""
        self._outcome.extend(messages)

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if exc is not None and not isinstance(exc, Exception):
            return
        sent = self._begin
        try:
            if exc is None:
                sent += await app.send(*self._outcome)
        except PermanentError as refused:
            await app.confirmed(sent + await app.send(self._end(refused)))
            raise
        await app.confirmed(sent + await app.send(self._end(exc)))

    def _end(self, exc: Exception | None) -> ProcedureStatus:
        message = self.message
        if exc is not None:
            message = exc.message if isinstance(exc, PaasError) else type(exc).__name__
        return self._status.model_copy(
            update={
                "timestamp": datetime.now(UTC),
                "status": "end" if exc is None else "failed",
                "message": message,
                "duration_s": round(time.monotonic() - self._begun, 6),
                "cause": f"{self._status.cause}/end",
            }
        )
