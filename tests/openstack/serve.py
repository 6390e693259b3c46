"""Serves one OpenStack service: `python serve.py NAME PORT FOLDER`, in the Python of its environment.

A fourth word `hypervisor` lets Nova build machines.
"""

import importlib
import os
import socket
import sys
from pathlib import Path

from services import MODULES, variables


def main() -> None:
    """Serve until the process is ended."""
    name, port, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    builds = sys.argv[4:] == ["hypervisor"]
    # from now on, since others look for free ports, too; who asks before it serves has to wait
    held = socket.create_server(("127.0.0.1", port))
    os.chdir(folder)
    os.environ.update(variables(folder))
    # the services read the command line when they are imported
    sys.argv = [name, "--config-file", "cinder/cinder.conf"] if name == "cinder" else [name]
    application = importlib.import_module(MODULES[name]).application
    import waitress  # after what patches the standard library

    if builds:
        import hypervisor

        hypervisor.start()
    waitress.serve(application, sockets=[held], threads=1)


if __name__ == "__main__":
    main()
