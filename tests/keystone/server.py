"""A Keystone for tests, in the Python of its own environment: `python server.py FOLDER PORT`.

FOLDER gets the configuration, the SQLite database and the keys. The administrator is `admin` with
the password `secret`. One thread serves: several would lock each other out of the database.
"""

import getpass
import grp
import os
import sys
from pathlib import Path

CONFIG = """[DEFAULT]
log_file = {folder}/keystone.log
[database]
connection = sqlite:///{folder}/keystone.db
[fernet_tokens]
key_repository = {folder}/fernet
[credential]
key_repository = {folder}/credential
[cache]
enabled = true
backend = oslo_cache.dict
[identity]
password_hash_rounds = 4
"""


def prepare(folder: Path, url: str) -> None:
    """Database, keys and administrator. Each step is a process: the program keeps global state."""
    from keystone.cmd import cli

    owner = ["--keystone-user", getpass.getuser()]
    owner += ["--keystone-group", grp.getgrgid(os.getgid()).gr_name]
    endpoints = [f"--bootstrap-{kind}-url={url}" for kind in ("public", "internal", "admin")]
    password = ["--bootstrap-password", "secret", "--bootstrap-region-id", "RegionOne"]
    for step in (
        ["db_sync"],
        ["fernet_setup", *owner],
        ["credential_setup", *owner],
        ["bootstrap", *password, *endpoints],
    ):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                config = ["--config-file", str(folder / "keystone.conf")]
                cli.main(argv=["keystone-manage", *config, *step])
                code = 0
            finally:
                os._exit(code)
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(f"keystone-manage {step[0]} failed")


def main() -> None:
    """Prepare and serve."""
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    sys.argv = ["keystone"]  # keystone reads the command line when it is imported
    os.environ["OS_KEYSTONE_CONFIG_DIR"] = str(folder)
    for name in ("fernet", "credential"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "keystone.conf").write_text(CONFIG.format(folder=folder))
    prepare(folder, f"http://127.0.0.1:{port}/v3")
    import waitress
    from keystone.wsgi.api import application

    waitress.serve(application, host="127.0.0.1", port=port, threads=1)


if __name__ == "__main__":
    main()
