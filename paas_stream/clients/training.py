"""Runs `paas-stream train` as a program of its own: training must not hold up the event loop."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from paas_stream.errors import TemporaryError

COMMAND: Final = (sys.executable, "-m", "paas_stream.cli.main", "train", "--if-due")
LOGGED: Final = (*COMMAND, "--mlflow")
NOTHING_DUE: Final = 3  # its exit status when there is nothing to be trained, which is no fault
NOT_LOGGED: Final = 4  # its exit status when the model is made, and MLflow has not taken the run
_SAID_MOST: Final = 1000  # characters of its last words that are passed on
_NICE: Final = 10  # deployments go first


class TrainingRunError(TemporaryError):
    """The training has failed; the live model stays."""

    code = "training_run"


class RunNotLoggedError(TemporaryError):
    """The model is made, and what `train` says of it is in its log; MLflow has not taken the run."""

    code = "mlflow"

    def __init__(self, message: str, said: str) -> None:
        super().__init__(message)
        self.said = said  # all of its last words


@dataclass(frozen=True)
class Said:
    """Its last words, and whether a model was made."""

    text: str
    is_trained: bool


@dataclass(frozen=True)
class TrainingProgram:
    """The program and its bound in seconds."""

    timeout_s: float
    command: Sequence[str] = COMMAND

    async def run(self) -> Said:
        """Train if it is due. Raises TrainingRunError, and RunNotLoggedError once the model is made.

        The program and whatever it has started do not outlive this call.
        """
        with tempfile.TemporaryDirectory(prefix="paas-stream-training-") as folder:
            file = Path(folder) / "said.txt"
            try:
                async with asyncio.timeout(self.timeout_s):
                    code = await self._ended(file)
            except TimeoutError as exc:
                raise TrainingRunError(f"it was not done within {self.timeout_s:g} s") from exc
            said = file.read_bytes()[-_SAID_MOST:].decode("utf-8", "replace").strip()
        if code == NOT_LOGGED:
            # the last line alone: the others differ from model to model, and the fault is the same
            raise RunNotLoggedError(said.rpartition("\n")[2], said)
        if code not in (0, NOTHING_DUE):
            raise TrainingRunError(f"it ended with {code}: {said}")
        return Said(said, code == 0)

    async def _ended(self, file: Path) -> int:
        with file.open("wb") as said:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=said,
                    stderr=said,
                    start_new_session=True,
                )
            except OSError as exc:
                raise TrainingRunError(f"it cannot be started: {exc.strerror}") from exc
        try:
            with suppress(OSError):
                os.setpriority(os.PRIO_PGRP, process.pid, _NICE)
            return await process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
