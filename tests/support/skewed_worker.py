"""A worker whose clock can be put forward and back: `python skewed_worker.py FILE`.

FILE holds the seconds by which the clock is wrong, and is looked at all the time. `time.time` and
`datetime.now` follow it, the monotonic clock does not: as on a machine whose clock is set.
"""

import sys
import threading
import time
from pathlib import Path

import time_machine
from time_machine import escape_hatch

_LOOK_S = 0.2
_EXACT_S = 0.05


def _offset(file: Path) -> float:
    try:
        return float(file.read_text() or 0)
    except FileNotFoundError:
        return 0.0


def _adjust(file: Path, clock: time_machine.Traveller) -> None:
    """Put the clock right but for the offset; on a busy machine it starts seconds late."""
    wrong = escape_hatch.time.time() + _offset(file) - time.time()
    if abs(wrong) > _EXACT_S:
        clock.shift(wrong)


def _follow(file: Path, clock: time_machine.Traveller) -> None:
    while True:
        _adjust(file, clock)
        time.sleep(_LOOK_S)


def main() -> None:
    """Run the worker."""
    del sys.path[0]  # this folder, in which modules have names of libraries
    file = Path(sys.argv[1])
    with time_machine.travel(time.time(), tick=True) as clock:
        _adjust(file, clock)
        threading.Thread(target=_follow, args=(file, clock), daemon=True).start()
        sys.argv[1:] = ["worker"]
        from paas_stream.cli.main import main as command

        command()


if __name__ == "__main__":
    main()
