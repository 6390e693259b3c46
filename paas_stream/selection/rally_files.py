"""The files of the reports' directory: which ones are new or have changed, and their content.

Only this module reads them; it is called in a thread. What has been read is remembered by size and
time of change, so a broken file is told once, and again when it has changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paas_stream.records import Rally
from paas_stream.selection import rally_report
from paas_stream.selection.rally_report import RallyReportError

MAX_FILES = 100_000  # of the directory; more are not looked at

Stamp = tuple[int, int]  # size in bytes, time of change in nanoseconds


@dataclass(frozen=True)
class Reading:
    """One file that was read."""

    path: Path
    reports: tuple[Rally, ...] = ()
    fault: RallyReportError | None = None


class RallyDirectory:
    """A directory of reports, and what has been read of it in this process."""

    def __init__(self, root: Path, files_per_turn: int, max_file_bytes: int) -> None:
        self._root = root
        self._most = files_per_turn
        self._max_bytes = max_file_bytes
        self._done: dict[Path, Stamp] = {}  # never more than there are files

    def turn(self) -> list[Reading]:
        """Read the next files that are new or have changed, the oldest first.

        Raises RallyReportError when the directory cannot be read or has too many files.
        """
        stamps = dict(self._stamps())
        self._done = {path: stamp for path, stamp in self._done.items() if path in stamps}
        waiting = [path for path, stamp in stamps.items() if self._done.get(path) != stamp]
        waiting.sort(key=lambda path: (stamps[path][1], path))
        readings = []
        for path in waiting[: self._most]:
            readings.append(self._read(path, stamps[path][0]))
            self._done[path] = stamps[path]
        return readings

    def _stamps(self) -> Iterator[tuple[Path, Stamp]]:
        if not self._root.is_dir():
            raise RallyReportError(f"{self._root} is not a directory that can be read")
        for count, path in enumerate(self._root.rglob("*.json")):
            if count >= MAX_FILES:
                raise RallyReportError(f"{self._root} has more than {MAX_FILES} reports")
            try:
                stat = path.stat()
            except OSError:
                continue  # it has just been removed or replaced: the next turn will see
            if path.is_file():
                yield path, (stat.st_size, stat.st_mtime_ns)

    def _read(self, path: Path, size: int) -> Reading:
        try:
            provider, region = rally_report.place(path.relative_to(self._root))
            if size > self._max_bytes:
                raise RallyReportError(f"{size} bytes, {self._max_bytes} are the most")
            with path.open("rb") as file:
                content = file.read(self._max_bytes + 1)
            return Reading(path, rally_report.parse(content, provider, region))
        except RallyReportError as exc:
            return Reading(path, fault=RallyReportError(f"{path}: {exc.message}"))
        except OSError as exc:
            return Reading(path, fault=RallyReportError(f"{path}: cannot be read ({exc.strerror})"))
