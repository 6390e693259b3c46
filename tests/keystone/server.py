"""A Keystone for tests, in its own Python: `python server.py FOLDER PORT [ISSUER AUDIENCE]`.

With an issuer, users of that OpenID provider may log in by federation. What a web server's module does
in production, the check of the token, is done by a few lines here: `Federation`.

FOLDER gets the configuration, the SQLite database and the keys. The administrator is `admin` with
the password `secret`. One thread serves: several would lock each other out of the database.
"""

import getpass
import grp
import json
import os
import sys
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

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
[auth]
methods = external,password,token,mapped,openid,application_credential
[federation]
remote_id_attribute = HTTP_OIDC_ISS
"""
_TIMEOUT_S = 10


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


class Federation:
    """Checks the token of a federated login, and hands its claims to Keystone."""

    def __init__(
        self, application: Callable[..., Iterable[bytes]], issuer: str, audience: str
    ) -> None:
        import jwt

        self._application, self._issuer, self._audience = application, issuer, audience
        self._jwt = jwt
        about = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        with urllib.request.urlopen(about, timeout=_TIMEOUT_S) as answer:
            self._keys = jwt.PyJWKClient(json.load(answer)["jwks_uri"], timeout=_TIMEOUT_S)

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """As WSGI has it."""
        path = environ["PATH_INFO"]
        if "/OS-FEDERATION/identity_providers/" in path and path.endswith("/auth"):
            token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
            try:
                claims = self._jwt.decode(
                    token,
                    self._keys.get_signing_key_from_jwt(token).key,
                    algorithms=["RS256"],
                    audience=self._audience,
                    issuer=self._issuer,
                )
            except self._jwt.PyJWTError as exc:
                start_response("401 Unauthorized", [("Content-Type", "text/plain")])
                return [repr(exc).encode()]
            for name, value in claims.items():
                told = ";".join(value) if isinstance(value, list) else str(value)
                environ[f"HTTP_OIDC_{name.upper()}"] = told
        return self._application(environ, start_response)


def main() -> None:
    """Prepare and serve."""
    folder, port, *trusted = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:5]
    sys.argv = ["keystone"]  # keystone reads the command line when it is imported
    os.environ["OS_KEYSTONE_CONFIG_DIR"] = str(folder)
    for name in ("fernet", "credential"):
        (folder / name).mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / "keystone.conf").write_text(CONFIG.format(folder=folder))
    prepare(folder, f"http://127.0.0.1:{port}/v3")
    import waitress
    from keystone.wsgi.api import application

    if trusted:
        application = Federation(application, *trusted)
    waitress.serve(application, host="127.0.0.1", port=port, threads=1)


if __name__ == "__main__":
    main()
