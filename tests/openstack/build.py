"""Makes the databases of the OpenStack services: `python build.py FOLDER`, in their own Python.

Takes about a minute; the folder can be copied.
"""

import os
import subprocess
import sys
from pathlib import Path

from services import SERVICES, configure, variables

_NEUTRON = """
import sqlalchemy
from neutron.db.migration.models import head
head.get_metadata().create_all(sqlalchemy.create_engine("sqlite:///neutron/db"))
"""
_NOVA = ["nova-manage", "--config-file", "nova/nova.conf"]
_STEPS = (
    ["glance-manage", "--config-file", "glance/glance-api.conf", "db_sync"],
    ["placement-manage", "--config-file", "placement/placement.conf", "db", "sync"],
    [*_NOVA, "api_db", "sync"],
    [*_NOVA, "cell_v2", "map_cell0", "--database_connection", "sqlite:///nova/cell0"],
    [*_NOVA, "db", "sync"],
    [*_NOVA, "cell_v2", "create_cell", "--name", "cell1"],
    ["cinder-manage", "--config-file", "cinder/cinder.conf", "db", "sync"],
    # its own migrations alter constraints, which SQLite cannot: the tables are made from the models
    ["python", "-c", _NEUTRON],
)


def main() -> None:
    """Run all steps; what a step said is shown when it fails."""
    folder, home = Path(sys.argv[1]).resolve(), Path(sys.prefix)
    for name in SERVICES:
        (folder / name).mkdir(parents=True, exist_ok=True)
    configure(folder, home, 5000)
    for program, *words in _STEPS:
        done = subprocess.run(
            [str(home / "bin" / program), *words],
            cwd=folder,
            env=os.environ | variables(folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(
                f"{program} {' '.join(words)[:60]} failed:\n{(done.stdout + done.stderr)[-3000:]}"
            )


if __name__ == "__main__":
    main()
