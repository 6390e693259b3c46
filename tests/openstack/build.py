"""Makes the databases of the OpenStack services: `python build.py FOLDER`, in their own Python.

Takes about a minute; the folder can be copied.
"""

import os
import subprocess
import sys
from pathlib import Path

from services import SERVICES, configure, variables

# With the row of an agent that was heard of in the far future, ports can be bound on its host.
_NEUTRON = """
import datetime
import json
import sqlalchemy
from neutron.db.migration.models import head
from neutron.db.models.agent import Agent
from neutron_lib.constants import AGENT_PROCESS_OVS, AGENT_TYPE_OVS
engine = sqlalchemy.create_engine("sqlite:///neutron/db")
head.get_metadata().create_all(engine)
future = datetime.datetime(2999, 1, 1)
agent = {
    "id": "00000000-0000-0000-0000-000000000001",
    "agent_type": AGENT_TYPE_OVS,
    "binary": AGENT_PROCESS_OVS,
    "topic": "N/A",
    "host": "hypervisor",
    "created_at": future,
    "started_at": future,
    "heartbeat_timestamp": future,
    "configurations": json.dumps({"tunnel_types": ["vxlan"]}),
    "resource_versions": "{}",
}
with engine.begin() as connection:
    connection.execute(Agent.__table__.insert().values(agent))
"""
# Readers are not kept waiting by a writer.
_WAL = """
import sqlite3
for name in ("db", "api_db", "cell0"):
    sqlite3.connect(f"nova/{name}").execute("PRAGMA journal_mode=WAL")
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
    ["python", "-c", _WAL],
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
