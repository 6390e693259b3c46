"""The provider files of this worker: read at its start, and again when one of them has changed.

All files or none: with a fault in any of them the last good configuration stays in force.
"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from paas_stream.app import app
from paas_stream.errors import ConfigurationError
from paas_stream.selection import provider_files
from paas_stream.selection.provider_files import Federation

log = logging.getLogger(__name__)

Stamps = tuple[tuple[int, int] | None, ...]  # size and time of change of each file; None: gone


class ProviderConfiguration:
    """The configuration in force, and the state of the files when they were looked at last."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = tuple(files)
        self._federation: Federation | None = None
        self._stamps: Stamps | None = None
        self.fault: ConfigurationError | None = None  # every fault of the files as they are now

    def federation(self) -> Federation:
        """What is in force. Raises ConfigurationError with every fault when nothing was ever good."""
        if self._federation is None:
            self.reload()
        if self._federation is None:
            known = self.fault or ConfigurationError("the provider files are being read")
            raise ConfigurationError(known.message, code=known.code)
        return self._federation

    def reload(self) -> bool:
        """Read the files if one has changed. Returns whether they were read. Blocks.

        Raises ConfigurationError with every fault, once for each change.
        """
        if self._stamps == self._now():
            return False
        self._read()
        return True

    def _now(self) -> Stamps:
        return tuple(_stamp(file) for file in self._files)

    def _read(self) -> None:
        self._stamps = self._now()  # before: what changes meanwhile is read again
        try:
            self._federation = provider_files.read(self._files)
        except ConfigurationError as exc:
            self.fault = exc
            raise
        self.fault = None

    async def refresh(self) -> None:
        """As `reload`, in a thread."""
        if await asyncio.to_thread(self.reload):
            log.info("the provider files were read")


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_size, stat.st_mtime_ns


configuration = ProviderConfiguration(app.settings.feeder.files)


def federation() -> Federation:
    """What the provider files say. Raises ConfigurationError with every fault."""
    return configuration.federation()


async def refresh() -> ConfigurationError | None:
    """Look whether the files have changed. Returns every fault of them as they are now."""
    try:
        await configuration.refresh()
    except ConfigurationError as exc:
        log.error("the provider files have faults, the last good ones stay in force:\n%s", exc)
    return configuration.fault
