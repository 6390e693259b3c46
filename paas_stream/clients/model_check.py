"""Looks at a model in a process of its own, before any worker opens it.

xgboost reads what it is given with native code, which broken bytes can end with a fault of memory: that
must be the end of this process and not of a worker. What has passed here is safe to open.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from paas_stream.ranking import models
from paas_stream.ranking.boosters import ModelError
from paas_stream.records import ModelPart

_COMMAND: Final = (sys.executable, "-m", "paas_stream.clients.model_check")
_REFUSED: Final = 3  # exit status: the sentence stands on standard output
CHECK_S: Final = 20.0  # most of it is the start of the process


async def check(parts: Mapping[str, ModelPart], timeout_s: float = CHECK_S) -> None:
    """Raises ModelError, with a sentence, for a model that cannot be used."""
    given = b"\n".join(one.encode() for one in parts.values())
    passed = {name: value for name, value in os.environ.items() if not name.startswith("PAAS_")}
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=passed,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout_s):
            said, _ = await process.communicate(given)
    except TimeoutError as exc:
        raise ModelError(f"it was not read within {timeout_s:g} s") from exc
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode == _REFUSED:
        raise ModelError(said.decode("utf-8", "replace"))
    if process.returncode:
        raise ModelError(f"reading it has ended a process with {process.returncode}")


def main() -> int:
    """The process: a model's records on standard input, one a line."""
    records = [ModelPart.decode(line) for line in sys.stdin.buffer.read().splitlines()]
    try:
        models.unpack({one.part: one for one in records})
    except ModelError as exc:
        sys.stdout.write(exc.message)
        return _REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
