"""Serves one OpenStack service: `python serve.py NAME PORT FOLDER`, in the Python of its environment."""

import importlib
import os
import sys
from pathlib import Path

from services import MODULES, variables


def main() -> None:
    """Serve until the process is ended."""
    name, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    os.chdir(folder)
    os.environ.update(variables(folder))
    # the services read the command line when they are imported
    sys.argv = [name, "--config-file", "cinder/cinder.conf"] if name == "cinder" else [name]
    application = importlib.import_module(MODULES[name]).application
    import waitress  # after what patches the standard library

    waitress.serve(application, host="127.0.0.1", port=port, threads=1)


if __name__ == "__main__":
    main()
