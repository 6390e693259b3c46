"""Local tables outlive a restart only if the worker stopped cleanly.

A row is stored here before the broker has its changelog record. After a kill -9 the local table may
therefore be ahead for ever: the event comes again, finds its row as it is to be, and writes nothing;
the row is lost with this machine. So a mark stands beside the tables while a worker runs. A start that
finds one wipes the tables, and they are replayed from Kafka.
"""

import fcntl
import os
import shutil
from pathlib import Path

from paas_stream.errors import StartRefusedError

MARK = "tables-in-use"


class LocalTables:
    """The tables' directory of one worker."""

    def __init__(self, datadir: Path, tabledir: Path) -> None:
        self._mark = datadir / MARK
        self._tables = tabledir
        self._lock: int | None = None

    def open(self) -> bool:
        """Set the mark. Returns whether tables were wiped.

        Raises StartRefusedError when another worker uses the directory.
        """
        self._mark.parent.mkdir(parents=True, exist_ok=True)
        was_killed = self._mark.exists()
        self._lock = os.open(self._mark, os.O_WRONLY | os.O_CREAT)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartRefusedError(
                f"another worker uses {self._mark.parent}: give each its own name (PAAS_WEB_WORKER)"
            ) from None
        if not was_killed or not self._tables.exists():
            return False
        shutil.rmtree(self._tables)
        return True

    def close(self) -> None:
        """Remove the mark: every row has been confirmed by the broker."""
        if self._lock is not None:
            self._mark.unlink()
            os.close(self._lock)
            self._lock = None
